"""The REST client of the demo and the end-to-end tests, against an Airflow that answers from a script."""

import json
from typing import Any

import httpx
import pytest

from sandbox.airflow_client import AirflowClient, Run
from sandbox.errors import SandboxError

RUN = Run("d", "r")


class Airflow:
    """Answers paths from `answers`; a list is given one element at a time, the last again and again."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = {"/auth/token": {"access_token": "t"}} | answers
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.get(request.url.path)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return (
            httpx.Response(404, json={"detail": "none"})
            if answer is None
            else httpx.Response(200, json=answer)
        )

    def client(self) -> AirflowClient:
        return AirflowClient("http://airflow", transport=httpx.MockTransport(self))


def task(state: str | None, name: str = "a", **fields: Any) -> dict[str, Any]:
    return {"task_id": name, "map_index": -1, "state": state, "end_date": None} | fields


def states(*listed: str | None) -> list[dict[str, Any]]:
    return [{"task_instances": [task(state)]} for state in listed]


def seen(run_states: list[str], task_states: list[dict[str, Any]]) -> tuple[str, list[str | None]]:
    airflow = Airflow(
        {
            "/api/v2/dags/d/dagRuns/r": [{"state": state} for state in run_states],
            "/api/v2/dags/d/dagRuns/r/taskInstances": task_states,
        }
    )
    shown: list[str | None] = []
    with airflow.client() as client:
        end = client.wait(RUN, poll_seconds=0, on_change=lambda one: shown.append(one["state"]))
    return end, shown


def test_a_run_is_triggered_with_the_values_given_and_a_token() -> None:
    airflow = Airflow({"/api/v2/dags/d/dagRuns": {"dag_run_id": "manual_1"}})
    with airflow.client() as client:
        run = client.trigger("d", {"account": "*"})

    assert run == Run("d", "manual_1")
    request = airflow.requests[-1]
    assert json.loads(request.content) == {"logical_date": None, "conf": {"account": "*"}}
    assert request.headers["Authorization"] == "Bearer t"


@pytest.mark.parametrize("end", ["success", "failed"])
def test_waiting_ends_with_the_state_of_the_run(end: str) -> None:
    assert seen(["queued", "running", end], states("queued", "running", end))[0] == end


def test_every_change_of_a_task_is_shown_once() -> None:
    run_states = ["running", "running", "running", "success"]

    shown = seen(run_states, states("queued", "running", "running", "success"))[1]

    assert shown == ["queued", "running", "success"]


def test_a_run_that_does_not_end_is_an_error_that_names_the_open_tasks() -> None:
    airflow = Airflow(
        {
            "/api/v2/dags/d/dagRuns/r": {"state": "running"},
            "/api/v2/dags/d/dagRuns/r/taskInstances": {
                "task_instances": [task("deferred", "waits"), task("success", "done", end_date="2026-01-01")]
            },
        }
    )

    with airflow.client() as client, pytest.raises(SandboxError, match=r"open: \['waits \(deferred\)'\]"):
        client.wait(RUN, timeout_seconds=-1)


def test_an_xcom_is_its_value_and_a_missing_one_is_none() -> None:
    path = "/api/v2/dags/d/dagRuns/r/taskInstances/events.validate_rows/xcomEntries/return_value"
    with Airflow({path: {"value": {"row_count": 3}}}).client() as client:
        assert client.xcom(RUN, "events.validate_rows") == {"row_count": 3}
        assert client.xcom(RUN, "insights.validate_rows") is None


def test_a_log_is_its_events_with_the_errors_below_them() -> None:
    content = [
        {"event": "::group::Log"},
        {
            "timestamp": "2026-01-01T00:00:00Z",
            "level": "error",
            "event": "Task failed",
            "error_detail": [{"exc_type": "PreflightError", "exc_value": "no such bucket"}],
        },
    ]
    with Airflow(
        {"/api/v2/dags/d/dagRuns/r/taskInstances/a/logs/2": {"content": content}}
    ).client() as client:
        log = client.task_log(RUN, "a", 2)

    assert log.splitlines() == [
        "::group::Log",
        "2026-01-01T00:00:00Z error Task failed",
        "    PreflightError: no such bucket",
    ]


def test_tasks_are_cleared_whatever_their_state() -> None:
    airflow = Airflow({"/api/v2/dags/d/clearTaskInstances": {"task_instances": [{"task_id": "a"}]}})
    with airflow.client() as client:
        assert client.clear(RUN, ["a"], downstream=True) == ["a"]

    body = json.loads(airflow.requests[-1].content)
    assert (body["dry_run"], body["only_failed"], body["include_downstream"]) == (False, False, True)


def test_a_dag_that_cannot_be_imported_is_an_error_with_its_traceback() -> None:
    errors = [{"filename": "d.py", "stack_trace": "ImportError: no x"}]
    airflow = Airflow({"/api/v2/importErrors": {"import_errors": errors}})

    with airflow.client() as client, pytest.raises(SandboxError, match=r"d\.py:\nImportError: no x"):
        client.wait_for_dag("d")


def test_a_refused_request_is_an_error_with_airflows_words() -> None:
    with (
        Airflow({}).client() as client,
        pytest.raises(SandboxError, match=r"POST http://airflow/.*: HTTP 404"),
    ):
        client.trigger("d")


def test_the_runs_of_a_dag_come_the_oldest_first() -> None:
    airflow = Airflow({"/api/v2/dags/d/dagRuns": {"dag_runs": [{"dag_run_id": "a"}, {"dag_run_id": "b"}]}})
    with airflow.client() as client:
        assert client.runs("d") == [Run("d", "a"), Run("d", "b")]
    assert airflow.requests[-1].url.params["order_by"] == "id"


def test_a_dag_is_paused_and_let_go_on() -> None:
    airflow = Airflow({"/api/v2/dags/d": {}})
    with airflow.client() as client:
        client.pause("d")
        client.pause("d", paused=False)
    bodies = [json.loads(request.content) for request in airflow.requests if request.method == "PATCH"]
    assert bodies == [{"is_paused": True}, {"is_paused": False}]


def test_the_file_of_a_dag_is_parsed_by_its_token() -> None:
    airflow = Airflow({"/api/v2/dags/d": {"file_token": "t0k"}, "/api/v2/parseDagFile/t0k": {}})
    with airflow.client() as client:
        client.parse("d")
    assert [request.method for request in airflow.requests][-1] == "PUT"


def test_a_pool_is_read_by_its_name() -> None:
    airflow = Airflow({"/api/v2/pools/p": {"slots": 1}})
    with airflow.client() as client:
        assert client.pool("p")["slots"] == 1
