"""The trigger form: every param of the ingest DAG, with its section, help and the schema the UI checks.

The schema holds what the browser can show (`declared`); the contract (`request`) decides. Optional
values are nullable: Airflow's form sends null for an empty field. One module per section.
"""

from airflow.sdk import Param

from cloudtrail_to_delta.form import checks, compute, logs, overrides, stream, tables
from cloudtrail_to_delta.form.optional import optional

DIGEST_FIELDS = ("warehouse_id", "databricks_conn_id", "alert_topic_arn", "alert_conn_ids", "aws_conn_id")


def ingest_params() -> dict[str, Param]:
    """The form's fields in the order in which they are shown."""
    sections = (logs, tables, compute, checks, stream, overrides)
    return {name: param for section in sections for name, param in section.fields().items()}


def digest_params() -> dict[str, Param]:
    """The fields of the digest's form: the ingest's own, and the day."""
    day = optional(
        "1. Digest", "The day (UTC) that is looked at; empty for yesterday.", title="Day", format="date"
    )
    ingest = ingest_params()
    return {"day": day} | {name: ingest[name] for name in DIGEST_FIELDS}


__all__ = ["digest_params", "ingest_params"]
