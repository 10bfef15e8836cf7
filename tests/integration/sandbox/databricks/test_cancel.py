"""What must end, ends: by a request, by a timeout, with everything it started."""

import json

import pytest

from tests.fixtures.databricks import alive, until
from tests.integration.sandbox.databricks import probe

CANCEL = "/api/2.2/jobs/runs/cancel"


def pids_in(path):
    until(path.exists, f"the job to write {path}")
    return json.loads(path.read_text())


def test_cancel_ends_a_driver_that_ignores_term_and_the_group_it_started(databricks, location, tmp_path):
    run_id = databricks.submit(probe.task(location, "stubborn", str(tmp_path / "here")))
    pids = pids_in(tmp_path / "here")
    assert alive(pids) == pids
    assert databricks.call("POST", CANCEL, json={"run_id": run_id}).json() == {}
    run = databricks.ended(run_id)
    assert run["state"] == {
        "life_cycle_state": "TERMINATED",
        "result_state": "CANCELED",
        "state_message": "Run cancelled.",
        "user_cancelled_or_timedout": True,
    }
    assert run["status"]["termination_details"]["code"] == "USER_CANCELED"
    assert alive(pids) == []


def test_a_driver_that_ends_at_term_is_not_killed_and_its_run_is_terminating_meanwhile(
    databricks, location, tmp_path
):
    run_id = databricks.submit(
        probe.task(location, "probe-hold", str(tmp_path / "here"), str(tmp_path / "never"))
    )
    pids_in(tmp_path / "here")
    databricks.call("POST", CANCEL, json={"run_id": run_id})
    assert databricks.run(run_id)["state"]["life_cycle_state"] in ("TERMINATING", "TERMINATED")
    run = databricks.ended(run_id)
    assert run["state"]["result_state"] == "CANCELED"
    assert databricks.call("POST", CANCEL, json={"run_id": run_id}).json() == {}
    assert databricks.run(run_id) == run


def test_a_task_run_can_be_cancelled_by_its_own_id(databricks, location, tmp_path):
    run_id = databricks.submit(
        probe.task(location, "probe-hold", str(tmp_path / "here"), str(tmp_path / "never"))
    )
    pids_in(tmp_path / "here")
    databricks.call("POST", CANCEL, json={"run_id": databricks.run(run_id)["tasks"][0]["run_id"]})
    assert databricks.ended(run_id)["state"]["result_state"] == "CANCELED"


@pytest.mark.parametrize("level", ["run", "task"])
def test_a_run_that_takes_too_long_is_ended_and_not_tried_again(databricks, location, tmp_path, level):
    limit = {"timeout_seconds": 1}
    task = probe.task(location, "stubborn", str(tmp_path / "here"), max_retries=1)
    run_id = databricks.submit(task | limit) if level == "task" else databricks.submit(task, **limit)
    run = databricks.ended(run_id)
    assert run["state"]["result_state"] == "TIMEDOUT"
    assert [task["state"]["result_state"] for task in run["tasks"]] == ["TIMEDOUT"]
    assert alive(pids_in(tmp_path / "here")) == []


def test_a_job_whose_code_has_ended_does_not_run_on_for_a_forgotten_thread(databricks, location):
    run = databricks.ended(databricks.submit(probe.task(location, "linger")))
    assert run["state"]["result_state"] == "SUCCESS"


def test_an_unknown_run_cannot_be_cancelled(databricks):
    assert databricks.call("POST", CANCEL, json={"run_id": 1}).json()["message"] == "Run 1 does not exist."
