"""The ids of the DAGs; those of an account in accounts.yaml end with its alias."""

INGEST = "cloudtrail_ingest"
SETUP = "cloudtrail_setup"
DIGEST = "cloudtrail_digest"
ACCOUNT_INGEST = f"{INGEST}__"
ACCOUNT_SETUP = f"{SETUP}__"


def is_ingest(dag_id: str) -> bool:
    """Whether it is a DAG of the ingest: an account's, or one that is triggered by its form."""
    return dag_id.startswith(INGEST)
