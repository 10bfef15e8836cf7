"""The Databricks checks: the workspace answers, its compute fits the request, nobody works on the checkpoint.

Source: Databricks REST, Clusters API 2.1, SQL Warehouses API, Jobs API 2.2; "Configure Auto Loader streams in
file notification mode" for which access mode fits which discovery.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from cloudtrail_to_delta.hooks.databricks import api_path
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.params.suggestions import did_you_mean
from cloudtrail_to_delta.preflight.compute import Rules, check_profile, filled, flattened, refused
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.runs.names import works_on
from cloudtrail_to_delta.runs.payload import new_cluster

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

CHECK = "databricks"
MINIMUM_RUNTIME = (17, 3)
# Access modes by what they can do; the newer names of the API beside the older ones.
DEDICATED = ("SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED")
UNITY_CATALOG = (*DEDICATED, "USER_ISOLATION", "DATA_SECURITY_MODE_STANDARD", "DATA_SECURITY_MODE_AUTO")
GONE = ("ERROR", "UNKNOWN")


class Workspace(Protocol):
    """What is asked of Databricks."""

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """The answer to a GET below /api/."""

    def active_runs(self) -> Iterable[dict[str, Any]]:
        """Every active one-time run that may be seen."""


def check_compute(workspace: Workspace, iam: "IAMClient", params: Mapping[str, Any]) -> list[Finding]:
    """The cluster that is named, or the parts of the one that is to be made; and its instance profile."""
    compute = params.get("compute") or "existing_cluster"
    if compute == "existing_cluster":
        cluster = workspace.get("2.1/clusters/get", cluster_id=params["cluster_id"])
        findings = decide_cluster(cluster, str(params.get("discovery") or "listing"))
        profile = str(cluster.get("aws_attributes", {}).get("instance_profile_arn") or "")
        return findings + check_profile(workspace, iam, profile, params)
    if compute == "serverless":
        return [_finding("serverless", "ok", "nothing to look up: the job brings its own environment")]
    findings = []
    if params.get("policy_id"):
        policy = workspace.get("2.0/policies/clusters/get", policy_id=params["policy_id"])
        rules: Rules = json.loads(policy.get("definition") or "{}")
        findings, params = decide_policy(params, rules)
    findings += [finding for part in (_check_runtime, _check_node) for finding in part(workspace, params)]
    return findings + check_profile(workspace, iam, str(params.get("instance_profile_arn") or ""), params)


def decide_cluster(cluster: Mapping[str, Any], discovery: str) -> list[Finding]:
    """What follows from the cluster's state, runtime and access mode. Pure."""
    subject = f"cluster {cluster['cluster_id']}"
    findings = []
    state = cluster.get("state", "UNKNOWN")
    if state in GONE:
        why = cluster.get("state_message") or "no reason is given"
        findings.append(
            _finding(subject, "failed", f"is in state {state}: {why}", "Mend or replace the cluster.")
        )
    if complaint := runtime_complaint(str(cluster.get("spark_version", ""))):
        findings.append(_finding(subject, "failed", complaint, "Choose a cluster of a newer runtime."))
    mode = str(cluster.get("data_security_mode", "NONE"))
    if complaint := mode_complaint(mode, discovery):
        remedy = "Choose a cluster of that access mode, or discovery 'listing'."
        findings.append(_finding(subject, "failed", complaint, remedy))
    start = "" if state == "RUNNING" else ", it is started for the run"
    sound = f"is {state}{start}; runtime {cluster.get('spark_version')}, access mode {mode}"
    return findings or [_finding(subject, "ok", sound)]


def decide_policy(params: Mapping[str, Any], rules: Rules) -> tuple[list[Finding], Mapping[str, Any]]:
    """What follows from a new cluster's policy, and the params with what it gives. Pure."""
    subject = f"cluster policy {params['policy_id']}"
    given = flattened(new_cluster(params))
    settings = filled(given, rules)
    findings = [
        _finding(subject, "failed", complaint, "Correct the param, or name another policy.")
        for complaint in refused(given, rules)
    ]
    mode = str(settings.get("data_security_mode", "NONE"))
    if complaint := mode_complaint(mode, str(params.get("discovery") or "listing")):
        remedy = "Name a policy that gives that access mode, or choose discovery 'listing'."
        findings.append(_finding(subject, "failed", complaint, remedy))
    effective = dict(params) | {
        "spark_version": settings.get("spark_version", ""),
        # With a pool the node type is the pool's.
        "node_type_id": "" if "instance_pool_id" in settings else settings.get("node_type_id", ""),
        "instance_profile_arn": settings.get("aws_attributes.instance_profile_arn", ""),
        "instance_pool_id": settings.get("instance_pool_id", ""),
    }
    return findings or [_finding(subject, "ok", f"takes the new cluster; access mode {mode}")], effective


def mode_complaint(mode: str, discovery: str) -> str:
    """Why an access mode is no good for a discovery; empty when it is."""
    needed = {"notifications": DEDICATED, "file_events": UNITY_CATALOG}.get(discovery)
    if needed is None or mode in needed:
        return ""
    return f"has access mode {mode}, and discovery={discovery!r} needs {' or '.join(needed)}"


def runtime_complaint(version: str) -> str:
    """Why this runtime is no good; empty when it is, or when it does not say which one it is."""
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
        remedy = "Give spark_version."
        return [_finding("runtime", "failed", "neither the params nor the cluster policy give one", remedy)]
    if wanted.startswith("auto:"):
        return [_finding(f"runtime {wanted}", "ok", "is chosen by the cluster policy")]
    known = [entry["key"] for entry in workspace.get("2.1/clusters/spark-versions").get("versions", [])]
    if wanted not in known:
        remedy = f"Correct spark_version.{did_you_mean(wanted, known)}"
        return [_finding(f"runtime {wanted}", "failed", "is not offered by the workspace", remedy)]
    if complaint := runtime_complaint(wanted):
        return [_finding(f"runtime {wanted}", "failed", complaint, "Give a newer spark_version.")]
    return [_finding(f"runtime {wanted}", "ok", "is offered")]


def _check_node(workspace: Workspace, params: Mapping[str, Any]) -> list[Finding]:
    wanted = params["node_type_id"]
    if params.get("instance_pool_id"):
        return [_finding(f"instance pool {params['instance_pool_id']}", "ok", "is the cluster policy's")]
    if not wanted:
        remedy = "Give node_type_id."
        return [_finding("node type", "failed", "neither the params nor the cluster policy give one", remedy)]
    answer = workspace.get("2.1/clusters/list-node-types")
    known = [entry["node_type_id"] for entry in answer.get("node_types", [])]
    if wanted in known:
        return [_finding(f"node type {wanted}", "ok", "is offered")]
    remedy = f"Correct node_type_id.{did_you_mean(wanted, known)}"
    return [_finding(f"node type {wanted}", "failed", "is not offered by the workspace", remedy)]


def check_warehouse(workspace: Workspace, warehouse_id: str) -> Finding:
    """The SQL warehouse is there; a stopped one is started by the first statement."""
    state = str(workspace.get(api_path("2.0/sql/warehouses", warehouse_id)).get("state", ""))
    subject = f"warehouse {warehouse_id}"
    if state in ("DELETED", "DELETING"):
        return _finding(subject, "failed", f"is {state}", "Give another warehouse_id.")
    return _finding(subject, "ok", f"is {state}")


def check_rivals(
    workspace: Workspace, requests: Mapping[str, IngestRequest], *, own_run: str
) -> list[Finding]:
    """No active run on these checkpoints but those of this DAG run, whose names end with `own_run`."""
    active = list(workspace.active_runs())
    return [decide_rivals(request, active, own_run=own_run) for request in requests.values()]


def decide_rivals(request: IngestRequest, active: Iterable[Mapping[str, Any]], *, own_run: str) -> Finding:
    """Whether somebody else works on the request's checkpoint. Pure."""
    subject = f"runs on {request.checkpoint_path}"
    names = ((run, str(run.get("run_name", ""))) for run in active)
    for run, name in names:
        if works_on(name, request) and not (own_run and name.endswith(own_run)):
            page = run.get("run_page_url", "no page")
            return _finding(
                subject,
                "failed",
                f"Databricks run {run.get('run_id')} ({name!r}, {page}) is active on it",
                "Wait for its end or cancel it, then clear this task: two runs on one checkpoint would lose "
                "records.",
            )
    return _finding(subject, "ok", "none is active")


def guarded(check: Callable[[], list[Finding]], subject: str, param: str = "") -> list[Finding]:
    """The check's findings; what Databricks refuses is a failed finding in its own words.

    `param` is the one with the id of the subject.
    """
    from airflow.providers.common.compat.sdk import AirflowException

    try:
        return check()
    except AirflowException as refused:
        return [decide_refusal(subject, str(refused), param)]


def decide_refusal(subject: str, words: str, param: str = "") -> Finding:
    """What follows from the service's refusal. Pure. Source: Databricks REST, error codes."""
    return _finding(
        subject, "failed", f"Databricks refused to answer: {words}", remedy_of_refusal(words, param)
    )


def remedy_of_answer(words: str) -> str:
    """What to do about a statement's error: the call was refused, or the statement itself. Pure."""
    if "Status Code:" in words:
        return remedy_of_refusal(words, "warehouse_id")
    return "Fix the cause that the error names, then clear this task."


def remedy_of_refusal(words: str, param: str) -> str:
    """What to do about a refusal; `param` is the one with the id that was asked for, empty for none. Pure."""
    if "Status Code: 401" in words or "Status Code: 403" in words:
        return (
            "Check the token of the Databricks connection and its principal's rights, then clear this task."
        )
    if "does not exist" in words or "Status Code: 404" in words:
        corrected = f"the right {param}" if param else "the right id"
        return f"Trigger again with {corrected}: the id is in the URL of its page, and is not its name."
    return "Check the host of the Databricks connection and the network, then clear this task."


def _finding(subject: str, status: Any, detail: str, remedy: str = "") -> Finding:
    return Finding(check=CHECK, subject=subject, status=status, detail=detail, remedy=remedy)
