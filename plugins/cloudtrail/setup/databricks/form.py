"""Section 6 of the set-up's form: what is made in Databricks."""

from airflow.sdk import Param

SECTION = "6. Databricks"


def fields() -> dict[str, Param]:
    """The section's fields."""
    return {
        "databricks_conn_id": Param(
            "databricks_default", type="string", section=SECTION, title="Databricks connection"
        ),
    }
