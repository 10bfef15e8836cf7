"""What is news: one message per cause, then silence, a reminder after a day, and the end.

A cause is an event's name, subject and cause without what changes from run to run, in one DAG and one
scope (see `Cause.scope`). What ends it is in `alerts.ending`. Pure: `state` keeps them.
"""

import hashlib
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from cloudtrail_to_delta.alerts.redaction import redact
from cloudtrail_to_delta.records.alert_events import EVENTS, Event
from cloudtrail_to_delta.records.cause import Cause

# A day, less what the start of a daily run varies by: at 24 hours sharp every second reminder is missed.
REMIND_AFTER = timedelta(hours=23, minutes=30)
# News that no run has had for so long is news again when it comes back.
FORGET_AFTER = timedelta(days=7)
# A lasting cause that no run has met for longer than any usual schedule: nobody repeats what would end it.
LASTING_FORGET_AFTER = timedelta(days=35)

Verdict = Literal["new", "reminder", "counted"]

# In this order: what the later ones would leave half of is replaced by the earlier ones.
_VOLATILE = (
    re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\",)]+"),
    re.compile(r"\b(?:manual|scheduled|backfill|asset_triggered)__\S+"),
    re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE),
    re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{7,}\b", re.IGNORECASE),
    re.compile(r"\d+(?:[.,:]\d+)*"),
)
CAUSE_LIMIT = 300
WHAT_LIMIT = 200


def is_lasting(cause: Cause) -> bool:
    """Whether it ends when a run finds its subject sound."""
    return cause.name in EVENTS and EVENTS[cause.name].lasting


def is_forgotten(cause: Cause, now: datetime) -> bool:
    """Whether it is too long ago to be remembered."""
    return now - cause.last > (LASTING_FORGET_AFTER if is_lasting(cause) else FORGET_AFTER)


def normalize(reason: str) -> str:
    """A reason without what changes from run to run: addresses, ids, times, numbers."""
    for pattern in _VOLATILE:
        reason = pattern.sub("#", reason)
    return " ".join(reason.split())[:CAUSE_LIMIT]


def fingerprint(scope: str, event: Event) -> str:
    """What tells this cause from all others of its DAG: 16 hex characters."""
    identity = (scope, event.name, event.subject, event.cause or normalize(event.what))
    return hashlib.sha256("\n".join(identity).encode()).hexdigest()[:16]


def weigh(
    event: Event, known: Cause | None, *, account: str, now: datetime, scope: str = ""
) -> tuple[Verdict, Cause]:
    """Whether the event is to be told now, and what is remembered of it from now on."""
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
