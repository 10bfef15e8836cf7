"""Putting the job wheel where Databricks can read it."""

from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.errors import FatalError
from cloudtrail_to_delta.hooks.aws_errors import DENIED, error_code
from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.params.request import code_root
from cloudtrail_to_delta.runs.wheel import find_wheel, place_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class StageWheelOperator(BaseOperator):
    """Uploads the `cloudtrail_jobs` wheel to `<code root>/<content hash>/`, unless it is there already.

    The wheel is the one of this package, see `runs.wheel`. Old wheels are never deleted: an active run may
    still load one.

    Returns:
        the wheel's path as Databricks reads it (`s3://…` or `/Volumes/…`).
    """

    template_fields = ("aws_conn_id", "databricks_conn_id")

    def __init__(
        self,
        *,
        aws_conn_id: str = "{{ params.aws_conn_id }}",
        databricks_conn_id: str = "{{ params.databricks_conn_id }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.aws_conn_id = aws_conn_id
        self.databricks_conn_id = databricks_conn_id

    def execute(self, context: Context) -> str:
        """Find the wheel, upload it once, return its path; nothing when only preflight was asked for."""
        if context["params"]["preflight_only"]:
            raise AirflowSkipException("param preflight_only is set: nothing is written or submitted.")
        wheel = find_wheel()
        content = wheel.read_bytes()
        target = place_of(wheel, code_root(context["params"]))
        if target.startswith("/Volumes/"):
            IngestHook(self.databricks_conn_id, caller=type(self).__name__).put_volume_file(target, content)
            self.log.info("Uploaded %s (%d bytes) to %s", wheel.name, len(content), target)
            return target
        hook = S3Hook(aws_conn_id=self.aws_conn_id, region_name=context["params"]["region"])
        try:
            uploaded = put_wheel(hook.get_conn(), target, content)
        except Exception as refused:
            if error_code(refused) not in DENIED:
                raise
            raise FatalError(
                f"The wheel may not be put at {target!r}: {refused}. Allow s3:PutObject on it to the "
                f"identity of AWS connection {self.aws_conn_id!r} and, where the bucket has a KMS key, "
                "kms:GenerateDataKey on the key (docs/permissions.md). Then clear this task."
            ) from refused
        if uploaded:
            self.log.info("Uploaded %s (%d bytes) to %s", wheel.name, len(content), target)
        else:
            self.log.info("%s is already there", target)
        return target


def put_wheel(s3: "S3Client", target: str, content: bytes) -> bool:
    """Put the wheel at an S3 path, unless something is there; whether it was put.

    S3 itself looks, which takes the right to put and no other: a HEAD would need s3:GetObject and
    s3:ListBucket. Source: Amazon S3 User Guide, "How to prevent object overwrites with conditional writes".
    """
    from botocore.exceptions import ClientError

    where = S3Location.parse(target)
    try:
        s3.put_object(Bucket=where.bucket, Key=where.key, Body=content, IfNoneMatch="*")
    except ClientError as error:
        if error_code(error) == "PreconditionFailed":
            return False
        raise
    return True
