"""The bucket check: the bucket is there and can be listed with the AWS connection."""

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
    """Ask the bucket for one key under `location`, and where it is.

    Not by HeadBucket alone: its error has no reason in it, and it is refused to an identity that may list
    this prefix only, though nothing else is needed.
    """
    error = fetch_bucket_error(s3, location)
    if error is not None:
        return decide_bucket(location.bucket, error, connection=connection)
    return decide_region(location.bucket, bucket_region(s3, location.bucket), region, holds_logs=holds_logs)


def decide_region(bucket: str, found: str, wanted: str, *, holds_logs: bool) -> Finding:
    """The finding that follows from where a bucket is that can be listed. Pure."""
    if found in ("", wanted):
        where = f"in {found}" if found else "its region may not be asked for (s3:ListBucket by HeadBucket)"
        return Finding(check=CHECK, subject=bucket, status="ok", detail=f"can be listed, {where}")
    if holds_logs:
        return Finding(
            check=CHECK,
            subject=bucket,
            status="failed",
            detail=f"is in {found}, and region is {wanted!r}",
            remedy=f"Set region to {found!r}.",
        )
    return Finding(
        check=CHECK,
        subject=bucket,
        status="warning",
        detail=f"is in {found}, the log bucket in {wanted}: every byte that goes between them is charged",
        remedy=f"Use a bucket in {wanted}, or mean it.",
    )


def fetch_bucket_error(s3: "S3Client", location: S3Location) -> Exception | None:
    """The service's error for a listing, or None when it answered."""
    from botocore.exceptions import ClientError

    try:
        Listing(s3, location.bucket, budget=1).keys(location.prefix)
    except ClientError as error:
        return error
    return None


def decide_bucket(bucket: str, error: Exception, *, connection: str) -> Finding:
    """The finding that follows from a refusal. Pure; an error of no known sort is raised again."""
    explained = explain_bucket_error(error, bucket=bucket, connection=connection)
    if explained is None:
        raise error
    detail, remedy = explained
    return Finding(check=CHECK, subject=bucket, status="failed", detail=detail, remedy=remedy)
