"""Upload the job wheel to a place where Databricks can read it."""

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
    """Uploads the `cloudtrail_jobs` wheel to `<code root>/<content hash>/`, unless it already exists there.

    The wheel is part of this package; see `runs.wheel`. Old wheels are never deleted, because an active run
    may still load one.

    Returns:
        the wheel's path for Databricks (`s3://…` or `/Volumes/…`).
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
        """Upload the wheel once and return its path; skip the task in a preflight-only run."""
        if context["params"]["preflight_only"]:
            raise AirflowSkipException("Param preflight_only is set: this run writes and submits nothing.")
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
                f"The job wheel could not be uploaded to {target!r}: {refused}. Allow the identity of AWS "
                f"connection {self.aws_conn_id!r} s3:PutObject on this path and, if its bucket has a KMS "
                "key, kms:GenerateDataKey on that key (docs/permissions.md). Then clear this task."
            ) from refused
        if uploaded:
            self.log.info("Uploaded %s (%d bytes) to %s", wheel.name, len(content), target)
        else:
            self.log.info("%s already exists", target)
        return target


def put_wheel(s3: "S3Client", target: str, content: bytes) -> bool:
    """Upload the wheel to an S3 path unless an object exists there; return whether it was uploaded.

    S3 checks this itself (conditional write), so s3:PutObject is enough. A HEAD request would also need
    s3:GetObject and s3:ListBucket. Source: Amazon S3 User Guide, "How to prevent object overwrites with
    conditional writes".
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
