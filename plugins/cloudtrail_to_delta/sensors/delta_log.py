"""Wait for the first commit in a table's `_delta_log`: the sensor and its trigger."""

import time
from collections.abc import AsyncIterator
from functools import cached_property
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import BaseSensorOperator, Context
from airflow.triggers.base import BaseTrigger, TriggerEvent

from cloudtrail_to_delta.errors import DatabricksRunError, DeltaLogTimeoutError
from cloudtrail_to_delta.hooks.aws_errors import refused_credentials
from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.hooks.waiting import ask_s3, workspace
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.tables.delta_log import latest_commit


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

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Check until the trigger can fire.

        The run is checked first, so that the commit of an earlier run cannot hide the failure of this one.
        """
        databricks = workspace(self.databricks_conn_id)
        async for active in databricks.polls(self.poll_seconds):
            if self.run_id not in active and (
                failure := await databricks.ask(lambda hook: hook.failure_of(self.run_id))
            ):
                yield TriggerEvent(failed(failure))
                return
            with refused_credentials(self.aws_conn_id):
                version = await ask_s3(
                    self.aws_conn_id, self.region, lambda s3: latest_commit(s3, self.delta_path)
                )
            if version is not None:
                yield TriggerEvent(found(version))
                return
            if time.time() >= self.deadline:
                yield TriggerEvent({"status": "timeout"})
                return

    async def on_kill(self) -> None:
        """Cancel the Databricks run if a person cancels, clears or fails the waiting task."""
        await workspace(self.databricks_conn_id).cancel(lambda hook: hook.cancel_run(self.run_id))


def failed(error: str) -> dict[str, Any]:
    """Return the result of a check that found that the run has failed."""
    return {"status": "failed", "error": error}


def found(version: int) -> dict[str, Any]:
    """Return the result of a check that found a commit."""
    return {"status": "found", "version": version}


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
        request = self._request()
        seen = self._check(request)
        if seen is None:
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
            self.databricks.cancel_run(int(self.run_id))
            raise DeltaLogTimeoutError(
                f"No commit (a file like {path}/00000000000000000000.json) appeared within "
                f"{self.timeout_minutes} minutes, so Databricks run {self.run_id} was canceled. Check in "
                "its driver log whether the cluster was still starting, whether it may write to that path, "
                "and whether it wrote to another bucket."
            )
        self.log.info("%s is at version %s", path, event["version"])
        return int(event["version"])

    def on_kill(self) -> None:
        """Cancel the run if the task is killed before it defers."""
        self.databricks.cancel_run(int(self.run_id))

    @cached_property
    def databricks(self) -> IngestHook:
        """The hook, created on first use so that parsing a DAG needs no connection."""
        return IngestHook(self.databricks_conn_id, caller=type(self).__name__)

    def _request(self) -> IngestRequest:
        return IngestRequest.from_dict(self.requests[self.kind])

    def _check(self, request: IngestRequest) -> dict[str, Any] | None:
        """Return the same as the trigger's event; None if there is neither a commit nor a failure yet."""
        if failure := self.databricks.failure_of(int(self.run_id)):
            return failed(failure)
        with refused_credentials(self.aws_conn_id):
            s3 = S3Hook(aws_conn_id=self.aws_conn_id, region_name=request.region).get_conn()
            version = latest_commit(s3, request.delta_path)
        return None if version is None else found(version)
