"""Runs and task runs as the Jobs API shows them.

Source: `databricks.sdk.service.jobs`: Run, BaseRun, RunTask, RunState, RunStatus. Times: epoch milliseconds.
"""

from collections.abc import Sequence

from sandbox.databricks import states
from sandbox.databricks.payloads import Json
from sandbox.databricks.settings import CLUSTER_ID, USER
from sandbox.databricks.states import State
from sandbox.databricks.store import Run, TaskRun

QUEUE_REASON = "Queued due to reaching maximum concurrent runs of the sandbox."
# The fields that a RunTask repeats from its SubmitTask.
_REPEATED = (
    "description",
    "depends_on",
    "environment_key",
    "existing_cluster_id",
    "libraries",
    "max_retries",
    "min_retry_interval_millis",
    "new_cluster",
    "python_wheel_task",
    "retry_on_timeout",
    "run_if",
    "spark_python_task",
    "timeout_seconds",
)


def run_shape(run: Run, tasks: Sequence[TaskRun], *, base_url: str, now: int, expand: bool = True) -> Json:
    """Return a run, with its task runs if expanded."""
    state = states.of_run(run, tasks)
    shape = {
        "job_id": run.job_id,
        "run_id": run.run_id,
        "number_in_job": run.run_id,
        "original_attempt_run_id": run.run_id,
        "job_run_id": run.run_id,
        "attempt_number": 0,
        "creator_user_name": run.request.get("creator_user_name", USER),
        "run_name": run.name,
        "run_type": "SUBMIT_RUN",
        "trigger": "ONE_TIME",
        "run_page_url": page_url(base_url, run.run_id),
        "start_time": run.submitted,
        "end_time": run.ended,
        "queue_duration": (run.admitted or run.ended or now) - run.submitted,
        "run_duration": (run.ended or now) - run.submitted,
        **_states(state, ended_by_request=run.cancelled or run.timed_out),
    }
    if expand:
        shape["tasks"] = [task_shape(task, base_url=base_url, now=now) for task in tasks]
    return shape


def task_run_shape(run: Run, task: TaskRun, *, base_url: str, now: int) -> Json:
    """Return a task run as `runs/get` shows it by its own id: as a run with itself as the only task."""
    shape = task_shape(task, base_url=base_url, now=now)
    carried = {key: value for key, value in shape.items() if key not in (*_REPEATED, "task_key")}
    return {
        "job_id": run.job_id,
        "number_in_job": task.run_id,
        "job_run_id": run.run_id,
        "original_attempt_run_id": task.run_id,
        "creator_user_name": run.request.get("creator_user_name", USER),
        "run_name": run.name,
        "run_type": "SUBMIT_RUN",
        "trigger": "ONE_TIME",
        **carried,
        "tasks": [shape],
    }


def task_shape(task: TaskRun, *, base_url: str, now: int) -> Json:
    """Return one attempt at a task."""
    begun, until = task.launched or task.ended, task.ended or now
    return {
        "run_id": task.run_id,
        "task_key": task.key,
        "attempt_number": task.attempt,
        "cluster_instance": {"cluster_id": task.spec.get("existing_cluster_id", CLUSTER_ID)},
        "run_page_url": page_url(base_url, task.run_id),
        "start_time": begun,
        "setup_duration": max(0, (task.running or until) - begun) if begun else 0,
        "execution_duration": until - task.running if task.running else 0,
        "cleanup_duration": 0,
        "end_time": task.ended,
        **{key: task.spec[key] for key in _REPEATED if key in task.spec},
        **_states(states.of_task(task), ended_by_request=task.cancelled or task.timed_out),
    }


def page_url(base_url: str, run_id: int) -> str:
    """Return the URL of the page of a run or a task run."""
    return f"{base_url}/runs/{run_id}"


def _states(state: State, *, ended_by_request: bool) -> Json:
    legacy: Json = {
        "life_cycle_state": state.life_cycle,
        "state_message": state.message,
        "user_cancelled_or_timedout": state.terminal and ended_by_request,
    }
    status: Json = {"state": state.v2}
    if state.life_cycle == "QUEUED":
        legacy["queue_reason"] = QUEUE_REASON
        status["queue_details"] = {"code": "ACTIVE_RUNS_LIMIT_REACHED", "message": QUEUE_REASON}
    if state.terminal:
        legacy["result_state"] = state.result
        status["termination_details"] = {
            "code": state.code,
            "type": states.TERMINATION_TYPES[state.code],
            "message": state.message,
        }
    return {"state": legacy, "status": status}
