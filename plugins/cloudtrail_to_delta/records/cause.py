"""What is remembered of an alert's cause between runs: an Airflow Variable each, in JSON.

The Variables' names are in `alerts.state`, what is news and what is forgotten in `alerts.grouping`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cloudtrail_to_delta.records.fields import Fields
from cloudtrail_to_delta.records.record import Record


@dataclass(frozen=True, kw_only=True)
class Cause(Record):
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

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """The cause by its fields; without a name and times nobody could tell when it is over."""
        name, first, last = given.text("name"), given.moment("first"), given.moment("last")
        if not name or first is None or last is None:
            raise ValueError("it has no name or no time")
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
