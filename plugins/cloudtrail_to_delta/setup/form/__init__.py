"""The set-up's trigger form: every param with its section, help and the schema that the UI checks.

The schema holds what the browser can show; the contract (`setup.contract`) decides. One module per
section; the tables' is the ingest's own.
"""

from airflow.sdk import Param

from cloudtrail_to_delta.form import checks, logs, tables
from cloudtrail_to_delta.setup.databricks import form as databricks
from cloudtrail_to_delta.setup.form import alerts, bucket, general, reader, trail

# The ingest's own fields, which the reader role is made for, by what they are called beside the set-up's.
_FROM_LOGS = {
    "kinds": "Kinds of records that it reads",
    "account": "Accounts whose logs it reads",
    "regions": "Regions whose logs it reads",
}
_NOT_OF_TABLES = {"duplicates"}


def setup_params() -> dict[str, Param]:
    """The form's fields in the order in which they are shown."""
    logs_fields = {name: param for name, param in logs.fields().items() if name in _FROM_LOGS}
    table_fields = {name: param for name, param in tables.fields().items() if name not in _NOT_OF_TABLES}
    for name, title in _FROM_LOGS.items():
        logs_fields[name].schema["title"] = title
    for fields, section in ((logs_fields, reader.SECTION), (table_fields, "5. Tables")):
        for param in fields.values():
            param.schema["section"] = section
    simulation = checks.fields()["iam_simulation"]
    simulation.schema["section"] = reader.SECTION
    sections = (
        *(general.fields(), bucket.fields(), trail.fields(), reader.fields()),
        *({"iam_simulation": simulation}, logs_fields, table_fields),
        *(databricks.fields(), alerts.fields()),
    )
    return {name: param for fields in sections for name, param in fields.items()}


__all__ = ["setup_params"]
