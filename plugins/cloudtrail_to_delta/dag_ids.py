"""The ids of the DAGs. The id of an account's DAG ends with its alias in accounts.yaml."""

INGEST = "cloudtrail_ingest"
SETUP = "cloudtrail_setup"
DIGEST = "cloudtrail_digest"
COMPLETENESS = "cloudtrail_completeness"
ACCOUNT_INGEST = f"{INGEST}__"
ACCOUNT_SETUP = f"{SETUP}__"
UPKEEP = "cloudtrail_upkeep"
ACCOUNT_UPKEEP = f"{UPKEEP}__"
ACCOUNT_COMPLETENESS = f"{COMPLETENESS}__"


def completeness_of(ingest_id: str) -> str:
    """Return the ID of the completeness check that belongs to an ingest DAG."""
    return ingest_id.replace(INGEST, COMPLETENESS, 1)


def ingest_of(completeness_id: str) -> str:
    """Return the ID of the ingest DAG that a completeness check belongs to."""
    return completeness_id.replace(COMPLETENESS, INGEST, 1)


def is_ingest(dag_id: str) -> bool:
    """Return whether a DAG is an ingest: an account's, or one that is triggered with the form."""
    return dag_id.startswith(INGEST)
