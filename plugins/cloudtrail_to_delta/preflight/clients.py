"""The AWS clients of the checks. They use the AWS connection, not the reader role."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The clients: `s3` may list the buckets, `iam` is of the reader role's account, `kms` of the region."""

    s3: "S3Client"
    iam: "IAMClient"
    kms: "KMSClient"

    @classmethod
    def connect(cls, aws_conn_id: str, region: str) -> "Clients":
        """Return the clients of an Airflow connection; they retry when a service throttles them."""
        return cls(**{service: _client(aws_conn_id, service, region) for service in ("s3", "iam", "kms")})


def _client(aws_conn_id: str, service: str, region: str) -> Any:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    from botocore.config import Config

    hook = AwsBaseHook(aws_conn_id, client_type=service, region_name=region)
    # IAM's simulator allows few calls per second. The connection's retry settings take precedence.
    patient = Config(retries={"mode": "standard", "total_max_attempts": 8})
    return hook.get_client_type(config=patient.merge(hook.conn_config.botocore_config or Config()))
