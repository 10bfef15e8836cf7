"""The pool of the `submit` tasks, and the listener that sees to it that there is one.

A task whose pool does not exist waits for ever, and Airflow shows no more than a warning on the DAG's page.
So the pool is made when a scheduler (or another process with the database) starts. One that is there is never
changed.
"""

from contextlib import suppress
from typing import Any

from airflow.listeners import hookimpl

SUBMIT_POOL = "cloudtrail_submit"
DESCRIPTION = (
    "One slot: looking for room among the active Databricks runs and submitting one more is one step. How "
    "many runs may be active is param max_concurrent_runs."
)


@hookimpl
def on_starting(component: Any) -> None:
    """Make the pool unless it is there, when a job of Airflow's own starts."""
    # Tasks start with a listener call too, and may not reach the database.
    if type(component).__name__ != "Job":
        return
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy.exc import IntegrityError

    # Several processes start at once: the first makes it.
    with suppress(IntegrityError), create_session() as session:
        if Pool.get_pool(SUBMIT_POOL, session=session) is None:
            Pool.create_or_update_pool(
                SUBMIT_POOL, slots=1, description=DESCRIPTION, include_deferred=False, session=session
            )
