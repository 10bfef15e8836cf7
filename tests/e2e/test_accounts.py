"""accounts.yaml in a running Airflow: its DAGs appear, run by their schedule, one at a time, and end."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from sandbox.sample_logs.spec import ACCOUNTS as BUCKET_ACCOUNTS

FORM = "cloudtrail_ingest"
# Alias → its account; the last one is all accounts of an organization's bucket.
ACCOUNTS = {"payments": "111122223333", "orders": "444455556666", "archive": "777788889999", "everyone": "*"}
TIMEOUT_SECONDS = 600
# Every DAG's last tick is an hour ago and the next one is tomorrow: one run each, whenever the test begins.
TICK = datetime.now(UTC) - timedelta(hours=1)
FILE = f"""
defaults:
  schedule: "{TICK.minute} {TICK.hour} * * *"
  bucket: cloudtrail-logs
  region: us-east-1
  target_root: s3://cloudtrail-lake/delta/{{alias}}
  checkpoint_root: s3://cloudtrail-lake/checkpoints/{{alias}}
  code_root: s3://cloudtrail-lake/code
  events_table: events_{{alias}}
  insights_table: insights_{{alias}}
  network_activity_table: network_activity_{{alias}}
  aggregated_table: aggregated_{{alias}}
  kinds: [events]
  compute: existing_cluster
  cluster_id: sandbox-cluster
  warehouse_id: sandbox-warehouse
  reader_role_arn: arn:aws:iam::123456789012:role/cloudtrail-reader
  max_concurrent_runs: 1
accounts:
  - alias: payments
    account: "111122223333"
  - alias: orders
    account: "444455556666"
  - alias: archive
    account: "777788889999"
  - alias: everyone
    account: "*"
  - alias: broken
    account: 777788889999
"""


@pytest.fixture(scope="module")
def scheduled(sandbox):
    """Each entry's first run by the schedule, to its end: alias → (run, state)."""
    before = {run.run_id for run in sandbox.databricks.sdk().jobs.list_runs()}
    sandbox.accounts.write_text(FILE)
    sandbox.airflow.parse(FORM)
    ended = {}
    for alias in (*ACCOUNTS, "broken"):
        dag = f"{FORM}__{alias}"
        sandbox.airflow.wait_for_dag(dag)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not (runs := sandbox.airflow.runs(dag)):
            assert time.monotonic() < deadline, f"{dag} was never scheduled"
            time.sleep(0.5)
        ended[alias] = (runs[0], sandbox.airflow.wait(runs[0], timeout_seconds=TIMEOUT_SECONDS))
        sandbox.airflow.pause(dag)
    jobs = [run for run in sandbox.databricks.sdk().jobs.list_runs() if run.run_id not in before]
    yield ended, jobs
    sandbox.accounts.write_text("accounts:\n")


def test_accounts_are_ingested_by_their_schedule_without_a_person(sandbox, scheduled):
    ended, _ = scheduled
    for alias, account in ACCOUNTS.items():
        run, state = ended[alias]
        assert (state, run.run_id.partition("__")[0]) == ("success", "scheduled")
        (row,) = sandbox.sql(f"SELECT COUNT(*) AS n FROM events_{alias}")  # noqa: S608 - names of our own
        wanted = sandbox.promised.counts("events", None if account == "*" else account)
        assert int(row["n"]) == wanted.rows > 0
        found = list(BUCKET_ACCOUNTS) if account == "*" else [account]
        assert sandbox.airflow.xcom(run, "events.validate_rows")["run_accounts"] == found
        told = f"new log files of {len(found)} account(s): {', '.join(found)}"
        assert told in sandbox.airflow.xcom(run, "report")


def test_no_more_databricks_runs_are_active_at_once_than_may_be(scheduled):
    _, jobs = scheduled
    times = sorted((job.start_time, job.end_time) for job in jobs)
    assert len(times) == len(ACCOUNTS)
    assert all(one[1] <= following[0] for one, following in pairwise(times))


def test_a_broken_entry_is_a_dag_that_fails_with_the_reason_while_the_others_run(sandbox, scheduled):
    run, state = scheduled[0]["broken"]
    assert state == "failed"
    log = sandbox.airflow.task_log(run, "disabled")
    assert "accounts.yaml:" in log
    assert "account: 777788889999: give 12 digits (in quotes in YAML)" in log


def test_the_pool_of_the_submits_is_there_without_a_person(sandbox, scheduled):
    assert sandbox.airflow.pool("cloudtrail_submit")["slots"] == 1
