"""The AWS clients that the checks ask with: those of the AWS connection, not of the reader role."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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

    @classmethod
    def connect(cls, aws_conn_id: str, region: str) -> "Clients":
        """The clients of an Airflow connection; it asks again when a service has been asked too often."""
        return cls(**{service: _client(aws_conn_id, service, region) for service in ("s3", "iam", "kms")})


def _client(aws_conn_id: str, service: str, region: str) -> Any:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    from botocore.config import Config

    hook = AwsBaseHook(aws_conn_id, client_type=service, region_name=region)
    # IAM's simulator bears few calls per second. What the connection says of retries comes first.
    patient = Config(retries={"mode": "standard", "total_max_attempts": 8})
    return hook.get_client_type(config=patient.merge(hook.conn_config.botocore_config or Config()))
