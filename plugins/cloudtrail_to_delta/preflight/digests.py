"""The digest check: does the trail write digest files, by which a missing or changed log file can be proven?

Source: CloudTrail User Guide, "CloudTrail digest file structure": hourly per account and region, under
`CloudTrail-Digest/` beside `CloudTrail/`, when log file validation is on.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cloudtrail_to_delta.params.locations import LogsLocation
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.listing import Listing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHECK = "digests"
FOLDER = "CloudTrail-Digest"


def check_digests(s3: "S3Client", logs: LogsLocation) -> Finding:
    """Look for the folder of the digest files, of one account. Two requests at most."""
    listing = Listing(s3, logs.bucket, budget=2)
    account = listing.one_account(logs)
    folders = listing.folders(f"{logs.accounts_prefix}{account}/").names if account else []
    return decide_digests(account, folders)


def decide_digests(account: str, folders: Sequence[str]) -> Finding:
    """The finding that follows from an account's folders; none: it has no log files either. Pure."""
    subject = f"account {account}" if account else "any account"
    if not folders:
        return Finding(check=CHECK, subject=subject, status="skipped", detail="there is nothing of it")
    if FOLDER in folders:
        return Finding(check=CHECK, subject=subject, status="ok", detail="the trail writes digest files")
    return Finding(
        check=CHECK,
        subject=subject,
        status="warning",
        detail=f"has no {FOLDER}/: log file validation is off, so nothing can prove that no log file is "
        "missing or changed",
        remedy="aws cloudtrail update-trail --name <trail> --enable-log-file-validation",
    )
