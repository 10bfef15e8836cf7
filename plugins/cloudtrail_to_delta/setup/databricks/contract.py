"""The params of the Databricks part of the set-up, and what they may not be together."""

from cloudtrail_to_delta.contract import CLUSTER_ID, NODE_TYPE, RUNTIME, WAREHOUSE_ID, ChoiceRule, ParamRule
from cloudtrail_to_delta.values import connection_id, matches, number, one_of, or_empty, yes_or_no

COMPUTES = ("cluster", "cluster_policy", "existing_cluster", "none")
# The access modes that reach S3 for the ingest. Source: Clusters API, `data_security_mode`.
ACCESS_MODES = ("SINGLE_USER", "USER_ISOLATION")

_NAME = matches(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", "a name of letters, digits, _ and -")

PARAMS: dict[str, ParamRule] = {
    "databricks_conn_id": ParamRule(connection_id("databricks"), "databricks_default"),
    "skip_profile_validation": ParamRule(yes_or_no, False),
    "databricks_compute": ParamRule(one_of(*COMPUTES), "cluster"),
    "cluster_name": ParamRule(or_empty(_NAME), ""),
    "cluster_id": ParamRule(or_empty(CLUSTER_ID), ""),
    "spark_version": ParamRule(RUNTIME, "17.3.x-scala2.13"),
    "node_type_id": ParamRule(NODE_TYPE, "m6id.large"),
    "min_workers": ParamRule(number(0, 100), 0),
    "max_workers": ParamRule(number(0, 100), 0),
    "access_mode": ParamRule(one_of(*ACCESS_MODES), "SINGLE_USER"),
    # Source: Clusters API, `autotermination_minutes`. One that never ends is a bill that never does.
    "autotermination_minutes": ParamRule(number(10, 10_000), 30),
    "storage_credential": ParamRule(or_empty(_NAME), ""),
    "warehouse_id": ParamRule(or_empty(WAREHOUSE_ID), ""),
    "verify_timeout_minutes": ParamRule(number(1, 720), 30),
}
CHOICES: tuple[ChoiceRule, ...] = (
    ChoiceRule(
        ("databricks_compute", "cluster_id"),
        lambda compute, cluster_id: compute == "existing_cluster" and not cluster_id,
        "give the id of the cluster, or choose cluster or cluster_policy.",
    ),
    ChoiceRule(
        ("min_workers", "max_workers"),
        lambda least, most: most < least,
        "max_workers must not be below min_workers; equal they are a fixed size.",
    ),
    # Source: Clusters API, AutoScale: a cluster that scales keeps at least one worker.
    ChoiceRule(
        ("min_workers", "max_workers"),
        lambda least, most: least == 0 and most > 0,
        "autoscaling starts at one worker: give min_workers 1, or 0 for both for a single node.",
    ),
    # Source: Databricks, "Configure Auto Loader streams in file notification mode".
    ChoiceRule(
        ("discovery", "access_mode"),
        lambda discovery, mode: discovery == "notifications" and mode != "SINGLE_USER",
        "file notifications need access mode SINGLE_USER.",
    ),
)
