"""The Databricks checks: the workspace answers, its compute fits, and no other run uses the checkpoint.

Source: Databricks REST, Clusters API 2.1, SQL Warehouses API, Jobs API 2.2; "Configure Auto Loader streams in
file notification mode" says which access mode fits which discovery.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from cloudtrail_to_delta.hooks.databricks import api_path
from cloudtrail_to_delta.params.ingest import NEW_CLUSTER
from cloudtrail_to_delta.params.request import IngestRequest, code_root, compute_of
from cloudtrail_to_delta.params.suggestions import did_you_mean
from cloudtrail_to_delta.preflight.compute import Rules, check_profile, filled, flattened, refused
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.runs.disks import node_types
from cloudtrail_to_delta.runs.names import works_on
from cloudtrail_to_delta.runs.payload import new_cluster

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

CHECK = "databricks"
MINIMUM_RUNTIME = (17, 3)
# Access modes by what they support, with the API's older and newer names.
DEDICATED = ("SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED")
STANDARD = ("USER_ISOLATION", "DATA_SECURITY_MODE_STANDARD")
UNITY_CATALOG = (*DEDICATED, *STANDARD, "DATA_SECURITY_MODE_AUTO")
GONE = ("ERROR", "UNKNOWN")


class Workspace(Protocol):
    """The Databricks calls that these checks use."""

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the answer to a GET below /api/."""

    def active_runs(self) -> Iterable[dict[str, Any]]:
        """Return every active one-time run that the principal can see."""


def check_compute(workspace: Workspace, iam: "IAMClient", params: Mapping[str, Any]) -> list[Finding]:
    """Check the existing cluster, or the parts of a new one, and its instance profile."""
    compute = compute_of(params)
    if compute == "existing_cluster":
        cluster = workspace.get("2.1/clusters/get", cluster_id=params["cluster_id"])
        profile = str(cluster.get("aws_attributes", {}).get("instance_profile_arn") or "")
        findings = decide_cluster(cluster, str(params.get("discovery") or "listing"))
        findings += _check_single_user(workspace, cluster, str(params.get("ingest_principal") or ""))
        findings += decide_wheel(f"cluster {cluster['cluster_id']}", profile, code_root(params))
        return findings + check_profile(workspace, iam, profile, params)
    if compute == "serverless":
        return [_finding("serverless", "ok", "nothing to check: the job defines its environment")]
    findings = []
    if params.get("policy_id"):
        policy = workspace.get("2.0/policies/clusters/get", policy_id=params["policy_id"])
        rules: Rules = json.loads(policy.get("definition") or "{}")
        findings, params = decide_policy(params, rules)
    else:
        params = dict(params) | {name: new_cluster(params)[name] for name in NEW_CLUSTER}
    findings += [finding for part in (_check_runtime, _check_node) for finding in part(workspace, params)]
    profile = str(params.get("instance_profile_arn") or "")
    findings += decide_wheel("new cluster", profile, code_root(params))
    return findings + check_profile(workspace, iam, profile, params)


def has_profile(workspace: Workspace, params: Mapping[str, Any]) -> bool:
    """Return whether the compute has an instance profile: it then reaches S3 without an external location."""
    compute = compute_of(params)
    if compute == "existing_cluster":
        cluster = workspace.get("2.1/clusters/get", cluster_id=params["cluster_id"])
        return bool(cluster.get("aws_attributes", {}).get("instance_profile_arn"))
    if compute == "new_cluster" and params.get("policy_id"):
        policy = workspace.get("2.0/policies/clusters/get", policy_id=params["policy_id"])
        _, params = decide_policy(params, json.loads(policy.get("definition") or "{}"))
    return compute == "new_cluster" and bool(params.get("instance_profile_arn"))


def decide_cluster(cluster: Mapping[str, Any], discovery: str) -> list[Finding]:
    """Return the findings for the cluster's state, runtime and access mode. Pure."""
    subject = f"cluster {cluster['cluster_id']}"
    findings = []
    state = cluster.get("state", "UNKNOWN")
    if state in GONE:
        why = cluster.get("state_message") or "Databricks gives no reason"
        findings.append(
            _finding(subject, "failed", f"is in state {state}: {why}", "Repair or replace the cluster.")
        )
    if complaint := runtime_complaint(str(cluster.get("spark_version", ""))):
        findings.append(_finding(subject, "failed", complaint, "Choose a cluster with a newer runtime."))
    mode = str(cluster.get("data_security_mode", "NONE"))
    if complaint := mode_complaint(mode, discovery):
        remedy = "Choose a cluster with that access mode, or discovery 'listing'."
        findings.append(_finding(subject, "failed", complaint, remedy))
    if complaint := profile_complaint(mode, cluster.get("aws_attributes", {}).get("instance_profile_arn")):
        remedy = "Choose a cluster with dedicated access mode, or one without an instance profile."
        findings.append(_finding(subject, "failed", complaint, remedy))
    start = "" if state == "RUNNING" else " and will be started for the run"
    sound = f"is {state}{start}; runtime {cluster.get('spark_version')}, access mode {mode}"
    return findings or [_finding(subject, "ok", sound)]


def decide_policy(params: Mapping[str, Any], rules: Rules) -> tuple[list[Finding], Mapping[str, Any]]:
    """Return the findings for a new cluster's policy, and the params with the policy's values. Pure."""
    subject = f"cluster policy {params['policy_id']}"
    given = flattened(new_cluster(params))
    settings = filled(given, rules)
    findings = [
        _finding(subject, "failed", complaint, "Correct the param, or choose another cluster policy.")
        for complaint in refused(given, rules)
    ]
    mode = str(settings.get("data_security_mode", "NONE"))
    if complaint := mode_complaint(mode, str(params.get("discovery") or "listing")):
        remedy = "Choose a cluster policy that sets that access mode, or discovery 'listing'."
        findings.append(_finding(subject, "failed", complaint, remedy))
    if complaint := profile_complaint(mode, settings.get("aws_attributes.instance_profile_arn")):
        remedy = "Choose a cluster policy with dedicated access mode, or one without an instance profile."
        findings.append(_finding(subject, "failed", complaint, remedy))
    effective = dict(params) | {
        "given_node_type_id": str(params.get("node_type_id") or ""),
        "spark_version": settings.get("spark_version", ""),
        # With an instance pool, the pool determines the node type.
        "node_type_id": "" if "instance_pool_id" in settings else settings.get("node_type_id", ""),
        "instance_profile_arn": settings.get("aws_attributes.instance_profile_arn", ""),
        "instance_pool_id": settings.get("instance_pool_id", ""),
        "ebs_volume_count": settings.get("aws_attributes.ebs_volume_count", 0),
    }
    return findings or [_finding(subject, "ok", f"allows the new cluster; access mode {mode}")], effective


def mode_complaint(mode: str, discovery: str) -> str:
    """Return why an access mode does not fit a discovery; empty if it fits."""
    needed = {"notifications": DEDICATED, "file_events": UNITY_CATALOG}.get(discovery)
    if needed is None or mode in needed:
        return ""
    return f"has access mode {mode}, but discovery={discovery!r} needs {' or '.join(needed)}"


def profile_complaint(mode: str, profile: Any) -> str:
    """Return why an access mode cannot use an instance profile; empty if it can, or if there is none.

    Source: Databricks, "Standard access mode limitations": user code cannot reach the instance metadata
    service, and storage is reached through external locations.
    """
    if not profile or mode not in STANDARD:
        return ""
    return f"has access mode {mode}, in which code cannot use the instance profile {profile}"


def _check_single_user(workspace: Workspace, cluster: Mapping[str, Any], principal: str) -> list[Finding]:
    """Compare a dedicated cluster's user with the ingest's principal, by default the connection's."""
    user = str(cluster.get("single_user_name") or "")
    if not user or cluster.get("data_security_mode") not in DEDICATED:
        return []
    if principal:
        return decide_single_user(cluster, [principal])
    me = workspace.get("2.0/preview/scim/v2/Me")
    groups = [str(group.get("display")) for group in me.get("groups", [])]
    return decide_single_user(cluster, [str(me.get("userName")), *groups])


def decide_single_user(cluster: Mapping[str, Any], names: Sequence[str]) -> list[Finding]:
    """Return the finding for a dedicated cluster that belongs to none of the names. Pure.

    The first name is the ingest's principal, the others are its groups. Source: Databricks, "Dedicated
    compute"; the service's refusal is "Single-user check failed: user … attempted to run a command on
    single-user cluster …".
    """
    user = cluster["single_user_name"]
    if user in names:
        return []
    return [
        _finding(
            f"cluster {cluster['cluster_id']}",
            "failed",
            f"is dedicated to {user}, but the ingest runs as {names[0]}",
            f"Dedicate the cluster to {names[0]}, or choose compute='new_cluster', whose cluster belongs to "
            "whoever runs it.",
        )
    ]


def decide_wheel(subject: str, profile: str, root: str) -> list[Finding]:
    """Return the finding for a wheel in S3 that a cluster without an instance profile cannot read. Pure.

    Source: Databricks REST, Libraries API, `whl`: "You may need to launch the cluster with an IAM role to
    access the S3 URI". The credentials of Unity Catalog do not serve for libraries in S3.
    """
    if profile or root.startswith("/Volumes/"):
        return []
    return [
        _finding(
            subject,
            "failed",
            f"has no instance profile, so it cannot read the job wheel from {root}",
            "Set code_root to a Unity Catalog volume, /Volumes/catalog/schema/volume, or choose compute with "
            "an instance profile.",
        )
    ]


def runtime_complaint(version: str) -> str:
    """Return why this runtime is too old; empty if it is new enough or its version is unknown."""
    found = re.match(r"([0-9]+)\.([0-9x]+)\.", version)
    if found is None:
        return ""
    minor = 999 if found[2] == "x" else int(found[2])
    if (int(found[1]), minor) >= MINIMUM_RUNTIME:
        return ""
    return f"has runtime {version!r}, older than {MINIMUM_RUNTIME[0]}.{MINIMUM_RUNTIME[1]} LTS"


def _check_runtime(workspace: Workspace, params: Mapping[str, Any]) -> list[Finding]:
    wanted = params["spark_version"]
    if not wanted:
        remedy = "Set spark_version."
        return [_finding("runtime", "failed", "neither the params nor the cluster policy set one", remedy)]
    if wanted.startswith("auto:"):
        return [_finding(f"runtime {wanted}", "ok", "is chosen by the cluster policy")]
    known = [entry["key"] for entry in workspace.get("2.1/clusters/spark-versions").get("versions", [])]
    if wanted not in known:
        remedy = f"Correct spark_version.{did_you_mean(wanted, known)}"
        return [_finding(f"runtime {wanted}", "failed", "is not available in the workspace", remedy)]
    if complaint := runtime_complaint(wanted):
        return [_finding(f"runtime {wanted}", "failed", complaint, "Set a newer spark_version.")]
    return [_finding(f"runtime {wanted}", "ok", "is available")]


def _check_node(workspace: Workspace, params: Mapping[str, Any]) -> list[Finding]:
    wanted = params["node_type_id"]
    if params.get("instance_pool_id"):
        return [_finding(f"instance pool {params['instance_pool_id']}", "ok", "is set by the cluster policy")]
    if not wanted:
        remedy = "Set node_type_id."
        return [_finding("node type", "failed", "neither the params nor the cluster policy set one", remedy)]
    known = node_types(workspace)
    if wanted in known:
        if known[wanted] or params.get("ebs_volume_count"):
            return [_finding(f"node type {wanted}", "ok", "is available")]
        if params.get("given_node_type_id") == "":
            remedy = "Set node_type_id too: the run then adds an EBS volume. Or correct the cluster policy."
            words = "has no disk, and the cluster policy adds no EBS volume"
            return [_finding(f"node type {wanted}", "failed", words, remedy)]
        words = "is available; it has no disk, so the run adds an EBS volume"
        return [_finding(f"node type {wanted}", "ok", words)]
    remedy = f"Correct node_type_id.{did_you_mean(wanted, known)}"
    return [_finding(f"node type {wanted}", "failed", "is not available in the workspace", remedy)]


def check_warehouse(workspace: Workspace, warehouse_id: str) -> Finding:
    """Check that the SQL warehouse exists; the first statement starts a stopped one."""
    state = str(workspace.get(api_path("2.0/sql/warehouses", warehouse_id)).get("state", ""))
    subject = f"warehouse {warehouse_id}"
    if state in ("DELETED", "DELETING"):
        return _finding(subject, "failed", f"is {state}", "Set another warehouse_id.")
    return _finding(subject, "ok", f"is {state}")


def check_rivals(
    workspace: Workspace, requests: Mapping[str, IngestRequest], *, own_run: str
) -> list[Finding]:
    """Check that no other run uses these checkpoints; names of this DAG run's runs end with `own_run`."""
    active = list(workspace.active_runs())
    return [decide_rivals(request, active, own_run=own_run) for request in requests.values()]


def decide_rivals(request: IngestRequest, active: Iterable[Mapping[str, Any]], *, own_run: str) -> Finding:
    """Return the finding on whether another run uses the request's checkpoint. Pure."""
    subject = f"runs on {request.checkpoint_path}"
    names = ((run, str(run.get("run_name", ""))) for run in active)
    for run, name in names:
        if works_on(name, request) and not (own_run and name.endswith(own_run)):
            page = run.get("run_page_url", "no run page")
            return _finding(
                subject,
                "failed",
                f"Databricks run {run.get('run_id')} ({name!r}, {page}) is active on this checkpoint",
                "Wait for that run to end or cancel it, then clear this task. Two runs on one checkpoint "
                "would lose records.",
            )
    return _finding(subject, "ok", "none is active")


def guarded(check: Callable[[], list[Finding]], subject: str, param: str = "") -> list[Finding]:
    """Return the check's findings; if Databricks refuses a call, return a failed finding with its message.

    `param` is the name of the param that holds the subject's id.
    """
    from airflow.providers.common.compat.sdk import AirflowException

    try:
        return check()
    except AirflowException as refused:
        return [decide_refusal(subject, str(refused), param)]


def decide_refusal(subject: str, words: str, param: str = "") -> Finding:
    """Return the finding for a refused call. Pure. Source: Databricks REST, error codes."""
    return _finding(
        subject, "failed", f"Databricks refused the request: {words}", remedy_of_refusal(words, param)
    )


def remedy_of_answer(words: str) -> str:
    """Return what to do if the call or its SQL statement failed. Pure."""
    if "Status Code:" in words:
        return remedy_of_refusal(words, "warehouse_id")
    if "UC_HIVE_METASTORE_DISABLED" in words:
        return (
            "This workspace has no legacy metastore: name the tables in Unity Catalog, such as "
            "main.security.cloudtrail_events."
        )
    return "Fix the cause named in the error, then clear this task."


def remedy_of_refusal(words: str, param: str) -> str:
    """Return what to do about a refused call; `param` holds the requested id, empty for none. Pure."""
    if "Status Code: 401" in words or "Status Code: 403" in words:
        return (
            "Check the token of the Databricks connection and the permissions of its principal, then clear "
            "this task."
        )
    if "does not exist" in words or "Status Code: 404" in words:
        corrected = f"the correct {param}" if param else "the correct id"
        return f"Trigger the DAG again with {corrected}: the id, not the name, as in the URL of its page."
    return "Check the host of the Databricks connection and the network, then clear this task."


def _finding(subject: str, status: Any, detail: str, remedy: str = "") -> Finding:
    return Finding(check=CHECK, subject=subject, status=status, detail=detail, remedy=remedy)
