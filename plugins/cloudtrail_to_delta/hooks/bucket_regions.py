"""Find a bucket's region and its S3 endpoint, for clients that cannot find them.

boto3 follows S3's redirect to a bucket's region. Other clients, such as the Delta reader, sign for one region
and fail at S3's 301. Source: Amazon S3 API Reference, HeadBucket (`x-amz-bucket-region`, which a refusal has
too).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.params.values import partitions_by_region

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def bucket_region(s3: "S3Client", bucket: str) -> str:
    """Return the bucket's region; empty if S3 does not name it."""
    from botocore.exceptions import ClientError

    try:
        return region_of(s3.head_bucket(Bucket=bucket))
    except ClientError as refused:
        return region_of(refused.response)


def region_of(answer: Mapping[str, Any]) -> str:
    """Return the region in an answer to HeadBucket, or in its refusal; empty if it has none.

    GetBucketLocation is not suitable: for the oldest buckets in `eu-west-1` it returns `EU`.
    """
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(answer.get("BucketRegion") or headers.get("x-amz-bucket-region", ""))


def partition_endpoint(region: str) -> str:
    """Return the URL of S3 in a region of another partition, such as China; empty for partition `aws`."""
    import botocore.session

    if partitions_by_region().get(region, "aws") == "aws":
        return ""
    client = botocore.session.get_session().create_client("s3", region_name=region)
    return str(client.meta.endpoint_url)
