"""The states of a run and its tasks, in the service's terms. These are pure functions without any I/O.

A task run goes BLOCKED (waits for other tasks) or WAITING_FOR_RETRY → PENDING (wheel being installed) →
RUNNING → TERMINATING → TERMINATED, INTERNAL_ERROR (its driver was lost) or SKIPPED. A run is QUEUED until it
is admitted, and then its state follows from its tasks. As seen on real workspaces, a run with a failed task
ends with the legacy life cycle INTERNAL_ERROR and result FAILED, while the failed task is TERMINATED and
FAILED.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.databricks.store import Run, TaskRun

TERMINAL = ("TERMINATED", "INTERNAL_ERROR", "SKIPPED")
WORKLOAD_FAILED = "Workload failed, see run output for details"

# Source: `databricks.sdk.service.jobs.TerminationTypeType` and TerminationCodeCode.
TERMINATION_TYPES = {
    "SUCCESS": "SUCCESS",
    "RUN_EXECUTION_ERROR": "CLIENT_ERROR",
    "LIBRARY_INSTALLATION_ERROR": "CLIENT_ERROR",
    "USER_CANCELED": "CLIENT_ERROR",
    "CANCELED": "CLIENT_ERROR",
    "SKIPPED": "CLIENT_ERROR",
    "DRIVER_ERROR": "INTERNAL_ERROR",
    "CLUSTER_ERROR": "CLOUD_FAILURE",
}


@dataclass(frozen=True)
class State:
    """A legacy life cycle state, a result ("" while there is none), a message, and a termination code."""

    life_cycle: str
    result: str = ""
    message: str = ""
    code: str = ""

    @property
    def terminal(self) -> bool:
        """Whether the state is final."""
        return self.life_cycle in TERMINAL

    @property
    def v2(self) -> str:
        """The state in the newer `status` object, which has one terminal and one waiting state."""
        return {"INTERNAL_ERROR": "TERMINATED", "SKIPPED": "TERMINATED", "WAITING_FOR_RETRY": "WAITING"}.get(
            self.life_cycle, self.life_cycle
        )


SUCCEEDED = State("TERMINATED", "SUCCESS", "", "SUCCESS")
FAILED = State("TERMINATED", "FAILED", WORKLOAD_FAILED, "RUN_EXECUTION_ERROR")
CANCELED = State("TERMINATED", "CANCELED", "Run cancelled.", "USER_CANCELED")
LOST = State("INTERNAL_ERROR", "FAILED", "The run was lost: its cluster stopped answering.", "CLUSTER_ERROR")
TIMED_OUT = State("TERMINATED", "TIMEDOUT", "Run timed out.", "CANCELED")
UPSTREAM_FAILED = State("SKIPPED", "UPSTREAM_FAILED", "An upstream task failed.", "SKIPPED")
UPSTREAM_CANCELED = State("SKIPPED", "UPSTREAM_CANCELED", "An upstream task was canceled.", "SKIPPED")


def driver_lost(exit_code: int | None) -> State:
    """Return the state after a driver ended without an outcome; a signal counts as 128 plus its number."""
    code = "unknown" if exit_code is None else str(128 - exit_code if exit_code < 0 else exit_code)
    return State(
        "INTERNAL_ERROR",
        "FAILED",
        f"The Spark driver stopped unexpectedly. Driver down cause: driver state change (exit code: {code})",
        "DRIVER_ERROR",
    )


def not_the_user(who: str, cluster_id: str, user: str) -> State:
    """Return the state of a task on a dedicated cluster that is not its principal's."""
    message = (
        f"Single-user check failed: user '{who}' attempted to run a command on single-user cluster "
        f"{cluster_id}, but the single user of this cluster is '{user}'"
    )
    return State("INTERNAL_ERROR", "FAILED", message, "RUN_EXECUTION_ERROR")


def library_failed(why: str) -> State:
    """Return the state after a library of the task could not be installed."""
    message = f"Library installation failed for library due to user error. Error messages: {why}"
    return State("INTERNAL_ERROR", "FAILED", message, "LIBRARY_INSTALLATION_ERROR")


def of_task(task: TaskRun) -> State:
    """Return the state of an attempt."""
    return State(task.state, task.result, task.message, task.code)


def latest(tasks: Sequence[TaskRun]) -> list[TaskRun]:
    """Return the newest attempt of each task, in the order of the tasks."""
    newest: dict[str, TaskRun] = {}
    for task in tasks:
        if task.key not in newest or newest[task.key].attempt < task.attempt:
            newest[task.key] = task
    return list(newest.values())


def of_run(run: Run, tasks: Sequence[TaskRun]) -> State:
    """Return the state of a run, which follows from its tasks."""
    newest = latest(tasks)
    done = all(task.state in TERMINAL for task in newest)
    if done and run.ended:
        return _ended(run, newest)
    if done or run.cancelled or run.timed_out:
        return State("TERMINATING")
    if not run.admitted:
        return State("QUEUED")
    begun = any(task.running or task.state in TERMINAL for task in tasks)
    return State("RUNNING" if begun else "PENDING")


def _ended(run: Run, tasks: Sequence[TaskRun]) -> State:
    if all(task.result == "SUCCESS" for task in tasks):
        return SUCCEEDED
    if run.timed_out:
        return TIMED_OUT
    if run.cancelled:
        return CANCELED
    first = next(
        task for task in tasks if task.result not in ("SUCCESS", "UPSTREAM_FAILED", "UPSTREAM_CANCELED")
    )
    if first.result == "CANCELED":
        return CANCELED
    message = f"Task {first.key} failed with message: {first.message.rstrip('.')}."
    if any(task.state == "SKIPPED" for task in tasks):
        message += " This caused all downstream tasks to get skipped."
    if first.result == "TIMEDOUT":
        return State("TERMINATED", "TIMEDOUT", message, "CANCELED")
    return State("INTERNAL_ERROR", "FAILED", message, first.code)


def unblocked(task: TaskRun, tasks: Sequence[TaskRun]) -> State | None:
    """Return the next state of a blocked task, PENDING or SKIPPED; None while it must wait."""
    needed = {dependency["task_key"] for dependency in task.spec.get("depends_on", [])}
    upstream = [other for other in latest(tasks) if other.key in needed]
    if not all(other.state in TERMINAL for other in upstream):
        return None
    results = {other.result for other in upstream}
    if results <= {"SUCCESS"}:
        return State("PENDING")
    return UPSTREAM_CANCELED if results & {"CANCELED", "UPSTREAM_CANCELED"} else UPSTREAM_FAILED


def retry_due(task: TaskRun, state: State, *, now: int) -> int | None:
    """Return when the next attempt is due (epoch ms), or None without a further attempt.

    Source: `SubmitTask.max_retries`, `min_retry_interval_millis` and `retry_on_timeout`.
    """
    allowed = task.spec.get("max_retries", 0)
    wanted = state.result == "FAILED" or (
        state.result == "TIMEDOUT" and task.spec.get("retry_on_timeout", False)
    )
    if not wanted or (allowed != -1 and task.attempt >= allowed):
        return None
    return int(now + task.spec.get("min_retry_interval_millis", 0))
