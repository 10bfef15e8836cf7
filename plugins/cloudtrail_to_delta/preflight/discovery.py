"""The discovery check: how many objects would each run list?

With discovery `listing`, Auto Loader lists the whole logs path in each run: incremental listing is off by
default. Sources: Databricks, "Auto Loader options" (`cloudFiles.useIncrementalListing`, default `false` since
runtime 17.3); "Auto Loader directory listing mode"; Amazon S3 API, ListObjectsV2: 1,000 keys a request.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from cloudtrail_to_delta.params.locations import ACCOUNT, ANY, LogsLocation
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.listing import Listing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHECK = "discovery"
BUDGET = 6
PAGE = 1000
# From here on, listing takes minutes and more than 0.10 $ a day with a run each hour.
MANY = 1_000_000
# Source: Amazon S3 pricing, us-east-1: 0.005 $ for 1,000 LIST requests.
DOLLARS = 0.005 / 1000


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """How many folders there are, and how many log files one of them got on one day."""

    accounts: int
    regions: int
    days: int
    files: int

    @property
    def objects(self) -> int:
        """About how many objects a run lists: at most as many, if the other folders are quieter."""
        return self.accounts * self.regions * self.days * self.files


def check_discovery(
    s3: "S3Client", request: IngestRequest, *, today: date | None = None, first_day: str = ""
) -> Finding:
    """Estimate what a run lists, in at most `BUDGET` requests. `first_day` is the param `from`."""
    listing = Listing(s3, request.logs.bucket, budget=BUDGET)
    day = today or datetime.now(UTC).date()
    found = estimate(listing, request.logs, day, first_day, prefer=request.region)
    return decide_discovery(request.kind, found)


def estimate(
    listing: Listing, logs: LogsLocation, today: date, first_day: str, *, prefer: str
) -> Estimate | None:
    """Count folders, and the files of yesterday in one of them; None if there is nothing to count."""
    accounts = [logs.account]
    if logs.account == ANY:
        accounts = [name for name in listing.folders(logs.accounts_prefix).names if ACCOUNT.fullmatch(name)]
    if not accounts:
        return None
    regions = list(logs.regions)
    if ANY in regions:
        regions = list(listing.folders(logs.folder_prefix(accounts[0])).names)
    if not regions:
        return None
    region = prefer if prefer in regions else regions[0]
    start = first_day or _first_day(listing, logs.region_prefix(accounts[0], region))
    if not start:
        return None
    yesterday = listing.folders(logs.day_prefix(accounts[0], region, today - timedelta(days=1)))
    return Estimate(
        accounts=len(accounts),
        regions=len(regions),
        days=max(1, (today - date.fromisoformat(start)).days),
        files=len(yesterday.keys),
    )


def _first_day(listing: Listing, prefix: str) -> str:
    """Return the first day of the first month with log files, as YYYY-MM-DD; empty for none."""
    for _ in range(2):
        names = [name for name in listing.folders(prefix).names if name.isdigit()]
        if not names:
            return ""
        prefix += f"{names[0]}/"
    year, month = prefix.rstrip("/").split("/")[-2:]
    return f"{year}-{month}-01"


def decide_discovery(kind: str, found: Estimate | None) -> Finding:
    """Return the finding for the estimate. Pure."""
    if found is None or found.objects < MANY:
        shown = "few objects" if found is None else f"up to about {found.objects:,} objects"
        detail = f"each run lists {shown}"
        return Finding(check=CHECK, subject=f"logs of {kind}", status="ok", detail=detail)
    more = " or more" if found.files == PAGE else ""
    requests = found.objects // PAGE
    return Finding(
        check=CHECK,
        subject=f"logs of {kind}",
        status="warning",
        detail=f"discovery='listing' lists up to about {found.objects:,}{more} objects in each run "
        f"({found.accounts} accounts x {found.regions} regions x {found.days} days x {found.files}{more} "
        f"files a day): {requests:,} requests, with a run each hour about {24 * requests * DOLLARS:.2f} $ "
        "a day",
        remedy="Choose discovery 'file_events' (it needs a Unity Catalog external location with file events, "
        "which the set-up makes), or 'notifications' on dedicated compute. Or set 'from' if older days are "
        "not needed.",
    )
