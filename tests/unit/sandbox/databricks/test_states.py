"""How a run stands follows from its tasks."""

import pytest

from sandbox.databricks import states
from sandbox.databricks.states import State
from sandbox.databricks.store import Run, TaskRun


def run(**more):
    return Run(
        **{"run_id": 1, "job_id": 2, "request": {}, "submitted": 10, "admitted": 20, "ended": 0} | more
    )


def task(key, state, attempt=0, spec=None, **more):
    spec = {"task_key": key} | (spec or {})
    return TaskRun(run_id=hash((key, attempt)), parent=1, spec=spec, state=state, attempt=attempt, **more)


def ended(key, state: State, **more):
    return task(key, state.life_cycle, result=state.result, message=state.message, code=state.code, **more)


@pytest.mark.parametrize(
    ("given", "tasks", "life_cycle"),
    [
        (run(admitted=0), [task("a", "PENDING")], "QUEUED"),
        (run(), [task("a", "PENDING")], "PENDING"),
        (run(), [task("a", "RUNNING", running=30)], "RUNNING"),
        (run(), [ended("a", states.SUCCEEDED), task("b", "PENDING")], "RUNNING"),
        (run(), [ended("a", states.FAILED), task("a", "WAITING_FOR_RETRY", 1)], "RUNNING"),
        (run(cancelled=True), [task("a", "TERMINATING", running=30)], "TERMINATING"),
        (run(), [ended("a", states.SUCCEEDED)], "TERMINATING"),
    ],
)
def test_an_active_run_stands_as_its_tasks_do(given, tasks, life_cycle):
    state = states.of_run(given, tasks)
    assert (state.life_cycle, state.result, state.terminal) == (life_cycle, "", False)


@pytest.mark.parametrize(
    ("given", "tasks", "expected"),
    [
        (run(ended=90), [ended("a", states.SUCCEEDED)], states.SUCCEEDED),
        (
            run(ended=90),
            [ended("a", states.FAILED)],
            State(
                "INTERNAL_ERROR",
                "FAILED",
                "Task a failed with message: Workload failed, see run output for details.",
                "RUN_EXECUTION_ERROR",
            ),
        ),
        (
            run(ended=90),
            [ended("a", states.FAILED), ended("b", states.UPSTREAM_FAILED)],
            State(
                "INTERNAL_ERROR",
                "FAILED",
                "Task a failed with message: Workload failed, see run output for details. "
                "This caused all downstream tasks to get skipped.",
                "RUN_EXECUTION_ERROR",
            ),
        ),
        (
            run(ended=90),
            [ended("a", states.FAILED), ended("a", states.SUCCEEDED, attempt=1)],
            states.SUCCEEDED,
        ),
        (run(ended=90, cancelled=True), [ended("a", states.CANCELED)], states.CANCELED),
        (run(ended=90, cancelled=True), [ended("a", states.SUCCEEDED)], states.SUCCEEDED),
        (run(ended=90), [ended("a", states.CANCELED)], states.CANCELED),
        (run(ended=90, timed_out=True), [ended("a", states.TIMED_OUT)], states.TIMED_OUT),
        (
            run(ended=90),
            [ended("a", states.TIMED_OUT)],
            State("TERMINATED", "TIMEDOUT", "Task a failed with message: Run timed out.", "CANCELED"),
        ),
    ],
)
def test_an_ended_run_has_the_result_of_its_tasks(given, tasks, expected):
    assert states.of_run(given, tasks) == expected


def test_a_lost_driver_is_an_internal_error_that_tells_the_signal_as_a_shell_does():
    lost = states.driver_lost(-9)
    assert (lost.life_cycle, lost.result, lost.code) == ("INTERNAL_ERROR", "FAILED", "DRIVER_ERROR")
    assert lost.message.endswith("Driver down cause: driver state change (exit code: 137)")
    assert states.driver_lost(None).message.endswith("(exit code: unknown)")
    assert states.driver_lost(3).message.endswith("(exit code: 3)")


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        ([task("a", "RUNNING")], None),
        ([ended("a", states.SUCCEEDED)], State("PENDING")),
        ([ended("a", states.FAILED)], states.UPSTREAM_FAILED),
        ([ended("a", states.CANCELED)], states.UPSTREAM_CANCELED),
        ([ended("a", states.FAILED), task("a", "WAITING_FOR_RETRY", 1)], None),
    ],
)
def test_a_task_waits_for_the_last_attempt_of_what_it_depends_on(upstream, expected):
    blocked = task("b", "BLOCKED", spec={"depends_on": [{"task_key": "a"}]})
    assert states.unblocked(blocked, [*upstream, blocked]) == expected


@pytest.mark.parametrize(
    ("spec", "attempt", "state", "due"),
    [
        ({}, 0, states.FAILED, None),
        ({"max_retries": 1}, 0, states.FAILED, 1000),
        ({"max_retries": 1}, 1, states.FAILED, None),
        ({"max_retries": -1, "min_retry_interval_millis": 500}, 7, states.FAILED, 1500),
        ({"max_retries": 1}, 0, states.driver_lost(-9), 1000),
        ({"max_retries": 1}, 0, states.SUCCEEDED, None),
        ({"max_retries": 1}, 0, states.TIMED_OUT, None),
        ({"max_retries": 1, "retry_on_timeout": True}, 0, states.TIMED_OUT, 1000),
        ({"max_retries": 1}, 0, states.CANCELED, None),
    ],
)
def test_a_failed_attempt_is_repeated_as_often_as_its_task_allows(spec, attempt, state, due):
    assert states.retry_due(task("a", "RUNNING", attempt, spec), state, now=1000) == due


def test_every_code_has_a_type_for_the_newer_status():
    given = (
        states.SUCCEEDED,
        states.FAILED,
        states.CANCELED,
        states.TIMED_OUT,
        states.UPSTREAM_FAILED,
        states.LOST,
    )
    made = (states.driver_lost(-9), states.library_failed("no such file"))
    assert {state.code for state in given + made} == set(states.TERMINATION_TYPES)
