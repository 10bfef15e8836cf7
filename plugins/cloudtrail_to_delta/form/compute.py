"""Section 3: what runs the job and the SQL."""

from airflow.sdk import Param

from cloudtrail_to_delta.contract import PARAMS
from cloudtrail_to_delta.form.declared import declared
from cloudtrail_to_delta.form.optional import optional

SECTION = "3. Databricks compute"


def fields() -> dict[str, Param]:
    """The section's fields."""
    return {
        "compute": Param(
            "existing_cluster",
            **declared(PARAMS["compute"]),
            section=SECTION,
            title="Compute",
            description_md="*existing_cluster*: the one below. *new_cluster*: one that ends with the run, "
            "under a cluster policy where you name one. *serverless*: no instance profile, needs a Unity "
            "Catalog volume as the code root.",
        ),
        "cluster_id": Param(
            "sandbox-cluster",
            type=["null", "string"],
            section=SECTION,
            title="Cluster id",
            description_md="For *existing_cluster*: the cluster's id (not its name).",
        ),
        "policy_id": optional(
            SECTION,
            "For *new_cluster*: a cluster policy's id (not its name). The access mode, and what is empty "
            "below, come from it.",
            title="Cluster policy id",
        ),
        "spark_version": Param(
            "17.3.x-scala2.13",
            type=["null", "string"],
            section=SECTION,
            title="Runtime",
            description_md="For *new_cluster*: a Databricks runtime of at least 17.3 LTS.",
        ),
        "node_type_id": Param(
            "m6id.large",
            type=["null", "string"],
            section=SECTION,
            title="Node type of a new cluster",
        ),
        "num_workers": Param(
            0,
            **declared(PARAMS["num_workers"]),
            section=SECTION,
            title="Workers",
            description_md="For *new_cluster*: 0 is a single node, enough for most accounts.",
        ),
        "instance_profile_arn": optional(
            SECTION,
            "For *new_cluster*: the instance profile with the reader role.",
            title="Instance profile",
        ),
        "warehouse_id": Param(
            "sandbox-warehouse",
            type="string",
            section=SECTION,
            title="SQL warehouse id",
        ),
        "max_concurrent_runs": Param(
            10,
            **declared(PARAMS["max_concurrent_runs"]),
            section=SECTION,
            title="Concurrent runs",
            description_md="While this many ingest runs, of whatever account, are active in the workspace, "
            "*submit* waits, without a worker slot. 0: no bound.",
        ),
        "share_run": Param(
            False,
            type="boolean",
            section=SECTION,
            title="One run for all kinds",
            description_md="One Databricks run, with one start of its compute, ingests one kind after the "
            "other. A kind that fails fails the run for all of them, though the others were ingested.",
        ),
        "databricks_conn_id": Param(
            "databricks_default", type="string", section=SECTION, title="Databricks connection"
        ),
    }
