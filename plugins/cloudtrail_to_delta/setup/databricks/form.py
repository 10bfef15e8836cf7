"""Section 6 of the set-up's form: what is made in Databricks."""

from airflow.sdk import Param

from cloudtrail_to_delta.form.declared import declared
from cloudtrail_to_delta.form.optional import optional
from cloudtrail_to_delta.setup.contract import SETUP_PARAMS

SECTION = "6. Databricks"


def fields() -> dict[str, Param]:
    """The section's fields."""
    return {**_compute(), **_cluster(), **_around()}


def _compute() -> dict[str, Param]:
    return {
        "databricks_conn_id": Param(
            "databricks_default",
            type="string",
            section=SECTION,
            title="Databricks connection",
            description_md="Of a workspace admin: see docs/setup.md for what it has to be allowed.",
        ),
        "databricks_compute": Param(
            "cluster",
            **declared(SETUP_PARAMS["databricks_compute"]),
            section=SECTION,
            title="Compute",
            description_md="*cluster*: one that is made, and stops when idle. *cluster_policy*: rules for "
            "the cluster that each run of the ingest starts. *existing_cluster*: the one below, not "
            "changed. *none*.",
        ),
        "cluster_name": optional(
            SECTION, "Of the cluster or the policy; empty for the set-up's name.", title="Cluster name"
        ),
        "cluster_id": optional(SECTION, "For *existing_cluster*: its id, not its name.", title="Cluster id"),
        "access_mode": Param(
            "SINGLE_USER",
            **declared(SETUP_PARAMS["access_mode"]),
            values_display={"SINGLE_USER": "dedicated", "USER_ISOLATION": "standard"},
            section=SECTION,
            title="Access mode",
            description_md="Of the cluster or the policy. File notifications need *dedicated*.",
        ),
    }


def _cluster() -> dict[str, Param]:
    return {
        "spark_version": Param(
            "17.3.x-scala2.13",
            type="string",
            section=SECTION,
            title="Runtime",
            description_md="A Databricks runtime of at least 17.3 LTS.",
        ),
        "node_type_id": Param(
            "m6id.large",
            type="string",
            section=SECTION,
            title="Node type",
            description_md="Of the driver and of each worker.",
        ),
        "min_workers": Param(
            0,
            **declared(SETUP_PARAMS["min_workers"]),
            section=SECTION,
            title="Workers at least",
            description_md="0, and 0 at most: a single node, enough for most accounts.",
        ),
        "max_workers": Param(
            0,
            **declared(SETUP_PARAMS["max_workers"]),
            section=SECTION,
            title="Workers at most",
            description_md="More than at least: the cluster scales by itself.",
        ),
        "autotermination_minutes": Param(
            30,
            **declared(SETUP_PARAMS["autotermination_minutes"]),
            section=SECTION,
            title="Minutes until an idle cluster stops",
        ),
    }


def _around() -> dict[str, Param]:
    return {
        "storage_credential": optional(
            SECTION,
            "For reader *storage_credential*: its name in Unity Catalog; empty for the set-up's name.",
            title="Storage credential",
        ),
        "warehouse_id": optional(
            SECTION,
            "For the preflight after the set-up; without it the preflight is left out.",
            title="SQL warehouse id",
        ),
        "verify_timeout_minutes": Param(
            30,
            **declared(SETUP_PARAMS["verify_timeout_minutes"]),
            section=SECTION,
            title="Minutes for the verifying job",
            description_md="With the start of the cluster, which takes some minutes.",
        ),
        "skip_profile_validation": Param(
            False,
            type="boolean",
            section=SECTION,
            title="Skip the validation of the instance profile",
            description_md="Databricks tries the profile with a dry run when it is registered. Skip that "
            "only for a dry run that fails for another reason than a missing permission.",
        ),
    }
