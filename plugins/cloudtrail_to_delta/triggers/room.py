"""The wait for room among the active Databricks runs, in the triggerer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from cloudtrail_to_delta.hooks.databricks import IngestHook


class RoomTrigger(BaseTrigger):
    """Fires when fewer than `limit` ingest runs are active in the workspace.

    Others may wait for the same room: who is woken looks again before it submits.

    Args:
        databricks_conn_id: the connection to the workspace.
        limit: how many runs may be active.
        poll_seconds: how often to look.
    """

    def __init__(self, *, databricks_conn_id: str, limit: int, poll_seconds: int) -> None:
        super().__init__()
        self.databricks_conn_id = databricks_conn_id
        self.limit = limit
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What another triggerer process needs to go on with this wait."""
        return (
            "cloudtrail_to_delta.triggers.room.RoomTrigger",
            {
                "databricks_conn_id": self.databricks_conn_id,
                "limit": self.limit,
                "poll_seconds": self.poll_seconds,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until there is room."""
        hook = IngestHook(self.databricks_conn_id, caller=type(self).__name__)
        while len(active := await sync_to_async(hook.active_ingest_runs)()) >= self.limit:
            await asyncio.sleep(self.poll_seconds)
        yield TriggerEvent({"active": len(active)})
