"""The bucket check: the bucket is there and can be listed with the AWS connection."""

from typing import TYPE_CHECKING

from cloudtrail.locations import S3Location
from cloudtrail.preflight.aws_errors import explain_bucket_error
from cloudtrail.preflight.findings import Finding
from cloudtrail.preflight.listing import Listing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHECK = "bucket"


def check_bucket(s3: "S3Client", location: S3Location, *, connection: str) -> Finding:
    """Ask the bucket for one key under `location`.

    Not by HeadBucket: its answer has no reason in it, and it is refused to an identity that may list this
    prefix only, though nothing else is needed.
    """
    error = fetch_bucket_error(s3, location)
    return decide_bucket(location.bucket, error, connection=connection)


def fetch_bucket_error(s3: "S3Client", location: S3Location) -> Exception | None:
    """The service's error for a listing, or None when it answered."""
    from botocore.exceptions import ClientError

    try:
        Listing(s3, location.bucket, budget=1).keys(location.prefix)
    except ClientError as error:
        return error
    return None


def decide_bucket(bucket: str, error: Exception | None, *, connection: str) -> Finding:
    """The finding that follows from the answer. Pure; an error of no known sort is raised again."""
    if error is None:
        return Finding(check=CHECK, subject=bucket, status="ok", detail="there, and can be listed")
    explained = explain_bucket_error(error, bucket=bucket, connection=connection)
    if explained is None:
        raise error
    detail, remedy = explained
    return Finding(check=CHECK, subject=bucket, status="failed", detail=detail, remedy=remedy)
