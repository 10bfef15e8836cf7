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
# Of these, kept for saying what there is instead of log files.
DESCRIBE = 4
# Source: CloudTrail User Guide: files come about every 5 minutes while there is activity.
QUIET = timedelta(hours=24)
LOGGING = "Check that the trail is logging: aws cloudtrail get-trail-status --name <trail>."


def check_logs(
    s3: "S3Client", request: IngestRequest, *, now: datetime, first_day: str = "", last_day: str = ""
) -> Finding:
    """Look for log files under the request's logs path, in at most `BUDGET` requests.

    `first_day` and `last_day` are the params `from` and `until`, empty for no bound.
    """
    logs = request.logs
    listing = Listing(s3, logs.bucket, budget=BUDGET)
    now = now.astimezone(UTC)
    deliveries = find_deliveries(
        listing,
        logs,
        since=now - QUIET,
        today=now.replace(hour=0, minute=0, second=0, microsecond=0),
        # Events of global services are delivered in us-east-1: it is never quiet.
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
    """The finding that follows from what was seen. Pure.

    Args:
        kind: one of `cloudtrail_to_delta.kinds`.
        logs: what was looked for.
        deliveries: what was seen.
        instead: when there is nothing, what there is instead and what to change.
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
        detail += f", in the {deliveries.looked_at} folders of one account and region that were looked at"
    return Finding(
        check=CHECK,
        subject=kind,
        status="warning",
        detail=f"no delivery in the last 24 hours; {detail}",
        remedy=LOGGING,
    )


def decide_bounds(finding: Finding, deliveries: Deliveries, first_day: str, last_day: str) -> Finding:
    """The finding of an ingest that is limited to delivery days (`YYYY-MM-DD`, or empty). Pure."""
    newest = deliveries.newest
    if newest is None or not (first_day or last_day):
        return finding
    if first_day and deliveries.exhaustive and f"{newest.day:%Y-%m-%d}" < first_day:
        return replace(
            finding,
            status="warning",
            detail=f"nothing was delivered from {first_day} on: {finding.detail}",
            remedy="Give an earlier day as from, or none.",
        )
    if last_day and f"{newest.day:%Y-%m-%d}" > last_day:
        return finding
    # A load of the past: that nothing is delivered now is no fault of it.
    quiet = finding.status == "warning" and last_day
    return replace(finding, status="ok", remedy="") if quiet else finding


def decide_regions(finding: Finding, deliveries: Deliveries) -> Finding:
    """The finding on logs of which some are there, when a region that was named has none at all. Pure.

    Events only: there are events in every region in use, other kinds may well be missing in one.
    """
    if deliveries.newest is None or not deliveries.absent or finding.subject != "events":
        return finding
    regions = ", ".join(deliveries.absent)
    return replace(
        finding,
        status="warning",
        detail=f"no log file of {regions} was ever delivered; {finding.detail}",
        remedy=f"Take {regions} out of regions, or log events there, too. {finding.remedy}".strip(),
    )


def _nothing_found(
    kind: str, logs: LogsLocation, deliveries: Deliveries, instead: tuple[str, str]
) -> Finding:
    there, change = instead
    if deliveries.foreign:
        there = f"{deliveries.foreign!r} lies there, but is not named like a CloudTrail log file"
    if not deliveries.exhaustive:
        return Finding(
            check=CHECK,
            subject=kind,
            status="warning",
            detail=f"no log file found under {logs.path} in {BUDGET} listing requests "
            f"({deliveries.looked_at} folders of one account and region looked at); there may be some "
            "elsewhere",
            remedy="Name one account and its regions to be sure.",
        )
    if absence := KINDS[kind].absence:
        return Finding(
            check=CHECK,
            subject=kind,
            status="skipped",
            detail=f"no {KINDS[kind].title} log file under {logs.path} ({there}). {absence}. Nothing is "
            f"ingested for {kind} this time; other kinds are not affected",
        )
    return Finding(
        check=CHECK,
        subject=kind,
        status="failed",
        detail=f"no log file under {logs.path}: {there}",
        remedy=f"{change} {LOGGING}".strip(),
    )
