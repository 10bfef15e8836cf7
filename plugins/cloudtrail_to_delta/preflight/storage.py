"""The storage check: are log files archived, so that no job can read them?

A lifecycle rule archives the oldest files first, so the check lists the first files that a run would read.
Source: Amazon S3 API Reference, GetObject (InvalidObjectState) and ListObjectsV2 (StorageClass); Amazon S3
User Guide, "Understanding archived objects".
"""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from cloudtrail_to_delta.params.locations import ANY
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.listing import Listing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHECK = "storage_class"
# S3 refuses to read these until they are restored. It reads GLACIER_IR at once. An object of
# INTELLIGENT_TIERING may be archived too, but a listing does not show it.
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def check_storage(s3: "S3Client", request: IngestRequest, *, first_day: str = "") -> Finding:
    """Check the oldest log files of one account and region. Makes three requests at most.

    `first_day` is the param `from`; empty means no bound.
    """
    logs = request.logs
    listing = Listing(s3, logs.bucket, budget=3)
    account = listing.one_account(logs)
    there = listing.folders(logs.folder_prefix(account)).names if account else []
    regions = [name for name in there if logs.regions == (ANY,) or name in logs.regions]
    if not regions:
        return decide_storage(request.kind, {})
    region = request.region if request.region in regions else regions[0]
    folder = logs.region_prefix(account, region)
    after = logs.day_prefix(account, region, date.fromisoformat(first_day)) if first_day else ""
    return decide_storage(
        request.kind,
        listing.storage_classes(f"{folder}{logs.period}/" if logs.period else folder, after=after),
    )


def decide_storage(kind: str, classes: Mapping[str, str]) -> Finding:
    """Return the finding for the oldest log files, given as key → storage class. Pure."""
    if not classes:
        return Finding(check=CHECK, subject=kind, status="skipped", detail="there is no log file to check")
    archived = [key for key, name in classes.items() if name in ARCHIVED]
    if not archived:
        return Finding(check=CHECK, subject=kind, status="ok", detail="the oldest log files can be read")
    first = archived[0]
    return Finding(
        check=CHECK,
        subject=kind,
        status="warning",
        detail=f"{first} is archived ({classes[first]}): S3 does not read it before it is restored, and a "
        "run stops at it",
        remedy="Set from to the first delivery day that is not archived, or restore the log files before the "
        "first run: aws s3api restore-object.",
    )
