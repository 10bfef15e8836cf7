"""The calendar of one table's completeness: days by region, from the newest record of a check. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cloudtrail_to_delta.params.request import DIGESTS
from cloudtrail_to_delta.records.completeness import HOURS, Completeness, Gap

# How many days the calendar shows, and how many gaps the page lists.
SHOWN_DAYS = 35
SHOWN_GAPS = 30
SAID = {
    HOURS: "hours without a signed digest",
    "altered": "altered: the content is not what CloudTrail signed",
    "missing": "missing: not in the tables",
    "extra": "extra: no digest of their hour names them",
    "unsigned": "unsigned: no signed digest covers them",
    "overwritten": "overwritten after they were read",
    "archived": "archived before they were read",
    "passed_over": "Spark passes over their names",
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One day of one region.

    Attributes:
        state: `gap`, `pending`, `proven`, `compared` with S3's list only, or `unknown`.
        mark: what the cell shows: how many hours are not proven, or `!` for log files.
        said: the same in words.
    """

    day: date
    state: str
    mark: str
    said: str


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What the newest check says about one table.

    Attributes:
        record: the check's record of the table.
        as_of: when digests were last verified; None if they prove nothing.
        days: the days of the calendar, oldest first.
        regions: region → its cells, one for each day.
        gaps: the newest gaps in words and with their log files or hours.
        gap_count: how many gaps there are.
    """

    record: Completeness
    as_of: datetime | None
    days: Sequence[date]
    regions: Mapping[str, Sequence[Cell]]
    gaps: Sequence[tuple[Gap, str]]
    gap_count: int


def coverage_of(
    records: Sequence[Completeness], kind: str, table: str, regions: Sequence[str]
) -> Coverage | None:
    """Return the coverage of a table.

    Args:
        records: the records of all kinds of one check.
        kind: the kind of the table.
        table: its name.
        regions: the regions that are known to deliver: the record only names those with gaps or digests.

    Returns:
        None if the check was not about this table.
    """
    record = next((one for one in records if (one.kind, one.table) == (kind, table)), None)
    if record is None or record.checked_at is None:
        return None
    digests = next((one.signed for one in records if one.kind == DIGESTS and one.signed), None)
    calendar = digests.calendar if digests else {}
    hour_gaps = digests.gaps if digests and kind != DIGESTS else ()
    gaps = [*record.gaps, *(record.signed.gaps if record.signed else ()), *hour_gaps]
    gaps.sort(key=lambda gap: gap.day, reverse=True)
    count = record.gap_count + (record.signed.gap_count if record.signed else 0)
    last = record.checked_at.date()
    days = [last - timedelta(days=age) for age in reversed(range(SHOWN_DAYS))]
    names = sorted({*regions, *calendar, *(gap.region for gap in gaps)})
    compared = frozenset(record.days)
    return Coverage(
        record=record,
        as_of=digests.as_of if digests else None,
        days=days,
        regions={
            name: [
                _cell(
                    day,
                    calendar.get(name, {}).get(day.isoformat(), ""),
                    [gap for gap in gaps if (gap.region, gap.day) == (name, day.isoformat())],
                    compared=day.isoformat() in compared,
                )
                for day in days
            ]
            for name in names
        },
        gaps=[(gap, SAID.get(gap.state, gap.state)) for gap in gaps[:SHOWN_GAPS]],
        gap_count=count + (digests.gap_count if digests and kind != DIGESTS else 0),
    )


def _cell(day: date, letters: str, gaps: Sequence[Gap], *, compared: bool) -> Cell:
    hours = [f"{hour:02}" for hour, letter in enumerate(letters) if letter == "g"]
    files = [
        f"{_several(gap.files, 'log file')} {SAID.get(gap.state, gap.state)}"
        for gap in gaps
        if gap.state != HOURS
    ]
    if hours or files:
        unproven = [f"{_several(len(hours), 'hour')} not proven ({', '.join(hours)} h UTC)"] if hours else []
        return Cell(day=day, state="gap", mark=str(len(hours) or "!"), said="; ".join([*unproven, *files]))
    if "p" in letters:
        return Cell(day=day, state="pending", mark="…", said="the digests of some hours are not due yet")
    if "c" in letters:
        since = "" if "-" not in letters else " since the first digest"
        return Cell(day=day, state="proven", mark="", said=f"every hour{since} is proven")
    if compared:
        return Cell(day=day, state="compared", mark="", said="as S3 lists it, no signature")
    return Cell(day=day, state="unknown", mark="", said="not compared by this check")


def _several(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
