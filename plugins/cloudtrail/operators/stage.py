"""Putting the job wheel where Databricks can read it."""

import hashlib
from pathlib import Path
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import BaseOperator, Context, Variable
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail.errors import FatalError
from cloudtrail.hooks.databricks import IngestHook
from cloudtrail.locations import S3Location
from cloudtrail.request import code_root

# plugins/cloudtrail/operators/stage.py → the folder that holds plugins/, with `make wheel`'s dist/ beside it.
DEFAULT_FOLDER = Path(__file__).resolve().parents[3] / "dist"
FOLDER_VARIABLE = "cloudtrail_wheel_folder"


class StageWheelOperator(BaseOperator):
    """Uploads the `cloudtrail_jobs` wheel to `<code root>/<content hash>/`, unless it is there already.

    The wheel is looked for in the Airflow Variable `cloudtrail_wheel_folder`, by default `dist/` beside
    `plugins/`. Old wheels are never deleted: an active run may still load one.

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
        wheel = find_wheel(Path(Variable.get(FOLDER_VARIABLE, default=str(DEFAULT_FOLDER))))
        content = wheel.read_bytes()
        root = code_root(context["params"])
        target = f"{root}/{hashlib.sha256(content).hexdigest()[:16]}/{wheel.name}"
        if target.startswith("/Volumes/"):
            IngestHook(self.databricks_conn_id, caller=type(self).__name__).put_volume_file(target, content)
            self.log.info("Uploaded %s (%d bytes) to %s", wheel.name, len(content), target)
            return target
        hook = S3Hook(aws_conn_id=self.aws_conn_id, region_name=context["params"]["region"])
        location = S3Location.parse(target)
        if hook.check_for_key(location.key, location.bucket):
            self.log.info("%s is already there", target)
        else:
            hook.load_bytes(content, key=location.key, bucket_name=location.bucket)
            self.log.info("Uploaded %s (%d bytes) to %s", wheel.name, len(content), target)
        return target


def find_wheel(folder: Path) -> Path:
    """The one job wheel in `folder`.

    Raises:
        FatalError: when there is none, or more than one, so that it is never a guess which code runs.
    """
    wheels = sorted(folder.glob("cloudtrail_jobs-*.whl"))
    if len(wheels) != 1:
        found = ", ".join(wheel.name for wheel in wheels) or "none"
        raise FatalError(
            f"exactly one cloudtrail_jobs-*.whl is needed in {str(folder)!r}, found: {found}. Build it with "
            f"`make wheel`, or set the Airflow Variable {FOLDER_VARIABLE!r} to the folder that has it."
        )
    return wheels[0]
