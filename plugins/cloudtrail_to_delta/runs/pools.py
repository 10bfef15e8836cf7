"""The pool of the `submit` tasks, and the listener that sees to it that there is one.

A task whose pool does not exist is never started, and Airflow says so in the scheduler's log alone. So the
pool is made when a scheduler (or another process with the database) starts, and looked for again whenever a
DAG run of ours starts. One that is there is never changed.
"""

from contextlib import suppress
from typing import Any

from airflow.listeners import hookimpl

from cloudtrail_to_delta.dag_ids import is_ingest

SUBMIT_POOL = "cloudtrail_submit"
DESCRIPTION = (
    "One slot: looking for room among the active Databricks runs and submitting one more is one step. How "
    "many runs may be active is param max_concurrent_runs."
)


@hookimpl
def on_starting(component: Any) -> None:
    """Make the pool unless it is there, when a job of Airflow's own starts."""
    # Tasks start with a listener call too, and may not reach the database.
    if type(component).__name__ == "Job":
        make_pool()


@hookimpl
def on_dag_run_running(dag_run: Any, msg: str) -> None:  # noqa: ARG001 - Airflow's signature
    """Make the pool again when somebody has deleted it; the scheduler calls this."""
    if is_ingest(dag_run.dag_id):
        make_pool()


def make_pool() -> None:
    """Make the pool unless it is there."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy.exc import IntegrityError

    # A session of its own: the caller may be in the middle of a transaction. Several processes start at once,
    # and the first one makes it.
    with suppress(IntegrityError), create_session(scoped=False) as session:
        if Pool.get_pool(SUBMIT_POOL, session=session) is None:
            Pool.create_or_update_pool(
                SUBMIT_POOL, slots=1, description=DESCRIPTION, include_deferred=False, session=session
            )
