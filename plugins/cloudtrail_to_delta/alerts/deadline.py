"""A run that is late against its deadline: Airflow's DeadlineAlert; the triggerer runs its callback.

Why the deadline is a number of seconds, and what renews one that has passed: docs/adr/0076-deadlines.md.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (  # type: ignore[attr-defined] # the stub of airflow.sdk lacks them
    AsyncCallback,
    DeadlineAlert,
    DeadlineReference,
)

from cloudtrail_to_delta.alerts.context import make_teller
from cloudtrail_to_delta.params.ingest import PARAMS as RULES
from cloudtrail_to_delta.records.alert_events import Event

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
# A run that has ended, failed or not, is not late: of a failed one Airflow keeps the deadline.
ENDED = ("success", "failed")

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
        # Seconds: a run whose deadline is kept as a timedelta cannot be cleared (apache/airflow#70368).
        interval=deadline.total_seconds(),
        callback=AsyncCallback(tell_late, kwargs={"params": {name: params.get(name) for name in PARAMS}}),
    )


def due(run: Mapping[str, Any], deadline: datetime) -> datetime:
    """When this run is late: at its deadline, or later where it was triggered with a longer time-out."""
    minutes = dict(run.get("conf") or {}).get("run_timeout_minutes")
    if minutes is None or RULES["run_timeout_minutes"].check(minutes) is not None:
        return deadline
    queued = datetime.fromisoformat(run["queued_at"])
    return max(deadline, queued + default_deadline({"run_timeout_minutes": minutes}))


async def tell_late(params: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    """Tell that the DAG run in the context has passed its deadline; the triggerer's log has the result.

    Where the run was triggered with a longer time-out it is waited for, without a worker slot. A triggerer
    that starts again calls this again, with the same arguments.

    Returns:
        how it went with each target, a line each.
    """
    run, moment = context["dag_run"], due(context["dag_run"], context["deadline"]["deadline_time"])
    await asyncio.sleep((moment - datetime.now(UTC)).total_seconds())
    return await asyncio.to_thread(_tell_late, params, run, moment)


def _tell_late(params: Mapping[str, Any], run: Mapping[str, Any], moment: datetime) -> str:
    if _state(run) in ENDED:
        return "the run has ended: it is not late"
    changed = {name: value for name, value in dict(run.get("conf") or {}).items() if name in PARAMS}
    teller = make_teller({**params, **changed}, dag_id=run["dag_id"], run_id=run["dag_run_id"])
    what = f"the run had to end by {moment:%Y-%m-%d %H:%M} UTC"
    teller.tell([Event(name="late", subject="", what=what, cause="late")])
    return "; ".join(f"{one.event}: {one.status} {one.target} {one.error}" for one in teller.done)


def _state(run: Mapping[str, Any]) -> str:
    """The run's state now; the one at its deadline when Airflow does not answer."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    try:
        return RuntimeTaskInstance.get_dagrun_state(run["dag_id"], run["dag_run_id"])
    except Exception as error:  # noqa: BLE001 - told of a run that may have ended, rather than not at all
        log.warning("The state of run %s is not known: %s", run["dag_run_id"], error)
        return str(run["state"])
