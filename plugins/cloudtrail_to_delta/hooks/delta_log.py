"""One look at a Delta log in S3 and at the Databricks run that is to write it."""

from functools import cached_property
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook

from cloudtrail_to_delta.delta_log import latest_commit
from cloudtrail_to_delta.hooks.databricks import IngestHook, describe_gone


class DeltaLogWatch:
    """Answers "has it begun?" for a table and the run that writes it, for the sensor and its trigger."""

    def __init__(
        self, *, delta_path: str, run_id: int, aws_conn_id: str, databricks_conn_id: str, region: str
    ) -> None:
        self.delta_path = delta_path
        self.run_id = run_id
        self.aws_conn_id = aws_conn_id
        self.databricks_conn_id = databricks_conn_id
        self.region = region

    @cached_property
    def _databricks(self) -> IngestHook:
        return IngestHook(self.databricks_conn_id, caller=type(self).__name__)

    @cached_property
    def _s3(self) -> Any:
        return S3Hook(aws_conn_id=self.aws_conn_id, region_name=self.region).get_conn()

    def look(self) -> dict[str, Any] | None:
        """`{"status": "found", "version": n}`, `{"status": "failed", "error": text}`, or None: not yet.

        The run is asked first: a run that has failed must not pass for the commit of an earlier one.
        """
        run = self._databricks.find_run(self.run_id)
        failure = describe_gone(self.run_id) if run is None else self._databricks.run_failure(run)
        if failure is not None:
            return {"status": "failed", "error": failure}
        version = latest_commit(self._s3, self.delta_path)
        return None if version is None else {"status": "found", "version": version}

    def cancel_run(self) -> None:
        """Cancel the Databricks run."""
        self._databricks.cancel_run(self.run_id)
