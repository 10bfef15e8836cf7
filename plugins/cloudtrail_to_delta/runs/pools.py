"""The pool of the `submit` tasks, and the listener that creates it.

Airflow never starts a task whose pool does not exist, and reports that only in the scheduler's log. So the
listener creates the pool when a scheduler (or another process with the database) starts, and checks again
when one of our DAG runs starts. It never changes an existing pool.
"""

from contextlib import suppress
from typing import Any

from airflow.listeners import hookimpl

from cloudtrail_to_delta.dag_ids import is_ingest

SUBMIT_POOL = "cloudtrail_submit"
DESCRIPTION = (
    "One slot, so that only one task at a time counts the active Databricks runs and submits another one. "
    "Param max_concurrent_runs limits how many runs may be active."
)


@hookimpl
def on_starting(component: Any) -> None:
    """Create the pool, unless it exists, when one of Airflow's jobs starts."""
    # Airflow also calls the listener when a task starts, and tasks may not access the database.
    if type(component).__name__ == "Job":
        make_pool()


@hookimpl
def on_dag_run_running(dag_run: Any, msg: str) -> None:  # noqa: ARG001 - Airflow's signature
    """Create the pool again if somebody has deleted it; the scheduler calls this."""
    if is_ingest(dag_run.dag_id):
        make_pool()


def make_pool() -> None:
    """Create the pool unless it exists."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy.exc import IntegrityError

    # Use a separate session: the caller may be in the middle of a transaction. Several processes start at
    # once, and the first one creates the pool.
    with suppress(IntegrityError), create_session(scoped=False) as session:
        if Pool.get_pool(SUBMIT_POOL, session=session) is None:
            Pool.create_or_update_pool(
                SUBMIT_POOL, slots=1, description=DESCRIPTION, include_deferred=False, session=session
            )
