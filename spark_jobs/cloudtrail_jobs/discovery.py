"""Which delivery days a run lists on open-source Spark, and which of its streams reads them.

New log files appear under the day of their delivery, and CloudTrail tries a delivery for 30 days. Listing
years of history for ten new files would cost more every day, so a run lists 30 days back from the last run
that listed. Every seven days it lists everything, to find files that were copied into the bucket later.
Spark's file source remembers every file that it has read, and reads that memory at each start. Therefore each
month has a separate stream, and everything before the checkpoint has one. Auto Loader does not need this.
Source: docs/adr/0010-discovery.md.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from cloudtrail_jobs.args import Arguments
from cloudtrail_jobs.bounds import all_but_days_from, bounded, days, month_after, takes_bounds
from cloudtrail_jobs.session import fresh

# Source: CloudTrail User Guide: CloudTrail retries a failed delivery for 30 days.
LOOK_BACK = timedelta(days=30)
SWEEP = timedelta(days=7)
# The greatest age of a note. It makes the next listing longer by as much, and spares most runs a write.
NOTE = timedelta(days=1)
# Clocks differ, and a run may end after midnight.
AHEAD = timedelta(days=2)
# How far a note may be in the future: clocks differ by minutes. A later one is of a clock that was wrong.
SKEW = timedelta(hours=1)
# No month has as many micro-batches: the batches of two months never share a number.
BLOCK = 1_000_000
_SCHEMA = "bounds STRING, swept_at TIMESTAMP, listed_at TIMESTAMP"


@dataclass(frozen=True)
class Note:
    """When earlier runs with the same bounds last listed everything, and when they last listed at all."""

    swept_at: datetime
    listed_at: datetime


@dataclass(frozen=True)
class Listing:
    """What one stream lists: the name of its stretch, a glob, and the number of its first batch."""

    stretch: str
    path: str
    first_batch: int


@dataclass(frozen=True)
class Plan:
    """What a run lists; `sweep` says whether it lists every day within the bounds."""

    listings: tuple[Listing, ...]
    sweep: bool
    note: Note | None


def by_days(arguments: Arguments) -> bool:
    """Return whether the logs path ends where the day folders begin; any other path has one stream."""
    return takes_bounds(arguments.logs_path)


def plan(spark: SparkSession, arguments: Arguments, created_at: datetime, now: datetime) -> Plan:
    """Return what a run lists at `now`, with a checkpoint that was `created_at` (aware datetimes)."""
    return decide(arguments, created_at, _read(spark, arguments), now)


def decide(arguments: Arguments, created_at: datetime, note: Note | None, now: datetime) -> Plan:
    """Decide what to list, given the note of earlier runs. Pure.

    A note from the future is ignored: until the clock reached it, no new file would be listed.
    """
    if note is not None and max(note.swept_at, note.listed_at) > now + SKEW:
        note = None
    sweep = note is None or now - note.swept_at >= SWEEP
    first, last = arguments.first_day, arguments.last_listed_day
    if note is not None and not sweep:
        recent = (note.listed_at - LOOK_BACK).date()
        first = max(recent, first) if first else recent
    start = (created_at - LOOK_BACK).date().replace(day=1)
    listings = []
    # Only a sweep reaches back so far, unless the checkpoint was created by a clock that was ahead.
    before = min(last or start, start - timedelta(days=1))
    if first is None or first <= before:
        older = bounded(arguments.logs_path, first, before)
        unbounded = first is None and last is None
        path = all_but_days_from(arguments.logs_path, start) if unbounded else older
        listings.append(Listing(f"before-{start}", path, 0))
    while start <= (now + AHEAD).date():
        end = month_after(start) - timedelta(days=1)
        begins, ends = max(first or start, start), min(last or end, end)
        # The bounds may end before this month, or before the days that are still listed.
        if begins <= ends:
            path = bounded(arguments.logs_path, begins, ends)
            listings.append(Listing(f"{start:%Y-%m}", path, int(f"{start:%Y%m}") * BLOCK))
        start = month_after(start)
    return Plan(tuple(listings), sweep, note)


def remember(spark: SparkSession, arguments: Arguments, done: Plan, now: datetime) -> None:
    """Note that the plan of `now` is done. If a run is killed before this, the next one lists more."""
    if (note := noted(done, now)) is None:
        return
    row = (_bounds(arguments), note.swept_at, note.listed_at)
    spark.createDataFrame([row], _SCHEMA).coalesce(1).write.mode("overwrite").json(_path(arguments))


def noted(done: Plan, now: datetime) -> Note | None:
    """Return the note of a plan that is done; None while the earlier one is young enough. Pure."""
    if not done.sweep and done.note is not None and now - done.note.listed_at < NOTE:
        return None
    return Note(now if done.sweep or done.note is None else done.note.swept_at, now)


def _read(spark: SparkSession, arguments: Arguments) -> Note | None:
    try:
        row = fresh(spark).schema(_SCHEMA).json(_path(arguments)).first()
    except AnalysisException as error:
        if "PATH_NOT_FOUND" in str(error):
            return None
        raise
    if row is None or row["bounds"] != _bounds(arguments) or None in (row["swept_at"], row["listed_at"]):
        return None
    return Note(_aware(row["swept_at"]), _aware(row["listed_at"]))


def _aware(collected: datetime) -> datetime:
    # `first` returns the time in the time zone of this Python process, without naming the zone.
    return collected.astimezone(timezone.utc)  # noqa: UP017  # Python 3.10 too


def _bounds(arguments: Arguments) -> str:
    return days(arguments.first_day, arguments.last_day)


def _path(arguments: Arguments) -> str:
    return f"{arguments.checkpoint_path}/listing"
