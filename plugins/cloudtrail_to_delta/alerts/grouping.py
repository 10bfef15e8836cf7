"""Decides which events are news: one message per cause, a reminder each day, and a recovery message.

A cause is identified by the event's name, subject and cause (without the parts that change from run to run),
within one DAG and one scope (see `Cause.scope`). `alerts.ending` decides when it ends. Pure: `state` stores
the causes.
"""

import hashlib
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from cloudtrail_to_delta.alerts.redaction import REASON_LIMIT, redact
from cloudtrail_to_delta.records.alert_events import EVENTS, Event
from cloudtrail_to_delta.records.cause import Cause

# A day, minus the variation in the start of a daily run. With exactly 24 hours every second reminder is
# missed.
REMIND_AFTER = timedelta(hours=23, minutes=30)
# An event that no run has seen for this long is news again when it returns.
FORGET_AFTER = timedelta(days=7)
# Longer than any usual schedule: a lasting cause that no run has seen for this long is forgotten.
LASTING_FORGET_AFTER = timedelta(days=35)

Verdict = Literal["new", "reminder", "counted"]

# The order matters: a later pattern would replace only a part of what an earlier one replaces whole.
_VOLATILE = (
    re.compile(r"\b[a-z][a-z0-9+.-]{0,31}://[^\s'\",)]+"),
    re.compile(r"\b(?:manual|scheduled|backfill|asset_triggered)__\S+"),
    re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE),
    re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{7,}\b", re.IGNORECASE),
    re.compile(r"\d+(?:[.,:]\d+)*"),
)
CAUSE_LIMIT = 300
WHAT_LIMIT = 200


def is_lasting(cause: Cause) -> bool:
    """Return whether the cause lasts until a run finds its subject sound."""
    return cause.name in EVENTS and EVENTS[cause.name].lasting


def is_forgotten(cause: Cause, now: datetime) -> bool:
    """Return whether the cause was last seen too long ago to be kept."""
    return now - cause.last > (LASTING_FORGET_AFTER if is_lasting(cause) else FORGET_AFTER)


def normalize(reason: str) -> str:
    """Return a reason without the parts that change from run to run: URLs, ids, times, numbers."""
    reason = reason[:REASON_LIMIT]
    for pattern in _VOLATILE:
        reason = pattern.sub("#", reason)
    return " ".join(reason.split())[:CAUSE_LIMIT]


def fingerprint(scope: str, event: Event) -> str:
    """Return what identifies this cause within its DAG: 16 hex characters."""
    identity = (scope, event.name, event.subject, event.cause or normalize(event.what))
    return hashlib.sha256("\n".join(identity).encode()).hexdigest()[:16]


def weigh(
    event: Event, known: Cause | None, *, account: str, now: datetime, scope: str = ""
) -> tuple[Verdict, Cause]:
    """Return whether to send the event now, and its cause as it is recorded from now on."""
    what = redact(event.cause or event.what, limit=WHAT_LIMIT)
    if known is None or is_forgotten(known, now):
        return "new", Cause(
            account=account,
            name=event.name,
            subject=event.subject,
            first=now,
            last=now,
            scope=scope,
            what=what,
        )
    seen = replace(known, account=account, what=what, last=now, count=known.count + 1)
    if seen.told is None:
        return "new", seen
    return ("reminder" if now - seen.told >= REMIND_AFTER else "counted"), seen
