"""The return value of `reconcile`, and the asset event of a kind's completeness: gaps, counts, a calendar.

The newest event of a table is the memory of the next run: it has the days with open gaps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Self

from cloudtrail_to_delta.records.fields import Fields, count, text
from cloudtrail_to_delta.records.record import Record

# How many gaps a record lists. `gap_count` counts all of them.
GAPS_KEPT = 300


@dataclass(frozen=True, kw_only=True)
class Gap(Record):
    """The log files of one account, region and delivery day that have one state.

    Attributes:
        state: `missing`, `overwritten`, `archived` or `passed_over`.
        account, region, day: whose log files, and when CloudTrail delivered them.
        files: how many.
        names: the keys of the first ones.
    """

    state: str
    account: str = ""
    region: str = ""
    day: str = ""
    files: int = 0
    names: Sequence[str] = ()

    @property
    def where(self) -> str:
        """The account, region and day in words."""
        return f"account {self.account}, {self.region}, {self.day}"

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the gap. It needs a state and a day."""
        date.fromisoformat(given.text("day"))
        if not given.text("state"):
            raise ValueError("the state is missing")
        return cls(
            state=given.text("state"),
            account=given.text("account"),
            region=given.text("region"),
            day=given.text("day"),
            files=given.count("files"),
            names=given.texts("names"),
        )


@dataclass(frozen=True, kw_only=True)
class Completeness(Record):
    """The completeness of one kind's table, as far as one run compared it.

    Attributes:
        kind, table, delta_path: the table.
        checked_at: when the run compared the lists.
        files: state → log files of the days that were compared.
        days: the delivery days that were compared.
        unchecked: how many due days the budget of requests did not allow.
        requests: how many LIST requests were made.
        gap_count: how many gaps there are. `gaps` lists at most 300 of them.
    """

    kind: str = ""
    table: str = ""
    delta_path: str = ""
    checked_at: datetime | None = None
    files: Mapping[str, int] = field(default_factory=dict)
    days: Sequence[str] = ()
    unchecked: int = 0
    requests: int = 0
    gap_count: int = 0
    gaps: Sequence[Gap] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all due days were compared and have no gap."""
        return not (self.gap_count or self.unchecked)

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the record."""
        return cls(
            kind=given.text("kind"),
            table=given.text("table"),
            delta_path=given.text("delta_path"),
            checked_at=given.moment("checked_at"),
            files={text(state): count(n) for state, n in given.mapping("files").items()},
            days=given.texts("days"),
            unchecked=given.count("unchecked"),
            requests=given.count("requests"),
            gap_count=given.count("gap_count"),
            gaps=tuple(Gap.read_fields(Fields(one)) for one in given.items("gaps")),
        )
