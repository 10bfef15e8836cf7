"""Section 5: how the job finds new files and when it ends."""

from airflow.sdk import Param

from cloudtrail_to_delta.contract import PARAMS
from cloudtrail_to_delta.form.declared import declared

SECTION = "5. Stream"


def fields() -> dict[str, Param]:
    """The section's fields."""
    return {
        "discovery": Param(
            "listing",
            **declared(PARAMS["discovery"]),
            section=SECTION,
            title="Discovery",
            description_md="How Auto Loader finds new files. *file_events* needs a Unity Catalog external "
            "location with file events; *notifications* needs dedicated compute and the SNS/SQS policy.",
        ),
        "trigger": Param(
            "available_now",
            **declared(PARAMS["trigger"]),
            section=SECTION,
            title="Trigger",
            description_md="*available_now*: ingest what is there, then end. *continuous*: run, "
            "and cost, until it is cancelled, as the guide's stream did.",
        ),
        "max_files_per_trigger": Param(
            1000,
            **declared(PARAMS["max_files_per_trigger"]),
            section=SECTION,
            title="Files per micro-batch",
            description_md="On Databricks; open-source Spark bounds a micro-batch by bytes only.",
        ),
        "max_bytes_per_trigger": Param(
            "1g",
            type="string",
            section=SECTION,
            title="Bytes per micro-batch",
            description_md="Compressed bytes, such as *512m* or *1g*.",
        ),
    }
