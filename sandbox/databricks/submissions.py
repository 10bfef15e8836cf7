"""The rules of `runs/submit` that types cannot express, and the stand-in's limitations.

Source: Databricks REST, Jobs API 2.2, `POST /api/2.2/jobs/runs/submit`. The messages are the service's where
they are known. The stand-in refuses as NOT_IMPLEMENTED what it would otherwise run wrongly (a notebook task,
a Git source, …). It accepts and ignores what does not affect the run (notifications, access lists, tags).
"""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from databricks.sdk.service.jobs import JobsAPI

from sandbox.databricks.errors import InvalidParameterError, InvalidStateError, NotSupportedError
from sandbox.databricks.payloads import Json, checked
from sandbox.databricks.settings import SPARK_VERSION

RUNNABLE = ("python_wheel_task", "spark_python_task")
COMPUTE = ("existing_cluster_id", "new_cluster", "environment_key")
TOKEN_LENGTH = 64
NAME_BYTES = 4096
TASKS = 100

_TASK_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_REFUSED_OF_RUN = ("git_source", "environment_variables")
_REFUSED_OF_TASK = ("disabled", "compute", "environment_variables_key")
_LIBRARIES = ("whl", "pypi")


def submission(
    request: Json, *, cluster: Callable[[str], Json | None], policy: Callable[[Json], Json] = dict
) -> Json:
    """Check and return the body of `runs/submit`.

    Args:
        request: the body as received.
        cluster: returns the cluster with an id as `clusters/get` shows it, or None.
        policy: returns a new cluster's settings after its cluster policy.

    Raises:
        InvalidParameterError: for a request that the service refuses; it names all wrong types at once.
        NotSupportedError: for a valid request that the stand-in cannot run.
    """
    found = checked(JobsAPI.submit, request)
    token = found.get("idempotency_token", "")
    if len(token) > TOKEN_LENGTH:
        raise InvalidParameterError(
            f"The idempotency_token must have at most {TOKEN_LENGTH} characters, not {len(token)}"
        )
    if (length := len(found.get("run_name", "").encode())) > NAME_BYTES:
        raise InvalidParameterError(
            f"The run_name must have at most {NAME_BYTES} bytes in UTF-8, not {length}"
        )
    _not_negative(found, "timeout_seconds", "timeout_seconds")
    environments = _environments(found.get("environments", []))
    tasks = found.get("tasks", [])
    if not 1 <= len(tasks) <= TASKS:
        raise InvalidParameterError(f"A run must have 1 to {TASKS} tasks, not {len(tasks)}")
    _task_keys(tasks)
    for index, task in enumerate(tasks):
        _task(f"tasks[{index}]", task, environments)
        if "existing_cluster_id" in task:
            _existing_cluster(task["existing_cluster_id"], cluster(task["existing_cluster_id"]))
        if "new_cluster" in task:
            _new_cluster(f"tasks[{index}].new_cluster", policy(task["new_cluster"]))
    _refuse("", found, _REFUSED_OF_RUN)
    return found


def kind_of(task: Json) -> str:
    """Return the task's `…_task` field, of which a checked task has exactly one."""
    return next(key for key in task if key.endswith("_task"))


def _task_keys(tasks: list[Json]) -> None:
    keys = Counter(task["task_key"] for task in tasks)
    for key, count in keys.items():
        if not _TASK_KEY.fullmatch(key):
            raise InvalidParameterError(
                f"Invalid task_key {key!r}: 1 to 100 letters, digits, underscores and hyphens"
            )
        if count > 1:
            raise InvalidParameterError(f"The task_key {key!r} is used by {count} tasks; it must be unique")
    for task in tasks:
        for dependency in task.get("depends_on", []):
            if dependency["task_key"] not in keys:
                raise InvalidParameterError(
                    f"Task {task['task_key']!r} depends on {dependency['task_key']!r}, which is not a task"
                )
    _no_cycle({t["task_key"]: {d["task_key"] for d in t.get("depends_on", [])} for t in tasks})


def _no_cycle(waits_for: dict[str, set[str]]) -> None:
    while waits_for:
        free = {key for key, needed in waits_for.items() if not needed & waits_for.keys()}
        if not free:
            raise InvalidParameterError(f"The tasks {', '.join(sorted(waits_for))} depend on each other")
        waits_for = {key: needed for key, needed in waits_for.items() if key not in free}


def _task(path: str, task: Json, environments: set[str]) -> None:
    kinds = [key for key in task if key.endswith("_task")]
    if len(kinds) != 1:
        raise InvalidParameterError(
            f"{path} must have exactly one task type, not {', '.join(kinds) or 'none'}"
        )
    _not_negative(task, "timeout_seconds", f"{path}.timeout_seconds")
    if task.get("max_retries", 0) < -1:
        raise InvalidParameterError(f"{path}.max_retries must be -1 (always), 0 (never) or more")
    _compute(path, task, environments)
    if kinds[0] not in RUNNABLE:
        raise NotSupportedError(f"{path}.{kinds[0]}: the sandbox runs {' and '.join(RUNNABLE)} only")
    wheel = task.get("python_wheel_task", {})
    if wheel.get("parameters") and wheel.get("named_parameters"):
        raise InvalidParameterError(
            f"{path}.python_wheel_task: only one of parameters and named_parameters may be given"
        )
    _libraries(path, task)
    if task.get("run_if", "ALL_SUCCESS") != "ALL_SUCCESS":
        raise NotSupportedError(f"{path}.run_if: the sandbox knows ALL_SUCCESS only")
    if any("outcome" in dependency for dependency in task.get("depends_on", [])):
        raise NotSupportedError(f"{path}.depends_on: the sandbox knows no outcomes of condition tasks")
    _refuse(path, task, _REFUSED_OF_TASK)


def _compute(path: str, task: Json, environments: set[str]) -> None:
    given = [key for key in COMPUTE if key in task]
    if len(given) != 1:
        raise InvalidParameterError(
            f"Task {task['task_key']!r}: exactly one of {', '.join(COMPUTE)} must be specified, "
            f"not {', '.join(given) or 'none'}"
        )
    if "environment_key" in task:
        if task["environment_key"] not in environments:
            raise InvalidParameterError(
                f"{path}.environment_key {task['environment_key']!r} is not declared in environments"
            )
        if task.get("libraries"):
            raise InvalidParameterError(
                "Libraries field is not supported for serverless task, "
                "please specify libraries in environment."
            )


def _existing_cluster(cluster_id: str, cluster: Json | None) -> None:
    if cluster is None:
        raise InvalidParameterError(f"Cluster {cluster_id} does not exist")
    if cluster["state"] == "ERROR":
        raise InvalidStateError(
            f"Cluster {cluster_id} is in unexpected state ERROR: {cluster['state_message']}"
        )
    if cluster["spark_version"] != SPARK_VERSION:
        raise NotSupportedError(
            f"Cluster {cluster_id} has runtime {cluster['spark_version']}: the sandbox runs jobs on "
            f"{SPARK_VERSION} only"
        )


def _new_cluster(path: str, cluster: Json) -> None:
    version = cluster.get("spark_version")
    if version is None:
        raise InvalidParameterError(f"Missing required field: {path}.spark_version")
    if version != SPARK_VERSION:
        raise InvalidParameterError(
            f"Invalid spark version {version}: the sandbox has {SPARK_VERSION} (see clusters/spark-versions)"
        )
    if "num_workers" not in cluster and "autoscale" not in cluster:
        raise InvalidParameterError(f"Missing required field: {path}.size (num_workers or autoscale)")
    if "num_workers" in cluster and "autoscale" in cluster:
        raise InvalidParameterError(f"{path}: only one of num_workers and autoscale may be given")
    if not cluster.keys() & {"node_type_id", "instance_pool_id"}:
        raise InvalidParameterError(f"Missing required field: {path}.node_type_id (or instance_pool_id)")


def _environments(environments: list[Json]) -> set[str]:
    keys = [environment["environment_key"] for environment in environments]
    if len(set(keys)) < len(keys):
        raise InvalidParameterError(f"environments: the keys {', '.join(keys)} must be unique")
    for index, environment in enumerate(environments):
        spec = environment.get("spec", {})
        if not spec.keys() & {"environment_version", "client", "base_environment"}:
            raise InvalidParameterError(
                f"environments[{index}].spec: either base_environment or environment_version must be provided"
            )
        if spec.get("java_dependencies"):
            raise NotSupportedError(
                f"environments[{index}].spec.java_dependencies: the sandbox runs Python only"
            )
    return set(keys)


def _libraries(path: str, task: Json) -> None:
    for index, library in enumerate(task.get("libraries", [])):
        where = f"{path}.libraries[{index}]"
        if len(library) != 1:
            raise InvalidParameterError(
                f"{where} must name exactly one library, not {', '.join(library) or 'none'}"
            )
        kind = next(iter(library))
        if kind not in _LIBRARIES:
            raise NotSupportedError(
                f"{where}.{kind}: the sandbox installs wheels only ({', '.join(_LIBRARIES)})"
            )


def _refuse(path: str, value: Json, keys: tuple[str, ...]) -> None:
    for key in keys:
        if value.get(key):
            raise NotSupportedError(f"{path}.{key} is not implemented by the sandbox".removeprefix("."))


def _not_negative(value: dict[str, Any], key: str, path: str) -> None:
    if value.get(key, 0) < 0:
        raise InvalidParameterError(f"{path} must not be negative, it is {value[key]}")
