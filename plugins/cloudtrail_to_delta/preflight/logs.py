"""The log listing check: are there log files of this kind, and when was the newest delivered?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.params.locations import LogsLocation
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.deliveries import Deliveries, find_deliveries
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.listing import Listing
from cloudtrail_to_delta.preflight.surroundings import describe_surroundings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHECK = "log_listing"
# Listing requests per kind, whatever the bucket's size.
BUDGET = 20
# Of these, reserved for describing what exists instead of log files.
DESCRIBE = 4
# Source: CloudTrail User Guide. While there is activity, files arrive about every 5 minutes.
QUIET = timedelta(hours=24)
LOGGING = "Check that the trail is logging: aws cloudtrail get-trail-status --name <trail>."


def check_logs(
    s3: "S3Client", request: IngestRequest, *, now: datetime, first_day: str = "", last_day: str = ""
) -> Finding:
    """Check for log files under the request's logs path, in at most `BUDGET` requests.

    `first_day` and `last_day` are the params `from` and `until`; empty means no bound.
    """
    logs = request.logs
    listing = Listing(s3, logs.bucket, budget=BUDGET)
    now = now.astimezone(UTC)
    deliveries = find_deliveries(
        listing,
        logs,
        since=now - QUIET,
        today=now.replace(hour=0, minute=0, second=0, microsecond=0),
        # CloudTrail delivers events of global services in us-east-1, so that region is never quiet.
        prefer=(request.region, "us-east-1"),
        reserve=DESCRIBE,
    )
    instead = ("", "")
    if deliveries.newest is None and deliveries.exhaustive:
        instead = describe_surroundings(listing, logs)
    finding = decide_logs(request.kind, logs, deliveries, instead=instead, now=now)
    return decide_regions(decide_bounds(finding, deliveries, first_day, last_day), deliveries)


def decide_logs(
    kind: str, logs: LogsLocation, deliveries: Deliveries, *, instead: tuple[str, str], now: datetime
) -> Finding:
    """Return the finding for what was seen. Pure.

    Args:
        kind: one of `cloudtrail_to_delta.kinds`.
        logs: where the log files should be.
        deliveries: what was seen.
        instead: if there are no log files, what exists instead and what to change.
        now: an aware datetime.
    """
    if deliveries.newest is None:
        return _nothing_found(kind, logs, deliveries, instead)
    newest = deliveries.newest
    when = f"{newest.delivered_at:%Y-%m-%d %H:%M} UTC"
    detail = f"newest delivery {when} (account {newest.account}, {newest.region})"
    if kind != "events" or logs.period or now - newest.delivered_at <= QUIET:
        return Finding(check=CHECK, subject=kind, status="ok", detail=detail)
    if not deliveries.exhaustive:
        detail += f", in the {deliveries.looked_at} folders of one account and region that were listed"
    return Finding(
        check=CHECK,
        subject=kind,
        status="warning",
        detail=f"no delivery in the last 24 hours; {detail}",
        remedy=LOGGING,
    )


def decide_bounds(finding: Finding, deliveries: Deliveries, first_day: str, last_day: str) -> Finding:
    """Return the finding for an ingest limited to delivery days (`YYYY-MM-DD`, or empty). Pure."""
    newest = deliveries.newest
    if newest is None or not (first_day or last_day):
        return finding
    if first_day and deliveries.exhaustive and f"{newest.day:%Y-%m-%d}" < first_day:
        return replace(
            finding,
            status="warning",
            detail=f"nothing was delivered since {first_day}: {finding.detail}",
            remedy="Set from to an earlier day, or leave it empty.",
        )
    if last_day and f"{newest.day:%Y-%m-%d}" > last_day:
        return finding
    # A backfill: it does not matter that nothing is delivered now.
    quiet = finding.status == "warning" and last_day
    return replace(finding, status="ok", remedy="") if quiet else finding


def decide_regions(finding: Finding, deliveries: Deliveries) -> Finding:
    """Return the finding for logs that exist, but not in every named region. Pure.

    For events only: every region in use has events, but other kinds may be missing in a region.
    """
    if deliveries.newest is None or not deliveries.absent or finding.subject != "events":
        return finding
    regions = ", ".join(deliveries.absent)
    return replace(
        finding,
        status="warning",
        detail=f"no log file was ever delivered for {regions}; {finding.detail}",
        remedy=f"Remove {regions} from regions, or log events there too. {finding.remedy}".strip(),
    )


def _nothing_found(
    kind: str, logs: LogsLocation, deliveries: Deliveries, instead: tuple[str, str]
) -> Finding:
    there, change = instead
    if deliveries.foreign:
        there = f"{deliveries.foreign!r} is there, but is not named like a CloudTrail log file"
    if not deliveries.exhaustive:
        return Finding(
            check=CHECK,
            subject=kind,
            status="warning",
            detail=f"no log file found under {logs.path} in {BUDGET} listing requests "
            f"({deliveries.looked_at} folders of one account and region listed); other folders may have some",
            remedy="To be sure, set one account and its regions.",
        )
    if absence := KINDS[kind].absence:
        return Finding(
            check=CHECK,
            subject=kind,
            status="skipped",
            detail=f"no {KINDS[kind].title} log file under {logs.path} ({there}). {absence}. This run skips "
            f"{kind}; other kinds are not affected",
        )
    return Finding(
        check=CHECK,
        subject=kind,
        status="failed",
        detail=f"no log file under {logs.path}: {there}",
        remedy=f"{change} {LOGGING}".strip(),
    )
