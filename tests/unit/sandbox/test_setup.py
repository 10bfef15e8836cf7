"""The sandbox's person: what of a plan is shown, and how an approval is answered."""

from typing import Any

from sandbox import setup
from sandbox.airflow_client import AirflowClient, Run

RUN = Run("cloudtrail_setup", "r")
BODY = """The diff of every setting and policy is in [the log of `plan`](http://airflow/log).

- bucket: bucket logs will be created
- trail: trail cloudtrail in 111122223333 will be changed: logging

No change: role r in 111122223333."""


def test_a_plan_is_shown_with_what_becomes_of_each_resource() -> None:
    assert setup.shortened({"subject": "apply set-up demo", "body": BODY}).splitlines() == [
        "apply set-up demo",
        "  bucket: bucket logs will be created",
        "  trail: trail cloudtrail in 111122223333 will be changed: logging",
    ]


class Airflow(AirflowClient):
    """An Airflow whose approval passes through scripted states; it keeps what was answered."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.answers: list[str] = []

    def wait_for_task(self, run: Run, task_id: str, *states: str, **_: Any) -> str:
        assert (run, task_id) == (RUN, "approve")
        assert self.states[0] in states
        return self.states.pop(0)

    def respond(self, run: Run, task_id: str, option: str) -> None:  # noqa: ARG002 - the client's signature
        self.answers.append(option)

    def question(self, run: Run, task_id: str) -> dict[str, Any]:  # noqa: ARG002 - the client's signature
        return {"subject": "s", "body": BODY, "options": ["Approve 9a39c262e856", "Reject"]}


def answered(*states: str, monkeypatch: Any) -> tuple[list[str], list[str]]:
    monkeypatch.setattr(setup, "READING_SECONDS", 0)
    airflow, asked = Airflow(*states), []
    setup.answer(airflow, RUN, "Approve", on_question=lambda question: asked.append(question["subject"]))
    return airflow.answers, asked


def test_where_nothing_is_to_do_nobody_answers(monkeypatch: Any) -> None:
    assert answered("success", monkeypatch=monkeypatch) == ([], [])


def test_an_approval_that_airflow_lost_is_answered_again_and_shown_once(monkeypatch: Any) -> None:
    states = ("awaiting_input", "up_for_retry", "awaiting_input", "success", "success")
    assert answered(*states, monkeypatch=monkeypatch) == (["Approve 9a39c262e856"] * 2, ["s"])
