"""Decide whether a kind has nothing new, so that its run needs no compute and no SQL warehouse.

A kind is idle only if everything here is known: an earlier run with the same params has validated the tables
up to their newest versions, its checkpoint has no unfinished work, and S3 lists no object that is newer than
that run. Anything unknown is a reason to run. Source: docs/adr/0036-idle-runs.md.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta import __version__
from cloudtrail_to_delta.params.locations import ANY, LogsLocation, S3Location
from cloudtrail_to_delta.params.request import DIGESTS, IngestRequest
from cloudtrail_to_delta.preflight.checkpoints import AGAIN_FOLDER, STREAMS
from cloudtrail_to_delta.preflight.listing import Listing
from cloudtrail_to_delta.records.table_event import TableEvent
from cloudtrail_to_delta.tables.delta_log import latest_commit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# After this time a run ingests even if nothing is new. It finds log files that S3 lists among older ones.
LONGEST = timedelta(hours=20)
# An object counts as new if it was written up to this long before the last run began. Clocks differ, and the
# events of `file_events` and `notifications` come later than their objects.
MARGIN = timedelta(hours=1)
# The listing begins with the delivery day of this long before the last run began: the name of a log file has
# the minute of its delivery, which may begin before midnight.
LOOK_BACK = timedelta(days=1)
# Listing requests of an account's region. One with more objects in two days is not idle for long.
PAGES = 2
# More folders are not listed: so many accounts and regions are never all quiet.
MOST_FOLDERS = 200


class NotIdleError(Exception):
    """A reason to run; not an error of anybody."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a run is asked for.

    Attributes:
        params: the params of the run.
        now: the current time (aware).
    """

    params: Mapping[str, Any]
    now: datetime


def asked_of(params: Mapping[str, Any]) -> str:
    """Return a hash of everything that a run is asked for: its params, and the release that reads them."""
    text = json.dumps([__version__, dict(params)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def newest_run(events: Iterable[TableEvent]) -> TableEvent | None:
    """Return the newest event that says how far the table is validated; None if there is none.

    Args:
        events: the asset events of a table, newest first.
    """
    return next((event for event in events if event.validated), None)


def reason_to_run(s3: "S3Client", request: IngestRequest, last: TableEvent | None, asked: Asked) -> str:
    """Return why this kind must be ingested; empty if it is idle.

    Args:
        s3: a client that may list the buckets of log files, tables and checkpoint.
        request: the request of the kind.
        last: what the newest run of the table has left.
        asked: what this run is asked for.
    """
    try:
        since = began_of(last, asked) - MARGIN
        check_tables(s3, request, last)
        check_checkpoint(s3, request)
        # The job reads digests for 31 more days.
        until = "" if request.kind == DIGESTS else str(asked.params.get("until") or "")
        bounds = str(asked.params.get("from") or ""), until
        check_log_files(s3, request.logs, since=since, bounds=bounds)
    except NotIdleError as reason:
        return str(reason)
    return ""


def began_of(last: TableEvent | None, asked: Asked) -> datetime:
    """Return when the job of the last run began. Pure.

    Raises:
        NotIdleError: if that run says nothing about this one.
    """
    if asked.params.get("trigger") == "continuous":
        raise NotIdleError("the stream is continuous")
    if asked.params.get("read_again"):
        raise NotIdleError("read_again names delivery days")
    if last is None or last.began_at is None:
        raise NotIdleError("no run of this release has validated the table yet")
    if last.asked != asked_of(asked.params):
        raise NotIdleError("params or release have changed since the last validated run")
    if not -MARGIN <= asked.now - last.began_at < LONGEST:
        raise NotIdleError(f"the last validated run began at {last.began_at:%Y-%m-%d %H:%M} UTC")
    return last.began_at


def check_tables(s3: "S3Client", request: IngestRequest, last: TableEvent | None) -> None:
    """Raise NotIdleError if somebody has written table or quarantine since they were validated."""
    validated = last and last.validated
    versions = latest_commit(s3, request.delta_path), latest_commit(s3, request.quarantine_path)
    if not validated or versions != (validated.version, validated.quarantine_version):
        raise NotIdleError("the tables have commits that no run has validated")


def check_checkpoint(s3: "S3Client", request: IngestRequest) -> None:
    """Raise NotIdleError if the checkpoint has no progress, or an unfinished plan to read files again."""
    place = S3Location.parse(request.checkpoint_path)
    listing = Listing(s3, place.bucket, budget=3)
    there = listing.folders(place.prefix).names
    if not any(name in there for name in STREAMS):
        raise NotIdleError("the checkpoint has no progress")
    if AGAIN_FOLDER in there:
        again = place.below(AGAIN_FOLDER)
        plans, done = (listing.folders(again.below(name).prefix) for name in ("plans", "done"))
        if not plans.complete or not done.complete or set(plans.names) - set(done.names):
            raise NotIdleError("a plan to read log files again is unfinished")


def check_log_files(s3: "S3Client", logs: LogsLocation, *, since: datetime, bounds: tuple[str, str]) -> None:
    """Raise NotIdleError if an object within `bounds` was written since then, or if it is unknown.

    `bounds` are the first and the last delivery day that the job reads; empty means no bound.
    Makes at most three requests for each account and region, the listing of its folders included.
    """
    if logs.period:
        raise NotIdleError("the logs path names a period")
    listing = Listing(s3, logs.bucket, budget=(PAGES + 1) * MOST_FOLDERS + 1)
    first, last = (day.replace("-", "/") for day in bounds)
    for account, region in _folders(listing, logs):
        prefix = logs.region_prefix(account, region)
        after = logs.day_prefix(account, region, (since - LOOK_BACK).date())
        for key, written in _objects(listing, prefix, after):
            day = key.removeprefix(prefix)[:10]
            if written > since and first <= day <= (last or day):
                raise NotIdleError(f"s3://{logs.bucket}/{key} is new")


def _folders(listing: Listing, logs: LogsLocation) -> Iterator[tuple[str, str]]:
    """Yield account and region of each folder that the job reads; raise if there are too many."""
    accounts: Sequence[str] = [logs.account]
    if logs.account == ANY:
        accounts = _every(listing, logs.accounts_prefix)
    left = MOST_FOLDERS
    for account in accounts:
        regions: Sequence[str] = logs.regions
        if logs.regions == (ANY,):
            regions = _every(listing, logs.folder_prefix(account))
        left -= max(len(regions), 1)
        if left < 0:
            raise NotIdleError(f"there are more than {MOST_FOLDERS} folders of one account and region")
        yield from ((account, region) for region in regions)


def _every(listing: Listing, prefix: str) -> Sequence[str]:
    found = listing.folders(prefix)
    if not found.complete:
        raise NotIdleError(f"there are more than {len(found.names)} folders under {prefix}")
    return found.names


def _objects(listing: Listing, prefix: str, after: str) -> Iterator[tuple[str, datetime]]:
    """Yield key and time of each object after a key; raise if there are too many."""
    for _ in range(PAGES):
        page = listing.page(prefix, after=after)
        yield from page.written.items()
        if page.complete:
            return
        after = page.last
    raise NotIdleError(f"there are too many objects under {prefix} to know that none is new")
