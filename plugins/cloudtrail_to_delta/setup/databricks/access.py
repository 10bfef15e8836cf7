"""What the verifying job is asked to do, and where it runs. Pure, but for one listing of the log bucket."""

from collections.abc import Mapping
from typing import Any

from cloudtrail_to_delta.iam.reader import listing_prefix
from cloudtrail_to_delta.params.locations import LogFileKey
from cloudtrail_to_delta.runs.payload import ENVIRONMENT_KEY, ENVIRONMENT_VERSION, PACKAGE, new_cluster
from cloudtrail_to_delta.setup.databricks.build import databricks_resources
from cloudtrail_to_delta.setup.databricks.cluster_policies import ClusterPolicy
from cloudtrail_to_delta.setup.databricks.clusters import Cluster
from cloudtrail_to_delta.setup.databricks.locations import places
from cloudtrail_to_delta.setup.refusals import SetupFailedError
from cloudtrail_to_delta.setup.request import SetupRequest
from cloudtrail_to_delta.setup.resources import Clouds

ENTRY_POINT = "cloudtrail-verify-access"
TASK_KEY = "verify_access"
# Below a table or a checkpoint: where the ingest's own rights are; Delta leaves names with _ alone.
FOLDER = "_access_check"
# One listing, of at most as many keys as S3 gives at once.
LISTED = 1000


def checks(request: SetupRequest, clouds: Clouds) -> dict[str, list[str]]:
    """Check → places: the folders that the ingest lists, a log file of each kind, where it writes.

    A log file is read when the first keys of a kind have one; a new trail delivers within minutes.
    """
    logs = [one.logs for one in request.requests.values()]
    listed = [f"s3://{one.bucket}/{listing_prefix(one)}".rstrip("/") for one in logs]
    s3 = clouds.aws(request.bucket_account, "s3")
    found = [log_file(s3, one.bucket, listing_prefix(one)) for one in logs]
    return {
        "list": list(dict.fromkeys(listed)),
        "read": [file for file in dict.fromkeys(found) if file],
        "write": list(dict.fromkeys(write_folders(request))),
    }


def write_folders(request: SetupRequest) -> list[str]:
    """Where the job writes: below each table and checkpoint, or with Unity Catalog below each location.

    Unity Catalog lets nobody write into the folder of a table that is registered.
    """
    if request.reader == "storage_credential":
        return [f"{place.where.uri}/{FOLDER}" for place in places(request) if not place.read_only]
    return [
        f"{path}/{FOLDER}"
        for one in request.requests.values()
        for path in (one.delta_path, one.quarantine_path, one.checkpoint_path)
    ]


def log_file(s3: Any, bucket: str, prefix: str) -> str:
    """A log file among the first keys below a prefix; empty when there is none."""
    answer = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=LISTED)
    keys = [one["Key"] for one in answer.get("Contents", [])]
    return next((f"s3://{bucket}/{key}" for key in keys if LogFileKey.parse(key)), "")


def compute_of(request: SetupRequest, clouds: Clouds) -> dict[str, Any] | None:
    """The part of the job's task that says where it runs; None when the set-up has nothing to run it on."""
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
            return {"new_cluster": _new_cluster(request, policy_id, with_profile=profile)}
        case _ if not profile and request.code_root.startswith("/Volumes/"):
            return {"environment_key": ENVIRONMENT_KEY}
        case _:
            return None


def compute_params(request: SetupRequest, clouds: Clouds) -> dict[str, Any]:
    """The ingest's params about compute that fit what the set-up made."""
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
    compute: Mapping[str, Any], wanted: Mapping[str, list[str]], *, wheel: str, name: str, minutes: int
) -> dict[str, Any]:
    """The body of `runs/submit`: one wheel task. Source: Databricks REST, Jobs API 2.2.

    The parameters are named ones: where a task has none, the provider's operator puts in all DAG params.
    """
    parameters = {check: ",".join(found) for check, found in wanted.items() if found}
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
    if "environment_key" in compute:
        spec = {"environment_version": ENVIRONMENT_VERSION, "dependencies": [wheel]}
        payload["environments"] = [{"environment_key": ENVIRONMENT_KEY, "spec": spec}]
    else:
        task["libraries"] = [{"whl": wheel}]
    return payload


def _made(request: SetupRequest, clouds: Clouds) -> Mapping[str, str]:
    """The facts of the cluster or the policy that the set-up has made or adopted.

    Raises:
        SetupFailedError: when it is not there.
    """
    resource = next(one for one in databricks_resources(request) if isinstance(one, Cluster | ClusterPolicy))
    found = resource.read(clouds)
    if found is None:
        raise SetupFailedError(f"{resource.name} is not there: run the set-up with the action databricks.")
    return found.facts


def _new_cluster(request: SetupRequest, policy_id: str, *, with_profile: bool) -> dict[str, Any]:
    """A cluster for this run alone, as the policy wants it."""
    return new_cluster(
        {
            "spark_version": request.spark_version,
            "node_type_id": request.node_type_id,
            "policy_id": policy_id,
            "num_workers": request.min_workers,
            "instance_profile_arn": request.instance_profile_arn if with_profile else "",
        }
    )
