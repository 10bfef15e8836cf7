"""Wait for the first commit in a table's `_delta_log`: the sensor, its trigger, and the check of both."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import cached_property
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import BaseSensorOperator, Context
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from cloudtrail_to_delta.errors import DatabricksRunError, DeltaLogTimeoutError
from cloudtrail_to_delta.hooks.aws_errors import refused_credentials
from cloudtrail_to_delta.hooks.databricks import IngestHook, describe_gone, start_again
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.tables.delta_log import latest_commit


class DeltaLogWatch:
    """Checks whether a table has a commit and whether its run has failed, for the sensor and its trigger."""

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
        """Return `{"status": "found", "version": n}`, `{"status": "failed", "error": text}`, or None.

        None means that neither has happened yet. The run is checked first, so that the commit of an earlier
        run cannot hide the failure of this one.
        """
        run = self._databricks.find_run(self.run_id)
        if run is None:
            return {"status": "failed", "error": describe_gone(self.run_id)}
        if failure := self._databricks.run_failure(run):
            return {"status": "failed", "error": f"{failure} {start_again('submit')}"}
        with refused_credentials(self.aws_conn_id):
            version = latest_commit(self._s3, self.delta_path)
        return None if version is None else {"status": "found", "version": version}

    def cancel_run(self) -> None:
        """Cancel the Databricks run."""
        self._databricks.cancel_run(self.run_id)


class DeltaLogTrigger(BaseTrigger):
    """Fires when the Delta log has a commit, the Databricks run has failed, or the deadline has passed.

    Args:
        delta_path: the Delta table's `s3://` path.
        run_id: the Databricks run that writes the table.
        deadline: epoch seconds after which to give up.
        poll_seconds: how often to check.
    """

    def __init__(
        self,
        *,
        delta_path: str,
        run_id: int,
        deadline: float,
        aws_conn_id: str,
        databricks_conn_id: str,
        region: str,
        poll_seconds: int,
    ) -> None:
        super().__init__()
        self.delta_path = delta_path
        self.run_id = run_id
        self.deadline = deadline
        self.aws_conn_id = aws_conn_id
        self.databricks_conn_id = databricks_conn_id
        self.region = region
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what another triggerer process needs to continue this wait."""
        return (
            "cloudtrail_to_delta.sensors.delta_log.DeltaLogTrigger",
            {
                "delta_path": self.delta_path,
                "run_id": self.run_id,
                "deadline": self.deadline,
                "aws_conn_id": self.aws_conn_id,
                "databricks_conn_id": self.databricks_conn_id,
                "region": self.region,
                "poll_seconds": self.poll_seconds,
            },
        )

    def watch(self) -> DeltaLogWatch:
        """Return the check of the log and the run."""
        return DeltaLogWatch(
            delta_path=self.delta_path,
            run_id=self.run_id,
            aws_conn_id=self.aws_conn_id,
            databricks_conn_id=self.databricks_conn_id,
            region=self.region,
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Check until the trigger can fire."""
        watch = self.watch()
        while True:
            seen = await sync_to_async(watch.look)()
            if seen is not None:
                yield TriggerEvent(seen)
                return
            if time.time() >= self.deadline:
                yield TriggerEvent({"status": "timeout"})
                return
            await asyncio.sleep(self.poll_seconds)

    async def on_kill(self) -> None:
        """Cancel the Databricks run if a person cancels, clears or fails the waiting task."""
        await sync_to_async(self.watch().cancel_run)()


class DeltaLogSensor(BaseSensorOperator):
    """Waits for a commit in `<delta path>/_delta_log`: checks once, then defers.

    If the Databricks run fails, the sensor fails at once with the run's error. On timeout it cancels the run,
    because no task would watch it any more. It does not wait for the run's end.

    Args:
        kind: the kind in `requests` to wait for.
        requests: the resolved requests, kind → dict.
        run_id: the Databricks run that writes the table.
        timeout_minutes: how long to wait for the first commit, including the cluster's start.
        poke_interval: seconds between two checks.

    Returns:
        the newest version in the log, an integer.
    """

    template_fields = ("requests", "run_id", "aws_conn_id", "databricks_conn_id", "timeout_minutes")

    def __init__(
        self,
        *,
        kind: str,
        requests: Any,
        run_id: Any,
        aws_conn_id: str = "{{ params.aws_conn_id }}",
        databricks_conn_id: str = "{{ params.databricks_conn_id }}",
        timeout_minutes: Any = "{{ params.delta_log_timeout_minutes }}",
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("poke_interval", 10)
        super().__init__(**kwargs)
        self.kind = kind
        self.requests = requests
        self.run_id = run_id
        self.aws_conn_id = aws_conn_id
        self.databricks_conn_id = databricks_conn_id
        self.timeout_minutes = timeout_minutes

    def execute(self, context: Context) -> int:
        """Check once; defer if there is neither a commit nor a failure yet."""
        seen = self._watch().look()
        if seen is None:
            request = self._request()
            self.log.info("No commit in %s/_delta_log yet; waiting without a worker slot", request.delta_path)
            self.defer(
                trigger=DeltaLogTrigger(
                    delta_path=request.delta_path,
                    run_id=int(self.run_id),
                    deadline=time.time() + float(self.timeout_minutes) * 60,
                    aws_conn_id=self.aws_conn_id,
                    databricks_conn_id=self.databricks_conn_id,
                    region=request.region,
                    poll_seconds=int(self.poke_interval),
                ),
                method_name="conclude",
            )
        return self.conclude(context, seen)

    def conclude(self, context: Context, event: dict[str, Any]) -> int:  # noqa: ARG002 - Airflow's signature
        """Turn the result of the check into the task's outcome."""
        if event["status"] == "failed":
            raise DatabricksRunError(event["error"])
        path = f"{self._request().delta_path}/_delta_log"
        if event["status"] == "timeout":
            self._watch().cancel_run()
            raise DeltaLogTimeoutError(
                f"No commit (a file like {path}/00000000000000000000.json) appeared within "
                f"{self.timeout_minutes} minutes, so Databricks run {self.run_id} was cancelled. Check in "
                "its driver log whether the cluster was still starting, whether it may write to that path, "
                "and whether it wrote to another bucket."
            )
        self.log.info("%s is at version %s", path, event["version"])
        return int(event["version"])

    def on_kill(self) -> None:
        """Cancel the run if the task is killed before it defers."""
        self._watch().cancel_run()

    def _request(self) -> IngestRequest:
        return IngestRequest.from_dict(self.requests[self.kind])

    def _watch(self) -> DeltaLogWatch:
        request = self._request()
        return DeltaLogWatch(
            delta_path=request.delta_path,
            run_id=int(self.run_id),
            aws_conn_id=self.aws_conn_id,
            databricks_conn_id=self.databricks_conn_id,
            region=request.region,
        )
