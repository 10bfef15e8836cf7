"""The end of what was told, in real DAG runs with Airflow's own database: nobody has to delete a Variable."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime

import pytest

from sandbox import database
from sandbox.receiver import receiving
from tests.conftest import ROOT

RUN = "tests.integration.plugins.cloudtrail_to_delta.notifiers.run_dags"
TOLD = {"alert_conn_ids": ["security"]}
# The contract refuses it, in the first task of any DAG: the run fails at once, and reaches no service.
REFUSED = TOLD | {"warehouse_id": "two words"}
BROKEN = """
accounts:
  - alias: payments
    account: "111122223333"
    bucket: logs
    region: us-east-1
    target_root: s3://lake/delta
    checkpoint_root: s3://lake/checkpoints
    compute: existing_cluster
    cluster_id: c
    warehouse_id: w
    reader_role_arn: arn:aws:iam::111122223333:role/reader
    alert_conn_ids: [security]
    duplicates: drop
"""


# As in the set-up: actions are skipped when there is nothing to do, and all of it after a plan was rejected.
REVIEWED = """
from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from cloudtrail_to_delta.notifiers.failure import FailureNotifier
from cloudtrail_to_delta.notifiers.recovery import RecoveryNotifier

with DAG(
    "reviewed",
    schedule=None,
    params={"alert_conn_ids": ["security"], "broken": False, "rejected": False},
    default_args={"on_failure_callback": FailureNotifier()},
):

    @task
    def apply(params):
        if params["broken"]:
            raise AirflowFailException("refused")
        raise AirflowSkipException("nothing to do")

    @task(trigger_rule="none_failed")
    def verify(params):
        if params["rejected"]:
            raise AirflowSkipException("rejected")

    @task(trigger_rule="none_failed", on_success_callback=RecoveryNotifier(proof="verify"))
    def report():
        pass

    apply() >> verify() >> report()
"""


@pytest.fixture
def airflow(tmp_path):
    """Runs DAGs in a process with a database of its own, and tells what came and what is remembered."""
    shutil.copyfile(database.prepare(), tmp_path / "airflow.db")
    with receiving() as receiver:

        class Airflow:
            titles = receiver.titles
            messages = receiver.messages

            def run(self, *runs, accounts="", folder="dags"):
                file = tmp_path / "accounts.yaml"
                file.write_text(accounts, encoding="utf-8")
                environment = os.environ | {
                    "AIRFLOW_HOME": str(tmp_path),
                    # A DAG's own test looks for it there, too.
                    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / folder),
                    "AIRFLOW_CONN_SECURITY": receiver.connection(),
                    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path / 'airflow.db'}",
                    "CLOUDTRAIL_ACCOUNTS_FILE": str(file),
                    "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in (".", "plugins")),
                }
                done = subprocess.run(
                    [sys.executable, "-m", RUN, str(folder), json.dumps(runs)],
                    env=environment,
                    cwd=ROOT,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

            def remembered(self):
                with closing(sqlite3.connect(tmp_path / "airflow.db")) as connection:
                    return [key for (key,) in connection.execute("SELECT key FROM variable")]

            def remember(self, key, record):
                insert = "INSERT INTO variable (key, val, is_encrypted) VALUES (?, ?, 0)"
                with closing(sqlite3.connect(tmp_path / "airflow.db")) as connection, connection:
                    connection.execute(insert, (key, json.dumps(record)))

        yield Airflow()


def test_a_digest_that_failed_is_ok_again_and_its_next_failure_is_news(airflow):
    digest = "cloudtrail_digest"
    airflow.run((digest, REFUSED), (digest, REFUSED), (digest, TOLD | {"warehouse_id": "w"}))
    assert airflow.titles() == [
        "CloudTrail ingest: digest failed for every account",
        "CloudTrail ingest: ok again after 0 min: digest for every account",
    ]
    assert airflow.remembered() == []
    airflow.run((digest, REFUSED))
    assert airflow.titles()[2:] == ["CloudTrail ingest: digest failed for every account"]


def test_a_plan_that_was_rejected_ends_nothing_and_one_that_went_through_does(airflow, tmp_path):
    folder = tmp_path / "reviewed"
    folder.mkdir()
    (folder / "reviewed.py").write_text(REVIEWED, encoding="utf-8")
    airflow.run(("reviewed", {"broken": True}), ("reviewed", {"rejected": True}), folder=folder)
    assert airflow.titles() == ["CloudTrail ingest: apply failed for every account"]
    airflow.run(("reviewed", {}), folder=folder)
    assert airflow.titles()[1:] == ["CloudTrail ingest: ok again after 0 min: apply for every account"]
    assert airflow.remembered() == []


def test_what_an_earlier_release_remembers_by_account_ends_as_well(airflow):
    record = {"account": "every account", "name": "task_failed", "subject": "digest", "count": 2}
    moments = dict.fromkeys(("first", "last", "told"), datetime.now(UTC).isoformat())
    airflow.remember("cloudtrail_alerts.cloudtrail_digest.0123abcd.0123456789abcdef", record | moments)
    airflow.remember("cloudtrail_alerts.cloudtrail_digest.of.another.0123456789abcdef", record | moments)
    airflow.run(("cloudtrail_digest", TOLD | {"warehouse_id": "w"}))
    assert airflow.titles() == ["CloudTrail ingest: ok again after 0 min: digest for every account"]
    assert airflow.remembered() == ["cloudtrail_alerts.cloudtrail_digest.of.another.0123456789abcdef"]


def test_an_entry_that_was_disabled_is_told_as_corrected_by_the_next_run_whatever_becomes_of_it(airflow):
    entry = "cloudtrail_ingest__payments"
    airflow.run((entry, {}), accounts=BROKEN)
    assert airflow.titles() == [
        "CloudTrail ingest: disabled failed for payments (111122223333) in bucket 'logs'"
    ]
    airflow.run((entry, REFUSED), accounts=BROKEN.replace("duplicates: drop", "duplicates: keep"))
    told = {posted["title"]: posted["message"] for posted in airflow.messages[1:]}
    (over,) = [message for title, message in told.items() if "no longer asked for" in title]
    assert "No longer asked for: disabled: a task failed" in over
    assert "Failed:      resolve in this run" in over
    assert len(airflow.remembered()) == 1
