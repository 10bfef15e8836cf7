"""The bucket check: the bucket exists and the AWS connection can list it."""

from typing import TYPE_CHECKING

from cloudtrail_to_delta.hooks.aws_errors import explain_bucket_error
from cloudtrail_to_delta.hooks.bucket_regions import bucket_region
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.listing import Listing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHECK = "bucket"


def check_bucket(
    s3: "S3Client", location: S3Location, *, connection: str, region: str, holds_logs: bool
) -> Finding:
    """List one key under `location`, then look up the bucket's region.

    HeadBucket alone is not enough. Its error gives no reason, and S3 refuses it to an identity that may list
    only this prefix, although listing this prefix is all that is needed.
    """
    error = fetch_bucket_error(s3, location)
    if error is not None:
        return decide_bucket(location.bucket, error, connection=connection)
    return decide_region(location.bucket, bucket_region(s3, location.bucket), region, holds_logs=holds_logs)


def decide_region(bucket: str, found: str, wanted: str, *, holds_logs: bool) -> Finding:
    """Return the finding about the region of a bucket that can be listed. Pure."""
    if found in ("", wanted):
        where = f"is in {found}" if found else "HeadBucket does not return its region (needs s3:ListBucket)"
        return Finding(check=CHECK, subject=bucket, status="ok", detail=f"can be listed; {where}")
    if holds_logs:
        return Finding(
            check=CHECK,
            subject=bucket,
            status="failed",
            detail=f"is in {found}, but region is {wanted!r}",
            remedy=f"Set region to {found!r}.",
        )
    return Finding(
        check=CHECK,
        subject=bucket,
        status="warning",
        detail=f"is in {found}, but the log bucket is in {wanted}: AWS charges for traffic between regions",
        remedy=f"Use a bucket in {wanted}, or accept these costs.",
    )


def fetch_bucket_error(s3: "S3Client", location: S3Location) -> Exception | None:
    """List one key; return the service's error, or None when the listing succeeded."""
    from botocore.exceptions import ClientError

    try:
        Listing(s3, location.bucket, budget=1).keys(location.prefix)
    except ClientError as error:
        return error
    return None


def decide_bucket(bucket: str, error: Exception, *, connection: str) -> Finding:
    """Return the finding for a refusal; raise the error again when it is unknown. Pure."""
    explained = explain_bucket_error(error, bucket=bucket, connection=connection)
    if explained is None:
        raise error
    detail, remedy = explained
    return Finding(check=CHECK, subject=bucket, status="failed", detail=detail, remedy=remedy)
