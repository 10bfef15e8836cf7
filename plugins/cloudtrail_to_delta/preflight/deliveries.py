"""The newest delivery under a logs path, found with a bounded number of listing requests.

S3 lists keys in ascending order only, but keys contain the delivery time. Two techniques keep this cheap:

- To know whether anything was delivered since a moment takes one request: the listing starts after the key
  that a file delivered at that moment would have.
- The newest year, month and day are the last of a few folders each.

Source: docs/adr/0014-preflight.md.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cloudtrail_to_delta.params.locations import ACCOUNT, ANY, LogFileKey, LogsLocation
from cloudtrail_to_delta.preflight.listing import Listing

# Year, month, day, and the files of that day.
WALK_REQUESTS = 4
# With many accounts, checking another account is worth more than checking every region of one.
REGIONS_PER_ACCOUNT = 2
NUMBER = re.compile(r"[0-9]{2,4}")


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    """What was seen under a logs path.

    Attributes:
        newest: the newest log file seen; None when there was none.
        looked_at: how many folders of one account and region were listed.
        exhaustive: whether nothing was left out.
        foreign: a key that lies where log files should be but is not named like one.
        absent: the named regions for which the named account has no files at all.
    """

    newest: LogFileKey | None
    looked_at: int
    exhaustive: bool
    foreign: str = ""
    absent: tuple[str, ...] = ()


@dataclass
class _Search:
    listing: Listing
    logs: LogsLocation
    reserve: int
    looked_at: int = 0
    exhaustive: bool = True
    foreign: str = ""
    stale: list[str] = field(default_factory=list)
    absent: tuple[str, ...] = ()

    def may_spend(self, requests: int = 1) -> bool:
        enough = self.listing.left - self.reserve >= requests
        self.exhaustive = self.exhaustive and enough
        return enough

    def first_log_file(self, keys: Sequence[str]) -> LogFileKey | None:
        found = [LogFileKey.parse(key) for key in keys]
        if keys and not any(found):
            self.foreign = self.foreign or keys[0]
        return next((key for key in found if key is not None), None)


def find_deliveries(
    listing: Listing,
    logs: LogsLocation,
    *,
    since: datetime,
    today: datetime,
    prefer: Sequence[str] = (),
    reserve: int = 0,
) -> Deliveries:
    """Find a log file delivered since `since`, or else the newest one.

    Args:
        listing: the listing of the log bucket.
        logs: what the job reads.
        since: a delivery at or after this moment ends the search (UTC).
        today: the start of the current day (UTC).
        prefer: the regions to check first.
        reserve: how many requests of the budget to leave for the caller.
    """
    search = _Search(listing=listing, logs=logs, reserve=reserve)
    for account, region in _streams(search, prefer):
        search.looked_at += 1
        prefix = logs.region_prefix(account, region)
        if logs.period:
            search.stale.append(f"{prefix}{logs.period}/")
            continue
        recent = search.first_log_file(
            listing.keys(prefix, after=logs.delivered_after(account, region, since))
        )
        if recent is not None:
            if search.may_spend():
                after = logs.delivered_after(account, region, today)
                recent = search.first_log_file(listing.keys(prefix, after=after)) or recent
            return Deliveries(
                newest=recent, looked_at=search.looked_at, exhaustive=False, absent=search.absent
            )
        search.stale.append(prefix)
    newest = [found for found in _walk_all(search) if found is not None]
    return Deliveries(
        newest=max(newest, key=lambda key: key.delivered_at, default=None),
        looked_at=search.looked_at,
        exhaustive=search.exhaustive,
        foreign=search.foreign,
        absent=search.absent,
    )


def _streams(search: _Search, prefer: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the accounts and regions that exist, one account after another, within the budget."""
    logs, listing = search.logs, search.listing
    accounts: Sequence[str] = [logs.account]
    if logs.account == ANY:
        folders = listing.folders(logs.accounts_prefix)
        search.exhaustive = folders.complete
        accounts = spread([name for name in folders.names if ACCOUNT.fullmatch(name)])
    for account in accounts:
        # Each request here must leave enough for one walk, which finds the newest day of a stream.
        if not search.may_spend(1 + WALK_REQUESTS):
            return
        there = listing.folders(logs.folder_prefix(account)).names
        regions = [name for name in there if logs.regions == (ANY,) or name in logs.regions]
        if logs.account != ANY and logs.regions != (ANY,):
            search.absent = tuple(name for name in logs.regions if name not in there)
        regions.sort(key=lambda name: name not in prefer)
        chosen = regions[:REGIONS_PER_ACCOUNT] if len(accounts) > 1 else regions
        search.exhaustive = search.exhaustive and len(chosen) == len(regions)
        for region in chosen:
            if not search.may_spend(1 + WALK_REQUESTS):
                return
            yield account, region


def _walk_all(search: _Search) -> Iterator[LogFileKey | None]:
    for prefix in search.stale:
        if not search.may_spend(WALK_REQUESTS):
            return
        yield _newest_under(search, prefix)


def _newest_under(search: _Search, prefix: str) -> LogFileKey | None:
    """Return the newest log file under a prefix that ends with a region, a year, a month or a day."""
    return search.first_log_file(newest_keys(search.listing, prefix, period=search.logs.period))


def newest_keys(listing: Listing, prefix: str, *, period: str) -> list[str]:
    """Return a few keys of the newest day under `prefix`, which ends with a region and `period`.

    Makes four requests at most.
    """
    for _ in range(3 - (period.count("/") + 1 if period else 0)):
        numbers = [name for name in listing.folders(prefix).names if NUMBER.fullmatch(name)]
        if not numbers:
            return []
        prefix += f"{numbers[-1]}/"
    return listing.keys(prefix)


def spread(names: Sequence[str]) -> list[str]:
    """Return the names reordered so that the first few are spread out: neighbors are often alike."""
    step = max(1, len(names) // 8)
    first = list(names[::step])
    return first + [name for name in names if name not in set(first)]
