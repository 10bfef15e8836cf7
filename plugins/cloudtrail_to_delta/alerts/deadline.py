"""The alert about a late run: Airflow's DeadlineAlert, with a callback that the triggerer runs.

docs/adr/0020-deadlines.md explains why the deadline is a number of seconds, and how a passed one is renewed.
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

# For what a run does besides the job on Databricks: preflight, starting the cluster, validation.
MARGIN = timedelta(hours=1)
# The params of the DAG that the callback needs. The `conf` of a DAG run holds only changed values.
PARAMS = (
    "account",
    "organization",
    "bucket",
    "alert_topic_arn",
    "alert_conn_ids",
    "alert_events",
    "aws_conn_id",
)
# A run that has ended is not late. Airflow keeps the deadline of a failed one.
ENDED = ("success", "failed")

log = logging.getLogger(__name__)


def default_deadline(params: Mapping[str, Any]) -> timedelta:
    """Return when a run with these params is late: an hour after Databricks would have ended its job."""
    return timedelta(minutes=int(params["run_timeout_minutes"])) + MARGIN


def late_alert(deadline: timedelta, params: Mapping[str, Any]) -> DeadlineAlert:
    """Return the alert for a DAG run that is still running this long after it was queued.

    Args:
        deadline: the time from when the run was queued.
        params: the param values that the DAG defines. Values that a run changes at trigger time take
            precedence.
    """
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        # Seconds: a run whose deadline is stored as a timedelta cannot be cleared (apache/airflow#70368).
        interval=deadline.total_seconds(),
        callback=AsyncCallback(tell_late, kwargs={"params": {name: params.get(name) for name in PARAMS}}),
    )


def due(run: Mapping[str, Any], deadline: datetime) -> datetime:
    """Return when this run is late: at its deadline, or later if it was triggered with a longer timeout."""
    minutes = dict(run.get("conf") or {}).get("run_timeout_minutes")
    if minutes is None or RULES["run_timeout_minutes"].check(minutes) is not None:
        return deadline
    queued = datetime.fromisoformat(run["queued_at"])
    return max(deadline, queued + default_deadline({"run_timeout_minutes": minutes}))


async def tell_late(params: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    """Send the alert that the DAG run in the context has passed its deadline. The triggerer logs the result.

    If the run was triggered with a longer timeout, wait until that has passed; this holds no worker slot. A
    restarted triggerer calls this function again, with the same arguments.

    Returns:
        what each target answered, separated by semicolons.
    """
    run, moment = context["dag_run"], due(context["dag_run"], context["deadline"]["deadline_time"])
    await asyncio.sleep((moment - datetime.now(UTC)).total_seconds())
    return await asyncio.to_thread(_tell_late, params, run, moment)


def _tell_late(params: Mapping[str, Any], run: Mapping[str, Any], moment: datetime) -> str:
    if _state(run) in ENDED:
        return "the run has ended: it is not late"
    changed = {name: value for name, value in dict(run.get("conf") or {}).items() if name in PARAMS}
    teller = make_teller({**params, **changed}, dag_id=run["dag_id"], run_id=run["dag_run_id"])
    what = f"the run should have ended by {moment:%Y-%m-%d %H:%M} UTC"
    teller.tell([Event(name="late", subject="", what=what, cause="late")])
    return "; ".join(f"{one.event}: {one.status} {one.target} {one.error}" for one in teller.done)


def _state(run: Mapping[str, Any]) -> str:
    """Return the current state of the run, or its state at the deadline if Airflow does not answer."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    try:
        return RuntimeTaskInstance.get_dagrun_state(run["dag_id"], run["dag_run_id"])
    except Exception as error:  # noqa: BLE001 - better an alert about a run that may have ended than none
        log.warning("The state of run %s cannot be read: %s", run["dag_run_id"], error)
        return str(run["state"])
