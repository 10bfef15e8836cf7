"""A run that is late against its deadline: Airflow's DeadlineAlert; the triggerer runs its callback."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import (  # type: ignore[attr-defined] # the stub of airflow.sdk lacks them
    AsyncCallback,
    DeadlineAlert,
    DeadlineReference,
)

from cloudtrail.alerts.context import make_teller
from cloudtrail.alerts.events import Event

# Beyond the longest run on Databricks: preflight, the cluster's start, the validation.
MARGIN = timedelta(hours=1)
# What the callback needs of the DAG's own params; a DAG run's `conf` holds only what was changed.
PARAMS = (
    "account",
    "organization",
    "bucket",
    "alert_topic_arn",
    "alert_conn_ids",
    "alert_events",
    "aws_conn_id",
)

log = logging.getLogger(__name__)


def default_deadline(params: Mapping[str, Any]) -> timedelta:
    """When a run with these params is late: an hour after Databricks would have ended its job."""
    return timedelta(minutes=int(params["run_timeout_minutes"])) + MARGIN


def late_alert(deadline: timedelta, params: Mapping[str, Any]) -> DeadlineAlert:
    """Tells when a DAG run still goes on so long after it was queued.

    Args:
        deadline: from the moment when the run was queued.
        params: the DAG's own values of its params; those that a run changes at trigger time go before them.
    """
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=deadline,
        callback=AsyncCallback(tell_late, kwargs={"params": {name: params.get(name) for name in PARAMS}}),
    )


async def tell_late(params: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    """Tell that the DAG run in the context has passed its deadline; the triggerer's log has the result.

    Returns:
        how it went with each target, a line each.
    """
    return await asyncio.to_thread(_tell_late, params, context)


def _tell_late(params: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    run = context["dag_run"]
    changed = {name: value for name, value in dict(run.get("conf") or {}).items() if name in PARAMS}
    teller = make_teller({**params, **changed}, dag_id=run["dag_id"], run_id=run["dag_run_id"])
    due = f"{context['deadline']['deadline_time']:%Y-%m-%d %H:%M} UTC"
    teller.tell([Event(name="late", subject="", what=f"the run had to end by {due}", cause="late")])
    return "; ".join(f"{one['event']}: {one['status']} {one['target']} {one['error']}" for one in teller.done)
