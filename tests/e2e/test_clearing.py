"""Clearing and marking by the real scheduler, as alerts and docs/operations tell a person to do."""

import json

import pytest

from tests.e2e.conftest import LATE_AGAIN_DAG
from tests.fixtures.databricks import until

DAG = "cloudtrail_ingest"
TIMEOUT_SECONDS = 300
# Preflight refuses it within seconds, at each try.
DENIED = {"reader_role_arn": "arn:aws:iam::123456789012:role/cloudtrail-reader-denied"}


@pytest.fixture(scope="module")
def airflow(sandbox):
    return sandbox.airflow


@pytest.fixture(scope="module")
def failed_run(airflow):
    """A run whose preflight has failed."""
    run = airflow.trigger(DAG, DENIED)
    assert ended(airflow, run) == "failed"
    return run


@pytest.fixture
def running_run(airflow, failed_run):
    """The same run, cleared, while it goes on."""
    airflow.clear_run(failed_run)
    until(lambda: state(airflow, failed_run) == "running", "the start of the cleared run")
    return failed_run


def ended(airflow, run):
    return airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS)


def state(airflow, run):
    return airflow.run(run)["state"]


def tries(airflow, run, task_id):
    return {task["task_id"]: task["try_number"] for task in airflow.task_instances(run)}[task_id]


def test_one_task_of_a_failed_run_is_cleared_and_tried_again(airflow, failed_run):
    before = tries(airflow, failed_run, "preflight")
    assert "preflight" in airflow.clear(failed_run, ["preflight"], downstream=True)
    assert ended(airflow, failed_run) == "failed"
    assert tries(airflow, failed_run, "preflight") == before + 1


def test_a_whole_run_is_cleared_when_it_has_failed_and_again_while_it_goes_on(airflow, running_run):
    airflow.clear_run(running_run)
    assert state(airflow, running_run) in ("queued", "running")
    assert ended(airflow, running_run) == "failed"


def test_one_task_of_a_run_that_goes_on_is_cleared(airflow, running_run):
    assert airflow.clear(running_run, ["resolve"]) == ["resolve"]
    assert ended(airflow, running_run) == "failed"


def test_a_task_of_a_failed_run_is_marked_as_success_and_what_follows_is_tried_again(airflow, failed_run):
    before = tries(airflow, failed_run, "report")
    airflow.mark_task(failed_run, "events.validate_rows", "success")
    until(lambda: state(airflow, failed_run) == "failed", "the end of what follows")
    assert tries(airflow, failed_run, "report") >= before


@pytest.mark.parametrize("wanted", ["failed", "success"])
def test_a_run_that_goes_on_is_marked_and_cleared_after_that(airflow, running_run, wanted):
    airflow.mark_run(running_run, wanted)
    # The teardown still runs, and the state after it is Airflow's: of "failed" before a task ran, "success".
    ended(airflow, running_run)
    airflow.clear_run(running_run)
    assert ended(airflow, running_run) == "failed"


def test_a_run_that_is_cleared_after_its_deadline_has_a_new_one(airflow, receiver):
    def seen():
        """How often the DAG was seen to be late: told the first time, and counted for the rest of the day."""
        causes = airflow.variables(f"cloudtrail_alerts.{LATE_AGAIN_DAG}.").values()
        return sum(cause["count"] for cause in map(json.loads, causes) if cause["name"] == "late")

    # A run of a paused DAG goes on, and no task of it starts.
    airflow.pause(LATE_AGAIN_DAG)
    run = airflow.trigger(LATE_AGAIN_DAG, {"alert_conn_ids": ["receiver"]} | DENIED)
    until(lambda: seen() == 1, "the alert of the run that waits")
    assert any(run.run_id in message["message"] for message in receiver.messages)
    airflow.pause(LATE_AGAIN_DAG, paused=False)
    assert ended(airflow, run) == "failed"
    airflow.clear_run(run)
    until(lambda: state(airflow, run) == "running", "the start of the cleared run")
    airflow.pause(LATE_AGAIN_DAG)
    until(lambda: seen() == 2, "the lateness of the cleared run")
    airflow.pause(LATE_AGAIN_DAG, paused=False)
    assert ended(airflow, run) == "failed"
