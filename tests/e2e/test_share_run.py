"""Kinds that share a Databricks run, by the real scheduler: one run, one driver, each kind validated."""

import time
from datetime import UTC, datetime

import pytest

DAG = "cloudtrail_ingest"
TIMEOUT_SECONDS = 600
KINDS = ("events", "insights")
PARAMS = {"share_run": True} | {f"{kind}_table": f"shared_{kind}" for kind in KINDS}


@pytest.fixture(scope="module")
def shared(sandbox):
    """One DAG run to its end, and what it has submitted."""
    before = {run.run_id for run in sandbox.databricks.sdk().jobs.list_runs()}
    run = sandbox.airflow.trigger(DAG, PARAMS)
    state = sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS)
    assert state == "success", {
        task["task_id"]: sandbox.airflow.task_log(run, task["task_id"], task["try_number"])[-2000:]
        for task in sandbox.airflow.task_instances(run)
        if task["state"] == "failed"
    }
    jobs = sandbox.databricks.sdk().jobs
    return run, [job for job in jobs.list_runs(expand_tasks=True) if job.run_id not in before]


def test_both_kinds_are_validated_and_exactly_one_run_was_submitted(sandbox, shared):
    run, jobs = shared
    (job,) = jobs
    (task,) = job.tasks
    assert task.python_wheel_task.named_parameters["kinds"] == "events,insights"
    for kind in KINDS:
        assert sandbox.airflow.xcom(run, f"{kind}.submit", "run_id") == job.run_id
        outcome = sandbox.airflow.xcom(run, f"{kind}.validate_rows")
        promised = sandbox.promised.counts(kind=kind)
        assert outcome["balanced"]
        assert outcome["table"] == f"shared_{kind}"
        assert outcome["row_count"] == outcome["run_rows"] == promised.rows > 0
        assert outcome["reasons"] == dict(promised.quarantined)


def test_the_second_kinds_table_is_seen_while_the_first_one_is_loaded(sandbox, shared):
    run, (job,) = shared
    ended = {task["task_id"]: task["end_date"] for task in sandbox.airflow.task_instances(run)}
    seen = datetime.fromisoformat(ended["insights.wait_for_delta_log"])
    assert seen < datetime.fromtimestamp(job.end_time / 1000, UTC)


def test_clearing_a_kinds_submit_finds_the_shared_run(sandbox, shared):
    run, (job,) = shared
    sandbox.airflow.clear(run, ["insights.submit"], downstream=True)
    assert sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS) == "success"
    assert sandbox.airflow.xcom(run, "insights.submit", "run_id") == job.run_id
    newest = next(iter(sandbox.databricks.sdk().jobs.list_runs()))
    assert newest.run_id == job.run_id


def test_a_run_without_new_log_files_starts_no_compute_and_wakes_no_warehouse(sandbox, shared):
    first, (job,) = shared
    # The log files are of three hours before the run that has read them.
    sandbox.aws.age("cloudtrail-logs", hours=3)
    began = time.time() * 1000
    run = sandbox.airflow.trigger(DAG, PARAMS)
    assert sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS) == "success"
    asked = [one for one in sandbox.databricks.requests() if one["at"] >= began]
    assert {one["method"] for one in asked} == {"GET"}
    assert next(iter(sandbox.databricks.sdk().jobs.list_runs())).run_id == job.run_id
    for kind in KINDS:
        outcome = sandbox.airflow.xcom(run, f"{kind}.validate_rows")
        assert (outcome["idle"], outcome["run_files"]) == (True, 0)
        known = sandbox.airflow.xcom(first, f"{kind}.validate_rows")
        assert all(outcome[name] == known[name] for name in ("row_count", "quarantined", "validated"))
    assert "No log file of events was written since" in sandbox.airflow.xcom(run, "report")
    tasks = {task["task_id"]: task for task in sandbox.airflow.task_instances(run)}
    assert tasks["events.submit"]["state"] == tasks["insights.create_tables"]["state"] == "skipped"
    # Nothing took the slot of the pool, nor a worker, only to skip itself.
    assert {task["try_number"] for name, task in tasks.items() if name.endswith(".submit")} == {0}
