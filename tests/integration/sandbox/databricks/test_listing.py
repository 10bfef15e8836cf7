"""Idempotency tokens, the queue, and the list of runs."""

import pytest
from databricks.sdk.errors import InvalidState, ResourceDoesNotExist

from tests.fixtures.databricks import until
from tests.integration.sandbox.databricks import probe

LIST = "/api/2.2/jobs/runs/list"


def ids(answer):
    return [run["run_id"] for run in answer.json().get("runs", [])]


def test_a_token_gives_back_its_run_also_after_it_failed_until_it_is_deleted(databricks, location):
    task = probe.task(location, "fail")
    run_id = databricks.submit(task, idempotency_token="token-1")
    assert databricks.submit(task, idempotency_token="token-1") == run_id
    databricks.ended(run_id)
    assert databricks.submit(task, idempotency_token="token-1") == run_id
    assert databricks.submit(task, idempotency_token="token-2") != run_id
    sdk = databricks.sdk()
    sdk.jobs.delete_run(run_id)
    with pytest.raises(ResourceDoesNotExist, match=f"Run {run_id} does not exist"):
        sdk.jobs.get_run(run_id)
    again = databricks.call(
        "POST", "/api/2.2/jobs/runs/submit", json={"tasks": [task], "idempotency_token": "token-1"}
    )
    assert again.status_code == 400
    assert f"The run {run_id} of this idempotency_token has been deleted" in again.json()["message"]


def test_runs_beyond_the_limit_are_queued_in_order_and_can_be_cancelled_there(
    stand_in, probe_wheel, tmp_path
):
    one = stand_in("--max-concurrent-runs", "1").start()
    location = one.upload(probe_wheel)
    gates = [tmp_path / f"go-{n}" for n in range(3)]
    runs = [
        one.submit(probe.task(location, "probe-hold", str(tmp_path / f"here-{n}"), str(gate)))
        for n, gate in enumerate(gates)
    ]
    until((tmp_path / "here-0").exists, "the first run")
    second = one.run(runs[1])
    assert second["state"]["life_cycle_state"] == "QUEUED"
    assert second["status"]["state"] == "QUEUED"
    assert second["status"]["queue_details"]["code"] == "ACTIVE_RUNS_LIMIT_REACHED"
    with pytest.raises(InvalidState, match="is active"):
        one.sdk().jobs.delete_run(runs[1])
    one.call("POST", "/api/2.2/jobs/runs/cancel", json={"run_id": runs[1]})
    assert one.ended(runs[1])["state"]["result_state"] == "CANCELED"
    assert not (tmp_path / "here-1").exists()
    assert ids(one.call("GET", LIST, params={"active_only": "true"})) == [runs[2], runs[0]]
    assert ids(one.call("GET", LIST, params={"completed_only": "true"})) == [runs[1]]
    gates[0].touch()
    until((tmp_path / "here-2").exists, "the third run")
    gates[2].touch()
    assert one.ended(runs[2])["state"]["result_state"] == "SUCCESS"


def test_the_list_has_pages_and_filters(databricks, location):
    runs = [databricks.submit(probe.task(location, "say"), run_name=f"run {n}") for n in range(5)]
    for run_id in runs:
        databricks.ended(run_id)
    since = {"start_time_from": databricks.run(runs[0])["start_time"]}
    first = databricks.call("GET", LIST, params={"limit": 2, **since})
    assert ids(first) == runs[:2:-1]
    assert first.json()["has_more"]
    assert "tasks" not in first.json()["runs"][0]
    second = databricks.call(
        "GET", LIST, params={"limit": 2, **since, "page_token": first.json()["next_page_token"]}
    )
    assert ids(second) == runs[2:0:-1]
    back = databricks.call(
        "GET", LIST, params={"limit": 2, **since, "page_token": second.json()["prev_page_token"]}
    )
    assert ids(back) == ids(first)
    assert [
        run.run_id for run in databricks.sdk().jobs.list_runs(limit=2, expand_tasks=True, **since)
    ] == runs[::-1]
    middle = databricks.run(runs[2])
    at = middle["start_time"]
    assert ids(databricks.call("GET", LIST, params={"start_time_from": at, "start_time_to": at})) == [runs[2]]
    assert ids(databricks.call("GET", LIST, params={"job_id": middle["job_id"]})) == [runs[2]]
    assert ids(databricks.call("GET", LIST, params={"run_type": "JOB_RUN"})) == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"limit": 26}, "limit must be between 0 and 25, not 26"),
        ({"active_only": "true", "completed_only": "true"}, "cannot both be true"),
        ({"page_token": "x"}, "Invalid page_token 'x'"),
        ({"activ_only": "true"}, "Unknown field activ_only (did you mean active_only?)"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(databricks, query, message):
    answer = databricks.call("GET", LIST, params=query)
    assert answer.status_code == 400
    assert message in answer.json()["message"]
