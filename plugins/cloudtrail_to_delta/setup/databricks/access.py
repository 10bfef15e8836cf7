"""The checks of the verification job, and its compute. Pure, except for one listing of the log bucket."""

from collections.abc import Iterable, Mapping
from typing import Any

from cloudtrail_to_delta.iam.reader import listing_prefix
from cloudtrail_to_delta.params.locations import LogFileKey
from cloudtrail_to_delta.runs.disks import volumes_for
from cloudtrail_to_delta.runs.payload import (
    ENVIRONMENT_KEY,
    ENVIRONMENT_VERSION,
    EXPECTED_VERSION,
    PACKAGE,
    new_cluster,
    version_of,
)
from cloudtrail_to_delta.setup.databricks.build import databricks_resources
from cloudtrail_to_delta.setup.databricks.cluster_policies import ClusterPolicy
from cloudtrail_to_delta.setup.databricks.clusters import Cluster
from cloudtrail_to_delta.setup.databricks.locations import places
from cloudtrail_to_delta.setup.databricks.principals import named
from cloudtrail_to_delta.setup.refusals import SetupFailedError
from cloudtrail_to_delta.setup.request import SetupRequest
from cloudtrail_to_delta.setup.resources import Clouds

ENTRY_POINT = "cloudtrail-verify-access"
TASK_KEY = "verify_access"
# A folder below a table or checkpoint, where the ingest may write. Delta ignores names that start with _.
FOLDER = "_access_check"
# One listing, with the most keys that S3 returns at once.
LISTED = 1000


def checks(request: SetupRequest, clouds: Clouds) -> dict[str, list[str]]:
    """Return check → paths: folders that the ingest lists, a log file of each kind, folders that it writes.

    A new trail has no log files at first. The job reads one only if the first keys of a kind include one. It
    lists a folder only if it holds an object: for an empty one, Hadoop's S3 client asks for an object of its
    name, and S3 answers 403 instead of 404, as the role may not read it (API Reference, HeadObject).
    """
    s3 = clouds.s3(request.bucket_account)
    prefixes = dict.fromkeys(listing_prefix(one.logs) for one in request.requests.values())
    keys = {prefix: first_keys(s3, request.bucket, prefix) for prefix in prefixes}
    files = [log_file(request.bucket, some) for some in keys.values()]
    return {
        "list": [f"s3://{request.bucket}/{prefix}".rstrip("/") for prefix, some in keys.items() if some],
        "read": [file for file in dict.fromkeys(files) if file],
        "write": list(dict.fromkeys(write_folders(request))),
    }


def write_folders(request: SetupRequest) -> list[str]:
    """Return the folders that the job writes: below each table and checkpoint, or below each location.

    With Unity Catalog it uses the locations, because nobody may write into the folder of a registered table.
    """
    if request.reader == "storage_credential":
        return [f"{place.where.uri}/{FOLDER}" for place in places(request) if not place.read_only]
    return [
        f"{path}/{FOLDER}"
        for one in request.requests.values()
        for path in (one.delta_path, one.quarantine_path, one.checkpoint_path)
    ]


def first_keys(s3: Any, bucket: str, prefix: str) -> list[str]:
    """Return the first keys below a prefix."""
    answer = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=LISTED)
    return [str(one["Key"]) for one in answer.get("Contents", [])]


def log_file(bucket: str, keys: Iterable[str]) -> str:
    """Return the first log file among some keys; empty if there is none."""
    return next((f"s3://{bucket}/{key}" for key in keys if LogFileKey.parse(key)), "")


def compute_of(request: SetupRequest, clouds: Clouds) -> dict[str, Any] | None:
    """Return the compute part of the job's task; None if the set-up has no compute to run it on."""
    if "databricks" not in request.actions:
        return None
    profile = request.reader == "instance_profile"
    match request.databricks_compute:
        case "cluster":
            return {"existing_cluster_id": _made(request, clouds)["cluster_id"]}
        case "existing_cluster":
            return {"existing_cluster_id": request.cluster_id}
        case "cluster_policy":
            policy_id = _made(request, clouds)["policy_id"]
            volumes = volumes_for(clouds.databricks, request.node_type_id)
            return {"new_cluster": _new_cluster(request, policy_id, volumes, with_profile=profile)}
        case _ if not profile and request.code_root.startswith("/Volumes/"):
            return {"environment_key": ENVIRONMENT_KEY}
        case _:
            return None


def compute_params(request: SetupRequest, clouds: Clouds) -> dict[str, Any]:
    """Return the ingest's compute params that match the compute of the set-up."""
    chosen = request.databricks_compute
    compute = None if chosen == "none" else compute_of(request, clouds)
    if compute is None:
        return {}
    if "existing_cluster_id" in compute:
        return {"compute": "existing_cluster", "cluster_id": compute["existing_cluster_id"]}
    return {
        "compute": "new_cluster",
        "num_workers": request.min_workers,
        **{name: compute["new_cluster"][name] for name in ("policy_id", "spark_version", "node_type_id")},
    }


def verify_payload(
    compute: Mapping[str, Any],
    wanted: Mapping[str, list[str]],
    *,
    wheel: str,
    name: str,
    minutes: int,
    principal: str = "",
) -> dict[str, Any]:
    """Return the body of `runs/submit`: one wheel task. Source: Databricks REST, Jobs API 2.2.

    The job runs as the ingest's principal, because its access is the one in question, and a dedicated cluster
    runs no other's code. For a service principal, the set-up's principal needs the role *Service principal:
    User* on it. Source: databricks-sdk, `JobRunAs`.

    The task has named parameters: without any, the provider's operator passes all DAG params.
    """
    parameters = {check: ",".join(found) for check, found in wanted.items() if found}
    parameters[EXPECTED_VERSION] = version_of(wheel)
    task: dict[str, Any] = {
        "task_key": TASK_KEY,
        "python_wheel_task": {
            "package_name": PACKAGE,
            "entry_point": ENTRY_POINT,
            "named_parameters": parameters,
        },
        **compute,
    }
    payload: dict[str, Any] = {"run_name": name, "tasks": [task], "timeout_seconds": minutes * 60}
    if principal:
        payload["run_as"] = named(principal)
    if "environment_key" in compute:
        spec = {"environment_version": ENVIRONMENT_VERSION, "dependencies": [wheel]}
        payload["environments"] = [{"environment_key": ENVIRONMENT_KEY, "spec": spec}]
    else:
        task["libraries"] = [{"whl": wheel}]
    return payload


def _made(request: SetupRequest, clouds: Clouds) -> Mapping[str, str]:
    """Return the facts of the cluster or policy that the set-up has created or adopted.

    Raises:
        SetupFailedError: if it does not exist.
    """
    resource = next(one for one in databricks_resources(request) if isinstance(one, Cluster | ClusterPolicy))
    found = resource.read(clouds)
    if found is None:
        raise SetupFailedError(f"{resource.name} does not exist: run the set-up with the action databricks.")
    return found.facts


def _new_cluster(
    request: SetupRequest, policy_id: str, volumes: Mapping[str, Any], *, with_profile: bool
) -> dict[str, Any]:
    """Return a cluster for this run only, as the policy requires."""
    return new_cluster(
        {
            "spark_version": request.spark_version,
            "node_type_id": request.node_type_id,
            "policy_id": policy_id,
            "num_workers": request.min_workers,
            "instance_profile_arn": request.instance_profile_arn if with_profile else "",
        },
        volumes,
    )
