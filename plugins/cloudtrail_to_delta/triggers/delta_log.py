"""The wait for a commit in a Delta log, in the triggerer."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from cloudtrail_to_delta.hooks.delta_log import DeltaLogWatch


class DeltaLogTrigger(BaseTrigger):
    """Fires when the Delta log has a commit, the Databricks run has failed, or the deadline has passed.

    Args:
        delta_path: the Delta table's `s3://` path.
        run_id: the Databricks run that is to write it.
        deadline: epoch seconds after which to give up.
        poll_seconds: how often to look.
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
        """What another triggerer process needs to go on with this wait."""
        return (
            "cloudtrail_to_delta.triggers.delta_log.DeltaLogTrigger",
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
        """What looks at the log and at the run."""
        return DeltaLogWatch(
            delta_path=self.delta_path,
            run_id=self.run_id,
            aws_conn_id=self.aws_conn_id,
            databricks_conn_id=self.databricks_conn_id,
            region=self.region,
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until there is something to say."""
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
        """Cancel the Databricks run when a person cancels, clears or fails the waiting task."""
        await sync_to_async(self.watch().cancel_run)()
