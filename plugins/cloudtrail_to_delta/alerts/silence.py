"""Detects silence: no log file of events for longer than `alert_silent_hours`. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cloudtrail_to_delta.records.outcome import Outcome
from cloudtrail_to_delta.tables.balance import RECENT_DAYS


def is_silence_checked(outcome: Outcome, params: Mapping[str, Any], *, now: datetime) -> bool:
    """Return whether to check for silence: only for events, if asked for, and not in a closed period.

    A continuous stream that has just started has not yet read what was delivered.
    """
    hours = int(params.get("alert_silent_hours") or 0)
    until = str(params.get("until") or "")
    is_closed = bool(until) and until < f"{now - timedelta(hours=hours):%Y-%m-%d}"
    return outcome.kind == "events" and bool(hours) and not is_closed and not outcome.pending


def describe_silence(outcome: Outcome, params: Mapping[str, Any], *, now: datetime) -> str:
    """Return what is wrong with the table's newest log file, empty if it is recent enough.

    The table's newest file counts, not the run's: after a change of `from`, a run may read only old files.
    """
    if not is_silence_checked(outcome, params, now=now):
        return ""
    delivered = outcome.latest_delivery
    if delivered is None:
        # A file that was quarantined as a whole is a log file, too.
        what = f"no log file in {outcome.table} was delivered in the last {RECENT_DAYS} days"
        return "" if outcome.run_files else what
    hours = int(params["alert_silent_hours"])
    silent = (now - delivered).total_seconds() / 3600
    if silent <= hours:
        return ""
    return (
        f"the newest log file in {outcome.table} was delivered {silent:.0f} h ago, at "
        f"{delivered:%Y-%m-%d %H:%M} UTC (alert_silent_hours={hours})"
    )
