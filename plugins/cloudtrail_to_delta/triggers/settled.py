"""The wait until it is known whether a run that was found again goes on, in the triggerer."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.providers.databricks.hooks.databricks import RunState
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from cloudtrail_to_delta.hooks.databricks import IngestHook


class SettledTrigger(BaseTrigger):
    """Fires when the run has ended, or is active and nobody has cancelled it for `grace_seconds`.

    A run that is TERMINATING may still write: it is waited for to the end.

    Args:
        databricks_conn_id: the connection to the workspace.
        run_id: the Databricks run.
        grace_seconds: how long a cancellation may take to come.
        poll_seconds: how often to look.
    """

    def __init__(
        self, *, databricks_conn_id: str, run_id: int, grace_seconds: float, poll_seconds: float
    ) -> None:
        super().__init__()
        self.databricks_conn_id = databricks_conn_id
        self.run_id = run_id
        self.grace_seconds = grace_seconds
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What another triggerer process needs to go on with this wait."""
        return (
            "cloudtrail_to_delta.triggers.settled.SettledTrigger",
            {
                "databricks_conn_id": self.databricks_conn_id,
                "run_id": self.run_id,
                "grace_seconds": self.grace_seconds,
                "poll_seconds": self.poll_seconds,
            },
        )

    def _hook(self) -> IngestHook:
        return IngestHook(self.databricks_conn_id, caller=type(self).__name__)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until there is something to say."""
        hook, until = self._hook(), time.monotonic() + self.grace_seconds
        while True:
            run = await sync_to_async(hook.find_run)(self.run_id)
            state = None if run is None else RunState(**run["state"])
            if state is None or state.is_terminal:
                break
            if state.life_cycle_state != "TERMINATING" and time.monotonic() >= until:
                break
            await asyncio.sleep(self.poll_seconds)
        yield TriggerEvent({"run_id": self.run_id})

    async def on_kill(self) -> None:
        """Cancel the run when a person cancels, clears or fails the waiting task: nobody would watch it."""
        await sync_to_async(self._hook().cancel_run)(self.run_id)
