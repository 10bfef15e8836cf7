"""The AWS clients that the checks ask with: those of the AWS connection, not of the reader role."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, kw_only=True)
class Clients:
    """`s3` may list the buckets, `iam` is of the account that the reader role is in, `kms` of the region."""

    s3: "S3Client"
    iam: "IAMClient"
    kms: "KMSClient"
