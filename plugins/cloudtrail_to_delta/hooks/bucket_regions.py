"""Where a bucket is, and the S3 endpoint of its region, for clients that do not find out by themselves.

boto3 follows S3 to a bucket's region. Others, such as the Delta reader, sign for one region and stop at S3's
301. Source: Amazon S3 API Reference, HeadBucket (`x-amz-bucket-region`, also of a bucket that is refused).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.params.values import partitions_by_region

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def bucket_region(s3: "S3Client", bucket: str) -> str:
    """The bucket's region; empty when S3 does not say it."""
    from botocore.exceptions import ClientError

    try:
        return region_of(s3.head_bucket(Bucket=bucket))
    except ClientError as refused:
        return region_of(refused.response)


def region_of(answer: Mapping[str, Any]) -> str:
    """The region in an answer to HeadBucket, also in a refusal; empty when it has none.

    GetBucketLocation would not do: it calls the oldest buckets of `eu-west-1` `EU`.
    """
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(answer.get("BucketRegion") or headers.get("x-amz-bucket-region", ""))


def partition_endpoint(region: str) -> str:
    """The URL of S3 in a region of another partition, such as China's; empty for the partition `aws`."""
    import botocore.session

    if partitions_by_region().get(region, "aws") == "aws":
        return ""
    client = botocore.session.get_session().create_client("s3", region_name=region)
    return str(client.meta.endpoint_url)
