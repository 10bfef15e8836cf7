"""The state of an alert's cause between runs: one Airflow Variable per cause, in JSON.

`alerts.state` names the Variables. `alerts.grouping` decides which causes are news and which are forgotten.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cloudtrail_to_delta.records.fields import Fields
from cloudtrail_to_delta.records.record import Record


@dataclass(frozen=True, kw_only=True)
class Cause(Record):
    """The state of one cause.

    Attributes:
        account: the account that it concerns, as messages name it.
        name: the event's name.
        subject: the event's subject.
        scope: which runs of the DAG it concerns. Empty for runs with the DAG's own values, otherwise the
            tables (or the name of the set-up) that the run was given. A run ends causes of its own scope
            only.
        what: what happened, in one line, for the recovery message.
        first: when a run first saw it.
        last: when a run last saw it.
        count: how many times it was seen.
        told: when a target last accepted a message about it, None if none has.
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

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the cause. It needs a name and times: without them nothing can end it."""
        name, first, last = given.text("name"), given.moment("first"), given.moment("last")
        if not name or first is None or last is None:
            raise ValueError("the name or a time is missing")
        return cls(
            account=given.text("account"),
            name=name,
            subject=given.text("subject"),
            first=first,
            last=last,
            count=given.count("count"),
            told=given.moment("told"),
            scope=given.text("scope"),
            what=given.text("what"),
        )
