"""The AWS clients of the checks. They use the AWS connection, not the reader role."""

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The clients: `s3` for the buckets, `iam` for the reader role's account; two are made for a region.

    A key exists in one region, and KMS of another region does not know it. The same is true of CloudTrail's
    public keys. `cloudtrail` is None if somebody else than the ingest's connection checks.
    """

    s3: "S3Client"
    iam: "IAMClient"
    kms: "Callable[[str], KMSClient]"
    cloudtrail: "Callable[[str], Any] | None" = None

    @classmethod
    def connect(cls, aws_conn_id: str, region: str) -> "Clients":
        """Return the clients of an Airflow connection; they retry when a service throttles them."""
        return cls(
            s3=_client(aws_conn_id, "s3", region),
            iam=_client(aws_conn_id, "iam", region),
            kms=cache(partial(_client, aws_conn_id, "kms")),
            cloudtrail=cache(partial(_client, aws_conn_id, "cloudtrail")),
        )


def _client(aws_conn_id: str, service: str, region: str) -> Any:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    from botocore.config import Config

    hook = AwsBaseHook(aws_conn_id, client_type=service, region_name=region)
    # IAM's simulator allows few calls per second. The connection's retry settings take precedence.
    patient = Config(retries={"mode": "standard", "total_max_attempts": 8})
    return hook.get_client_type(config=patient.merge(hook.conn_config.botocore_config or Config()))
