"""Reconciliation: compares what S3 lists with what the tables hold, by account, region and delivery day.

Both lists are sorted, so they are merged and never held in memory as a whole.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from cloudtrail_to_delta.completeness.deliveries import BudgetSpentError, DeliveryListing, Folder, Listed
from cloudtrail_to_delta.completeness.held import Held, HeldFiles
from cloudtrail_to_delta.params.locations import ACCOUNT, ANY, LogsLocation

# CloudTrail was launched on this day, so no delivery day is older.
# Source: AWS News Blog, "AWS CloudTrail - Capture AWS API Activity".
FIRST_DAY = date(2013, 11, 13)
# How many names of log files a result has for each folder, day and verdict.
NAMED = 20

FileState = Literal["held", "pending", "gone", "missing", "overwritten", "archived", "passed_over"]
# The states that somebody has to look into.
GAPS: tuple[FileState, ...] = ("missing", "overwritten", "archived", "passed_over")


@dataclass(kw_only=True)
class FolderDay:
    """One delivery day of one folder: how many log files have each state, and the first names of the gaps."""

    folder: Folder
    day: date
    files: Counter[str] = field(default_factory=Counter)
    names: dict[FileState, list[str]] = field(default_factory=dict)

    def add(self, state: FileState, key: str) -> None:
        """Count one log file."""
        self.files[state] += 1
        if state in GAPS:
            names = self.names.setdefault(state, [])
            if len(names) < NAMED:
                names.append(key)


@dataclass(kw_only=True)
class Reconciliation:
    """The result for one kind.

    Attributes:
        days: the days that were compared in all folders.
        found: the folders' days with log files.
        unchecked: the days that the budget did not allow.
        requests: how many LIST requests were made.
    """

    days: list[date] = field(default_factory=list)
    found: list[FolderDay] = field(default_factory=list)
    unchecked: list[date] = field(default_factory=list)
    requests: int = 0


@dataclass(frozen=True, kw_only=True)
class Reconciler:
    """The two lists of one kind, and what decides about a log file that only one of them has.

    Attributes:
        logs: the log files of the kind. A day in its path is ignored.
        listing: lists the log bucket.
        open_tables: opens the kind's tables at their newest versions.
        pending_since: a log file that was written later may still wait for its run.
    """

    logs: LogsLocation
    listing: DeliveryListing
    open_tables: Callable[[], HeldFiles]
    pending_since: datetime

    def reconcile(self, days: Iterable[date]) -> Reconciliation:
        """Compare delivery days one after another, the most important first.

        Raises:
            CloudTrailError: if a table cannot be read.
            botocore.exceptions.ClientError: if the bucket cannot be listed.
        """
        result, due = Reconciliation(), list(days)
        try:
            folders = sorted(self.listing.folders(), key=lambda one: (f"{one.account}/", f"{one.region}/"))
            held = self.open_tables()
            for day in due:
                result.found += self._day(day, folders, held)
                result.days.append(day)
        except BudgetSpentError:
            result.unchecked = due[len(result.days) :]
        result.requests = self.listing.requests
        return result

    def _day(self, day: date, folders: Sequence[Folder], held: HeldFiles) -> list[FolderDay]:
        found: dict[Folder, FolderDay] = {}
        absent: dict[str, tuple[Folder, Listed]] = {}

        def add(folder: Folder, state: FileState, key: str) -> None:
            found.setdefault(folder, FolderDay(folder=folder, day=day)).add(state, key)

        for folder, listed, holding in self._merged(day, folders, held):
            if listed is None:
                if holding:
                    add(folder, "gone", holding.log_file)
            elif holding is not None:
                add(folder, _state_of_held(listed, holding), listed.key)
            elif listed.written_at > self.pending_since:
                add(folder, "pending", listed.key)
            else:
                absent[self._uri(listed.key)] = folder, listed
        for folder, state, key in self._absent_states(day, absent):
            add(folder, state, key)
        return list(found.values())

    def _absent_states(
        self, day: date, absent: dict[str, tuple[Folder, Listed]]
    ) -> Iterator[tuple[Folder, FileState, str]]:
        """Yield the state of each log file that was not found in the tables, after a second look."""
        if absent:
            # Since the first look, a run may have read them; or their events have an unlikely time.
            for holding in self.open_tables().day(self._root, day, whole_table=True):
                if holding.log_file in absent:
                    folder, listed = absent.pop(holding.log_file)
                    yield folder, _state_of_held(listed, holding), listed.key
        for folder, listed in absent.values():
            yield folder, self._state_of_absent(folder, listed), listed.key

    def _merged(
        self, day: date, folders: Sequence[Folder], held: HeldFiles
    ) -> Iterator[tuple[Folder, Listed | None, Held | None]]:
        """Yield each log file that one of the lists has, with its entries; nothing if S3 lists none."""
        listings = ((folder, one) for folder in folders for one in self.listing.day(folder, day))
        first = next(listings, None)
        if first is None:
            return  # most days of most buckets; whatever the tables have of them is no gap
        holdings = held.day(self._root, day)
        holding = next(holdings, None)
        for folder, listed in itertools.chain([first], listings):
            uri = self._uri(listed.key)
            while holding and holding.log_file < uri:
                yield from self._only_held(holding)
                holding = next(holdings, None)
            same = holding if holding and holding.log_file == uri else None
            yield folder, listed, same
            if same:
                holding = next(holdings, None)
        while holding:
            yield from self._only_held(holding)
            holding = next(holdings, None)

    def _only_held(self, holding: Held) -> Iterator[tuple[Folder, None, Held]]:
        if folder := self._folder_of(holding):
            yield folder, None, holding

    @property
    def _root(self) -> str:
        return self._uri(self.logs.accounts_prefix).rstrip("/")

    def _uri(self, key: str) -> str:
        return f"s3://{self.logs.bucket}/{key}"

    def _folder_of(self, holding: Held) -> Folder | None:
        """Return the folder of a log file of these logs; None for another kind's, region's or account's."""
        account, folder, region, *_ = (
            *holding.log_file.removeprefix(f"{self._root}/").split("/"),
            "",
            "",
            "",
        )
        logs = self.logs
        is_ours = (
            ACCOUNT.fullmatch(account)
            and folder == logs.folder
            and logs.account in (account, ANY)
            and (logs.regions == (ANY,) or region in logs.regions)
        )
        return Folder(account, region) if is_ours else None

    def _state_of_absent(self, folder: Folder, listed: Listed) -> FileState:
        region = self.logs.region_prefix(folder.account, folder.region)
        if any(_is_hidden(name) for name in listed.key.removeprefix(region).split("/")):
            return "passed_over"
        return "archived" if listed.archived else "missing"


def _state_of_held(listed: Listed, holding: Held) -> FileState:
    changed = holding.written_at is not None and listed.written_at > holding.written_at
    return "overwritten" if changed else "held"


def _is_hidden(name: str) -> bool:
    """Return whether Spark passes over files and folders of this name.

    Source: Spark, `HadoopFSUtils.shouldFilterOutPathName`.
    """
    if name.startswith(("_common_metadata", "_metadata")):
        return False
    return (name.startswith("_") and "=" not in name) or name.startswith(".") or name.endswith("._COPYING_")


def due_days(
    today: date, *, recent: int, cycle: int, first: date | None, last: date | None, again: Iterable[date] = ()
) -> list[date]:
    """Return the delivery days that a run on `today` compares: the recent ones first, then the older ones.

    The older days take turns: each is due once in `cycle` consecutive days. This depends on the calendar
    only, so no state can be lost.

    Args:
        today: the current day, UTC.
        recent: how many days, up to today or `last`, every run compares.
        cycle: the number of days in which all older days have their turn.
        first: the first day that the ingest reads; None for no limit.
        last: the last day that the ingest reads; None for no limit.
        again: the days with open gaps.
    """
    end = min(today, last) if last else today
    start = max(first, FIRST_DAY) if first else FIRST_DAY
    newest = max(start, end - timedelta(days=recent - 1))
    often = {newest + timedelta(days=n) for n in range((end - newest).days + 1)}
    often |= {day for day in again if start <= day <= end}
    before = (newest - start).days
    first_turn = (today - start).days % cycle
    turn = {start + timedelta(days=n) for n in range(first_turn, before, cycle)}
    return [*sorted(often), *sorted(turn - often)]
