"""Renews the deadline of a run that is cleared after its deadline has passed.

Airflow moves the deadline of a cleared run unless it has passed, and the deadline of a failed run passes too.
So such a run gets a new deadline when it starts: docs/adr/0020-deadlines.md.
"""

from datetime import timedelta
from typing import Any

from airflow.listeners import hookimpl

from cloudtrail_to_delta.dag_ids import is_ingest


@hookimpl
def on_dag_run_running(dag_run: Any, msg: str) -> None:  # noqa: ARG001 - Airflow's signature
    """Renew the deadline of an ingest run that was queued after it had passed. The scheduler calls this."""
    if is_ingest(dag_run.dag_id):
        renew(dag_run)


def renew(dag_run: Any) -> None:
    """Move each deadline that passed before the run was queued, so that it counts from the queueing.

    This uses the transaction in which the scheduler read the run. The caller commits.
    """
    for deadline in dag_run.deadlines:
        seconds = deadline.deadline_alert.interval if deadline.deadline_alert else None
        # A run that passed its deadline in the queue, or is still running, was already reported as late.
        passed = deadline.missed and deadline.deadline_time < dag_run.queued_at
        # The previous release stored them in another form.
        if passed and isinstance(seconds, int | float):
            deadline.deadline_time = dag_run.queued_at + timedelta(seconds=seconds)
            deadline.missed = False
