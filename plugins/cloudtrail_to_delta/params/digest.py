"""The params of the digest: the day, and those that it shares with the ingest."""

from airflow.sdk import Param

from cloudtrail_to_delta.params.declaration import Declaration, form_of, in_section
from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.values import day, or_empty

_FROM_INGEST = ("warehouse_id", "databricks_conn_id", "alert_topic_arn", "alert_conn_ids", "aws_conn_id")

DIGEST_PARAMS: dict[str, Declaration] = {
    "day": Declaration(
        or_empty(day),
        "",
        title="Day",
        help="The day (UTC) to summarize. Leave it empty for yesterday.",
    ),
    # Six fields need no sections.
    **in_section("", {name: PARAMS[name] for name in _FROM_INGEST}),
}


def digest_params() -> dict[str, Param]:
    """Return the trigger form of the digest."""
    return form_of(DIGEST_PARAMS)
