"""The `runs/submit` payload of an ingest run. Source: Databricks REST, Jobs API 2.2."""

from collections.abc import Mapping, Sequence
from typing import Any

from cloudtrail_to_delta.params.ingest import NEW_CLUSTER
from cloudtrail_to_delta.params.request import DIGESTS, IngestRequest, compute_of

PACKAGE = "cloudtrail_jobs"
ENTRY_POINT = "cloudtrail-ingest"
DELETE_ENTRY_POINT = "cloudtrail-delete"
TASK_KEY = "ingest"
ENVIRONMENT_KEY = "ingest"
# The job's argument that names the DAG run.
RUN = "run"
# The job's argument that names the version of the wheel: the job refuses to run as another one.
EXPECTED_VERSION = "expected-version"
# Serverless environment version: Python 3.12, Spark Connect. Source: Databricks serverless release notes.
ENVIRONMENT_VERSION = "4"
# What makes unpacking fast. Each has binary wheels for the Python of every runtime from 17.3 LTS on, for x86
# and for ARM, and pip chooses. The tests run with these versions. Source: docs/adr/0030-wheel.md.
ACCELERATORS = ("isal==1.9.1", "msgspec==0.22.0")


def job_parameters(
    requests: Sequence[IngestRequest],
    params: Mapping[str, Any],
    *,
    run: str,
    version: str,
    public_keys: str = "",
) -> dict[str, str]:
    """Return the job's arguments by name, without dashes, for `python_wheel_task.named_parameters`.

    With several requests, the names of a request's arguments begin with its kind. The job marks its commits
    with `run`, the DAG run. `public_keys` is the file with which it verifies digests.
    """
    bounds = {name: str(params[name]) for name in ("from", "until") if params.get(name)}
    if params.get("read_again"):
        bounds["read-again"] = ",".join(params["read_again"])
    if public_keys and any(request.kind == DIGESTS for request in requests):
        bounds["public-keys"] = public_keys
    if len(requests) == 1:
        own = {"kind": requests[0].kind} | _own_parameters(requests[0])
    else:
        own = {"kinds": ",".join(request.kind for request in requests)}
        for request in requests:
            own |= {f"{request.kind}.{name}": value for name, value in _own_parameters(request).items()}
    return (
        bounds
        | own
        | {
            "region": requests[0].region,
            RUN: run,
            EXPECTED_VERSION: version,
            "discovery": params["discovery"],
            "trigger": params["trigger"],
            "duplicates": params["duplicates"],
            "max-files-per-trigger": str(params["max_files_per_trigger"]),
            "max-bytes-per-trigger": str(params["max_bytes_per_trigger"]),
        }
    )


def _own_parameters(request: IngestRequest) -> dict[str, str]:
    return {
        "logs-path": request.logs_path,
        "delta-path": request.delta_path,
        "checkpoint-path": request.checkpoint_path,
        "table": request.table,
    }


def submit_payload(
    requests: Sequence[IngestRequest],
    params: Mapping[str, Any],
    *,
    wheel: str,
    name: str,
    run: str,
    public_keys: str = "",
    volumes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the body of `runs/submit`: one wheel task, for one or several kinds, on the params' compute.

    `run_timeout_minutes` limits a run that ends by itself, but not a continuous one. `volumes` are those that
    a new cluster needs, see `runs.disks`.
    """
    parameters = job_parameters(requests, params, run=run, version=version_of(wheel), public_keys=public_keys)
    payload = _payload(params, ENTRY_POINT, parameters, wheel=wheel, name=name, volumes=volumes)
    if params["trigger"] == "continuous":
        del payload["timeout_seconds"]
    return payload


def delete_payload(
    params: Mapping[str, Any],
    *,
    order: str,
    wheel: str,
    name: str,
    volumes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the body of `runs/submit` for the job that deletes; `order` is its order as JSON."""
    parameters = {"order": order, EXPECTED_VERSION: version_of(wheel)}
    return _payload(params, DELETE_ENTRY_POINT, parameters, wheel=wheel, name=name, volumes=volumes)


def _payload(
    params: Mapping[str, Any],
    entry_point: str,
    parameters: Mapping[str, str],
    *,
    wheel: str,
    name: str,
    volumes: Mapping[str, Any] | None,
) -> dict[str, Any]:
    task: dict[str, Any] = {
        "task_key": TASK_KEY,
        "python_wheel_task": {
            "package_name": PACKAGE,
            "entry_point": entry_point,
            "named_parameters": dict(parameters),
        },
    }
    payload: dict[str, Any] = {"run_name": name, "tasks": [task]}
    if viewers := params.get("run_viewers"):
        # Otherwise only the principal that submits a one-time run, and admins, see it.
        payload["access_control_list"] = [viewer(name) for name in viewers]
    payload["timeout_seconds"] = int(params["run_timeout_minutes"]) * 60
    packages = ACCELERATORS if params["accelerators"] == "package_index" else ()
    if params["compute"] == "serverless":
        task["environment_key"] = ENVIRONMENT_KEY
        # The default costs more, for a faster start that no hourly run needs. Source: databricks-sdk,
        # `JobsAPI.submit`, `performance_target`.
        payload["performance_target"] = "STANDARD"
        payload["environments"] = [
            {
                "environment_key": ENVIRONMENT_KEY,
                "spec": {"environment_version": ENVIRONMENT_VERSION, "dependencies": [wheel, *packages]},
            }
        ]
        return payload
    task["libraries"] = [{"whl": wheel}, *({"pypi": {"package": package}} for package in packages)]
    if params["compute"] == "existing_cluster":
        task["existing_cluster_id"] = params["cluster_id"]
    else:
        task["new_cluster"] = new_cluster(params, volumes)
    return payload


def viewer(name: str) -> dict[str, str]:
    """Return the entry of an access control list that lets a user (email) or a group see a run."""
    return {"user_name" if "@" in name else "group_name": name, "permission_level": "CAN_VIEW"}


def version_of(wheel: str) -> str:
    """Return the version in a wheel's name, such as 0.1.0+h3f2a…, which no other build has.

    Source: Python Packaging User Guide, "Binary distribution format": `{distribution}-{version}-…`.
    """
    return wheel.rpartition("/")[2].split("-")[1]


def run_mark(run: Mapping[str, Any]) -> str:
    """Return the mark of a run's commits; empty for a run of an earlier release.

    `run` is the Databricks run as `runs/get` returns it.
    """
    for task in run.get("tasks", []):
        named = task.get("python_wheel_task", {}).get("named_parameters") or {}
        if named.get(RUN):
            return str(named[RUN])
    return ""


def node_type_of(params: Mapping[str, Any]) -> str:
    """Return the node type that a run asks for; empty if a cluster policy or an existing cluster has it."""
    return str(new_cluster(params).get("node_type_id", "")) if compute_of(params) == "new_cluster" else ""


def new_cluster(params: Mapping[str, Any], volumes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a cluster that exists as long as the run, with the instance profile if one is set.

    With a cluster policy, the policy (including its default values) determines the access mode and every
    setting that the params leave empty. Source: Databricks REST, Jobs API 2.2,
    `new_cluster.apply_policy_default_values`. Without one, `NEW_CLUSTER` has what they leave empty.
    """
    cluster: dict[str, Any] = {} if params.get("policy_id") else dict(NEW_CLUSTER)
    cluster |= {name: params[name] for name in NEW_CLUSTER if params.get(name)}
    cluster |= {"num_workers": int(params.get("num_workers") or 0)}
    if params.get("policy_id"):
        cluster |= {"policy_id": params["policy_id"], "apply_policy_default_values": True}
    else:
        cluster["data_security_mode"] = "SINGLE_USER"
    if cluster["num_workers"] == 0:
        # A single-node cluster needs these three. Source: Databricks, compute configuration reference.
        cluster["spark_conf"] = {"spark.databricks.cluster.profile": "singleNode", "spark.master": "local[*]"}
        cluster["custom_tags"] = {"ResourceClass": "SingleNode"}
    profile = params.get("instance_profile_arn")
    aws = ({"instance_profile_arn": profile} if profile else {}) | dict(volumes or {})
    return cluster | ({"aws_attributes": aws} if aws else {})
