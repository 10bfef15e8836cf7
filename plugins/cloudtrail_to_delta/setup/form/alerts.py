"""Section 7 of the set-up's form: who is told of a task that failed."""

from airflow.sdk import Param

from cloudtrail_to_delta.form import checks
from cloudtrail_to_delta.setup.contract import ALERTS

SECTION = "7. Alerts"


def fields() -> dict[str, Param]:
    """The section's fields: the ingest's own; there the AWS connection is for more."""
    ingest = checks.fields()
    fields = {name: ingest[name] for name in ALERTS}
    for param in fields.values():
        param.schema["section"] = SECTION
    fields["aws_conn_id"].schema |= {
        "title": "AWS connection of the alert topic",
        "description_md": "It publishes to the topic, nothing else; the set-up uses those of section 2.",
    }
    return fields
