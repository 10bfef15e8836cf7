"""What is news: one message per cause, then silence, a reminder after a day, and the end.

A cause is an event's name, subject and cause without what changes from run to run, in one DAG and one
scope (see `Record.scope`). What ends it is in `alerts.ending`. Pure: `state` keeps the records.
"""

import hashlib
import re
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from cloudtrail_to_delta.alerts.events import EVENTS, Event
from cloudtrail_to_delta.alerts.redaction import redact

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


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is remembered of one cause.

    Attributes:
        account: whose it is, as messages name it.
        name: the event's name.
        subject: the event's subject.
        scope: which runs of the DAG it is about: empty for those with the DAG's own values, else the tables
            (or the set-up's name) that a run was given. A run ends no cause of another scope.
        what: what happened, in a line, for the message that it is over.
        first: when it was first seen.
        last: when it was last seen.
        count: how often.
        told: when a target last took a message about it; None when none has.
    """

    account: str
    name: str
    subject: str
    first: datetime
    last: datetime
    count: int = 1
    told: datetime | None = None
    scope: str = ""
    what: str = ""

    @property
    def is_lasting(self) -> bool:
        """Whether it ends when a run finds its subject sound."""
        return self.name in EVENTS and EVENTS[self.name].lasting

    def is_forgotten(self, now: datetime) -> bool:
        """Whether it is too long ago to be remembered."""
        return now - self.last > (LASTING_FORGET_AFTER if self.is_lasting else FORGET_AFTER)

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON holds it."""
        moments = {name: moment.isoformat() for name, moment in self._moments().items()}
        return asdict(self) | moments

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The reverse of `to_dict`; what a later version has added is left out."""
        known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        for name in ("first", "last", "told"):
            if known.get(name):
                known[name] = datetime.fromisoformat(known[name])
        return cls(**known)

    def _moments(self) -> dict[str, datetime]:
        return {n: m for n in ("first", "last", "told") if (m := getattr(self, n)) is not None}


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
    event: Event, known: Record | None, *, account: str, now: datetime, scope: str = ""
) -> tuple[Verdict, Record]:
    """Whether the event is to be told now, and what is remembered of it from now on."""
    what = redact(event.cause or event.what, limit=WHAT_LIMIT)
    if known is None or known.is_forgotten(now):
        return "new", Record(
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
