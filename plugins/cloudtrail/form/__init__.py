"""The trigger form: every param of the ingest DAG, with its section, help and the schema the UI checks.

The schema catches a slip while typing; the contract (`cloudtrail.request`) decides. Optional values are
nullable: Airflow's form sends null for an empty field. One module per section.
"""

from airflow.sdk import Param

from cloudtrail.form import checks, compute, logs, overrides, stream, tables


def ingest_params() -> dict[str, Param]:
    """The form's fields in the order in which they are shown."""
    sections = (logs, tables, compute, checks, stream, overrides)
    return {name: param for section in sections for name, param in section.fields().items()}


__all__ = ["ingest_params"]
