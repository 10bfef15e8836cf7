"""The return value of `reconcile`, and the asset event of a kind's completeness: gaps, counts, a calendar.

The newest event of a table is the memory of the next run: it has the days with open gaps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Self

from cloudtrail_to_delta.records.fields import Fields, as_list, count, text
from cloudtrail_to_delta.records.record import Record

# How many gaps a record lists. `gap_count` counts all of them.
GAPS_KEPT = 300
# The XCom of `report_gaps` with the records of all kinds. The pages read it.
COMPLETENESS_KEY = "completeness"
# The state of a gap in `Signatures` that has hours and not log files.
HOURS = "hours"


@dataclass(frozen=True, kw_only=True)
class Gap(Record):
    """The log files of one account, region and delivery day that have one state.

    Attributes:
        state: `missing`, `overwritten`, `archived` or `passed_over`. In `Signatures`: `hours` for hours
            without a signed digest, or the verdict `altered`, `missing`, `extra` or `unsigned`.
        account, region, day: whose log files or hours, and when CloudTrail delivered them. Log files of a
            region without any digest have the day of the first of them.
        files: how many.
        names: the first ones: keys, or hours of the day.
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
class Signatures(Record):
    """What the views on verified digests say of one kind's table.

    Attributes:
        as_of: when a run last verified digests. None: nothing is verified yet.
        files: verdict → log files of the table; for the kind digests verdict → digests.
        hours: state → hours of accounts' regions. Only for the kind digests.
        calendar: region → day → a letter for each hour: `c` covered, `p` pending, `g` gap, `-` before the
            first digest. With several accounts the worst one counts. It has the last five weeks. Only for
            the kind digests.
        gap_count: how many gaps there are. `gaps` lists at most 300 of them.
        first, last: the first and the last day that was asked about, as the check's `from` and `until`. Empty
            for no limit.
    """

    as_of: datetime | None = None
    files: Mapping[str, int] = field(default_factory=dict)
    hours: Mapping[str, int] = field(default_factory=dict)
    calendar: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    gap_count: int = 0
    gaps: Sequence[Gap] = ()
    first: str = ""
    last: str = ""

    def asks_about(self, day: str) -> bool:
        """Return whether a day was asked about."""
        return (not self.first or day >= self.first) and (not self.last or day <= self.last)

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the record."""
        return cls(
            as_of=given.moment("as_of"),
            files={text(verdict): count(n) for verdict, n in given.mapping("files").items()},
            hours={text(state): count(n) for state, n in given.mapping("hours").items()},
            calendar={
                text(region): {text(day): text(hours) for day, hours in Fields(days).record.items()}
                for region, days in given.mapping("calendar").items()
            },
            gap_count=given.count("gap_count"),
            gaps=tuple(Gap.read_fields(Fields(one)) for one in given.items("gaps")),
            first=given.text("first"),
            last=given.text("last"),
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
        signed: what CloudTrail's signatures prove. None: digests are not asked for, so they prove nothing.
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
    signed: Signatures | None = None

    @property
    def is_complete(self) -> bool:
        """Whether all due days were compared and have no gap, and digests show none."""
        return not (self.gap_count or self.unchecked or (self.signed and self.signed.gap_count))

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
            signed=(
                None if given.is_null("signed") else Signatures.read_fields(Fields(given.record["signed"]))
            ),
        )


def read_completeness(value: Any) -> list[Completeness]:
    """Read the records of a run's kinds.

    Raises:
        UnreadableRecordError, TypeError: the value is not a list of such records.
    """
    return [Completeness.from_dict(one) for one in as_list(value)]
