"""The digest checks: does the trail write digest files, and may the connection read the public keys?

Digest files prove whether a log file is missing or changed.

Source: CloudTrail User Guide, "CloudTrail digest file structure". With log file validation on, CloudTrail
writes one per hour, account and region under `CloudTrail-Digest/`, next to `CloudTrail/`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.params.locations import LogsLocation
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.listing import Listing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHECK = "digests"
FOLDER = "CloudTrail-Digest"
PUBLIC_KEYS = "cloudtrail:ListPublicKeys"


def check_digests(s3: "S3Client", logs: LogsLocation) -> Finding:
    """Check that one account has the folder of the digest files. Makes two requests at most."""
    listing = Listing(s3, logs.bucket, budget=2)
    account = listing.one_account(logs)
    folders = listing.folders(f"{logs.accounts_prefix}{account}/").names if account else []
    return decide_digests(account, folders)


def check_public_keys(cloudtrail: Any, region: str) -> list[Finding]:
    """Check that the connection may call `ListPublicKeys`. A refusal raises."""
    cloudtrail.list_public_keys()
    detail = f"CloudTrail lists the public keys of {region}, which verify digests"
    return [Finding(check=CHECK, subject=PUBLIC_KEYS, status="ok", detail=detail)]


def decide_digests(account: str, folders: Sequence[str]) -> Finding:
    """Return the finding for an account's folders; without folders it has no log files either. Pure."""
    subject = f"account {account}" if account else "any account"
    if not folders:
        return Finding(check=CHECK, subject=subject, status="skipped", detail="has no files")
    if FOLDER in folders:
        return Finding(check=CHECK, subject=subject, status="ok", detail="the trail writes digest files")
    return Finding(
        check=CHECK,
        subject=subject,
        status="warning",
        detail=f"has no {FOLDER}/: log file validation is off, so missing or changed log files cannot be "
        "detected",
        remedy="Turn it on: aws cloudtrail update-trail --name <trail> --enable-log-file-validation",
    )
