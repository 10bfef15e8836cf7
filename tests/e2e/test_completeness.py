"""Completeness by the real scheduler: digests prove the tables, a RESTORE loses them, a re-read repairs.

Deletions under the same eyes: what the upkeep erases is neither missing nor unproven.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest

from cloudtrail_to_delta.completeness.command import run_audit
from cloudtrail_to_delta.records.completeness import COMPLETENESS_KEY, read_completeness
from sandbox import permissions, seed
from sandbox.airflow_client import Run
from sandbox.aws.seed import CREDENTIALS, READER_ROLE
from sandbox.sample_logs import SampleSpec
from sandbox.sample_logs.digests import SandboxSigner

INGEST, CHECK, UPKEEP = "cloudtrail_ingest", "cloudtrail_completeness", "cloudtrail_upkeep"
BUCKET = "proven-logs"
TIMEOUT_SECONDS = 600
TODAY = datetime.now(UTC).date()
ACTORS = "SELECT date, userIdentity.arn AS arn, COUNT(*) AS n FROM proven_events GROUP BY ALL"
PARAMS = {
    "bucket": BUCKET,
    "account": "111122223333",
    "kinds": ["events", "digests"],
    "events_table": "proven_events",
    "digests_table": "proven_digests",
    "share_run": True,
    "aws_conn_id": permissions.INGEST,
    "reader_role_arn": permissions.arn_of(READER_ROLE),
    "region": "us-east-1",
    "target_root": "s3://cloudtrail-lake/delta",
    "checkpoint_root": "s3://cloudtrail-lake/checkpoints",
    "compute": "existing_cluster",
    # The job reads the public keys below it, and the stand-in shows no volume to Spark.
    "code_root": None,
    "cluster_id": "sandbox-cluster",
    "warehouse_id": "sandbox-warehouse",
}
CHECKED = PARAMS | {"pending_hours": 0, "recent_days": 3, "cycle_days": 366}
CHECKED |= {"aws_conn_id": permissions.COMPLETENESS}


def done(sandbox, run):
    """The run, which has succeeded."""
    state = sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS)
    assert state == "success", {
        task["task_id"]: sandbox.airflow.task_log(run, task["task_id"], task["try_number"])[-2000:]
        for task in sandbox.airflow.task_instances(run)
        if task["state"] == "failed"
    }
    return run


def check(sandbox, **changed):
    """One run of the check: the run, the record of events and that of digests."""
    run = done(sandbox, sandbox.airflow.trigger(CHECK, CHECKED | changed))
    events, digests = read_completeness(sandbox.airflow.xcom(run, "report_gaps", COMPLETENESS_KEY))
    return run, events, digests


@pytest.fixture(scope="module")
def held(sandbox, limited):
    """The documented policies of these params, which both connections and the reader role hold."""
    documents = permissions.allow_ingest(sandbox.aws.endpoint, PARAMS)
    reader = PARAMS["reader_role_arn"]
    permissions.attach(sandbox.aws.endpoint, reader, documents["reader-role"], name="proven-reader")
    return documents


@pytest.fixture(scope="module")
def files(sandbox, held, tmp_path_factory):
    """How many log files of events the trail has delivered and signed, all of them ingested."""
    sandbox.aws.client("s3").create_bucket(Bucket=BUCKET)
    spec = SampleSpec(
        until=datetime.now(UTC).replace(minute=0, second=0, microsecond=0),
        days=2,
        files=24,
        records=100,
        damaged=False,
        accounts=("111122223333",),
        regions=("us-east-1",),
    )
    summary = tmp_path_factory.mktemp("proven") / "summary.json"
    seed.deliver(sandbox.aws.endpoint, BUCKET, spec, summary, signer=SandboxSigner(sandbox.aws.endpoint))
    done(sandbox, sandbox.airflow.trigger(INGEST, PARAMS))
    (row,) = sandbox.sql("SELECT COUNT(DISTINCT log_file) AS n FROM proven_events")
    return int(row["n"])


def test_digests_prove_every_log_file_and_hour_of_a_sound_trail(sandbox, files, held):
    run, events, digests = check(sandbox)
    assert events.files == {"held": files}
    assert events.signed.as_of is not None
    assert sum(events.signed.files.values()) == files
    assert set(events.signed.files) <= {"proven", "pending"}
    assert digests.signed.hours["covered"] >= 24
    assert events.is_complete
    assert digests.is_complete, digests.signed
    assert "Signed digests prove every log file" in sandbox.airflow.xcom(run, "report_gaps")
    states = {task["task_id"]: task["state"] for task in sandbox.airflow.task_instances(run)}
    assert states["read_again"] == "skipped"
    # It held exactly the documented policy: it used every action, and nothing was refused.
    statements = held["airflow-completeness"]["Statement"]
    documented = {action for one in statements for action in one["Action"]}
    assert sandbox.aws.judged(permissions.COMPLETENESS_ROLE) == (documented, set())


def test_what_a_restore_lost_is_named_and_read_again_once(sandbox, files, held):
    # The ingest that the check triggers has the check's connection.
    role, document = permissions.arn_of(permissions.COMPLETENESS_ROLE), held["airflow-ingest"]
    permissions.attach(sandbox.aws.endpoint, role, document, name="proven-read-again")
    for table in ("proven_events", "proven_events_quarantine"):
        sandbox.sql(f"RESTORE TABLE {table} TO VERSION AS OF 0")
    run, events, _ = check(sandbox, read_missing=True)
    assert events.files["missing"] == files
    assert sum(gap.files for gap in events.gaps) == files
    again = Run(INGEST, f"read_again__{run.run_id}")
    assert again.run_id in [one.run_id for one in sandbox.airflow.runs(INGEST)]
    done(sandbox, again)
    outcome = sandbox.airflow.xcom(again, "events.validate_rows")
    assert outcome["balanced"]
    assert outcome["run_files"] == files

    _, events, _ = check(sandbox, read_missing=True)
    assert events.files == {"held": files}
    assert events.is_complete
    (row,) = sandbox.sql("SELECT COUNT(*) AS n FROM proven_events_files WHERE NOT balanced")
    assert row == {"n": "0"}


def upkeep(sandbox, **changed):
    """One run of the upkeep, which asks nobody."""
    shared = {name: value for name, value in PARAMS.items() if name != "share_run"}
    return sandbox.airflow.trigger(UPKEEP, shared | {"why": "a test", "approve": True} | changed)


def audited(sandbox, monkeypatch, capsys):
    """The exit code of the auditor's command for the trail's whole days, and its result."""
    settings = {"AWS_ENDPOINT_URL": sandbox.aws.endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**settings, **{name.upper(): value for name, value in CREDENTIALS.items()}}.items():
        monkeypatch.setenv(name, value)
    logs = f"s3://{BUCKET}/AWSLogs/{PARAMS['account']}/CloudTrail/*/*"
    (table,) = sandbox.sql("DESCRIBE DETAIL proven_events")
    days = (f"{TODAY - timedelta(days=1)}", f"{TODAY}")
    code = run_audit(logs, table["location"], days=days, as_json=True)
    return code, json.loads(capsys.readouterr().out)


def test_the_auditors_check_is_green_on_tables_with_a_hold_an_erasure_and_an_expiry(
    sandbox, files, monkeypatch, capsys
):
    code, before = audited(sandbox, monkeypatch, capsys)
    assert code == 0, before
    kept_since = f"{TODAY - timedelta(days=1)}"
    kept = [one for one in sandbox.sql(ACTORS) if one["arn"] and one["date"] >= kept_since]
    actor = min(kept, key=lambda one: (int(one["n"]), one["arn"]))["arn"]
    erasure = {"action": "erase", "identities": [actor]}
    done(sandbox, upkeep(sandbox, action="hold"))
    refused = upkeep(sandbox, **erasure)
    assert sandbox.airflow.wait(refused, timeout_seconds=TIMEOUT_SECONDS) == "failed"
    assert "A legal hold forbids to erase records" in sandbox.airflow.task_log(refused, "plan", 1)
    done(sandbox, upkeep(sandbox, action="release"))

    erased = done(sandbox, upkeep(sandbox, **erasure))
    assert "approved by the param approve: a test" in sandbox.airflow.xcom(erased, "verify")
    done(sandbox, upkeep(sandbox, action="expire", keep_days=1))
    left = sandbox.sql(ACTORS)
    assert left
    assert [one for one in left if one["arn"] == actor or one["date"] < kept_since] == []
    reasons = sandbox.sql(
        "SELECT reason, COUNT(*) AS n, COUNT(raw) AS texts FROM proven_events_quarantine "
        "GROUP BY 1 ORDER BY 1"
    )
    assert [one["reason"] for one in reasons] == ["erased", "expired"]
    assert {one["texts"] for one in reasons} == {"0"}
    (counts,) = sandbox.sql(
        "SELECT SUM(deleted) AS deleted, COUNT_IF(NOT balanced) AS unbalanced FROM proven_events_files"
    )
    assert counts == {"deleted": str(sum(int(one["n"]) for one in reasons)), "unbalanced": "0"}

    code, after = audited(sandbox, monkeypatch, capsys)
    assert (code, after["files"]) == (0, before["files"])
    _, events, digests = check(sandbox)
    assert events.files == {"held": files}
    assert events.is_complete
    assert digests.is_complete, digests.signed
    # A run of the ingest judges the upkeep's commits.
    outcome = sandbox.airflow.xcom(
        done(sandbox, sandbox.airflow.trigger(INGEST, PARAMS | {"read_again": [f"{TODAY}"]})),
        "events.validate_rows",
    )
    assert (outcome["balanced"], outcome["run_files"]) == (True, 0)
