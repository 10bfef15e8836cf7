"""Wait for the end of the ingest run without holding a worker slot."""

from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from typing import Any

from airflow.providers.databricks.hooks.databricks import RunState
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from cloudtrail_to_delta.errors import DatabricksRunError
from cloudtrail_to_delta.hooks.databricks import IngestHook, describe_gone, start_again
from cloudtrail_to_delta.hooks.waiting import workspace


class RunEndTrigger(BaseTrigger):
    """Fires when the Databricks run has ended or no longer exists. Killing the wait cancels the run.

    Args:
        databricks_conn_id: the connection to the workspace.
        run_id: the Databricks run.
        poll_seconds: how often to check.
    """

    def __init__(self, *, databricks_conn_id: str, run_id: int, poll_seconds: int) -> None:
        super().__init__()
        self.databricks_conn_id = databricks_conn_id
        self.run_id = run_id
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what another triggerer process needs to continue this wait."""
        return (
            "cloudtrail_to_delta.operators.wait.RunEndTrigger",
            {
                "databricks_conn_id": self.databricks_conn_id,
                "run_id": self.run_id,
                "poll_seconds": self.poll_seconds,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Check until the run has ended."""
        databricks = workspace(self.databricks_conn_id)
        async for active in databricks.polls(self.poll_seconds):
            if self.run_id not in active and await databricks.ask(lambda hook: hook.has_ended(self.run_id)):
                yield TriggerEvent({"run_id": self.run_id})
                return

    async def on_kill(self) -> None:
        """Cancel the Databricks run if a person cancels, clears or fails the waiting task."""
        await workspace(self.databricks_conn_id).cancel(lambda hook: hook.cancel_run(self.run_id))


class WaitForIngestRunOperator(BaseOperator):
    """Checks once, then defers until the Databricks run ends; fails with the run's error.

    If this task is canceled, cleared or failed while it waits, its trigger cancels the Databricks run. A
    continuous stream never ends, so the task skips itself then. The error says what to clear: this task would
    find the same run again.
    """

    #: The task that submits the run.
    submits = "submit"
    template_fields: Sequence[str] = ("run_id", "databricks_conn_id", "stream_trigger")

    def __init__(
        self,
        *,
        run_id: Any,
        databricks_conn_id: str = "{{ params.databricks_conn_id }}",
        stream_trigger: str = "{{ params.trigger }}",
        poll_seconds: int = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id
        self.databricks_conn_id = databricks_conn_id
        self.stream_trigger = stream_trigger
        self.poll_seconds = poll_seconds

    @cached_property
    def databricks(self) -> IngestHook:
        """The hook, created on first use so that parsing a DAG needs no connection."""
        return IngestHook(self.databricks_conn_id, caller=type(self).__name__)

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Return if the run has succeeded; defer while it is active."""
        run_id = int(self.run_id)
        if self.stream_trigger == "continuous":
            raise AirflowSkipException(f"Run {run_id} is a continuous stream: it runs until you cancel it.")
        self._check(run_id)

    def conclude(self, context: Context, event: dict[str, Any]) -> None:  # noqa: ARG002 - Airflow's signature
        """Take the trigger's event: the run has ended."""
        self._check(int(event["run_id"]))

    def _check(self, run_id: int) -> None:
        run = self.databricks.find_run(run_id)
        if run is None:
            raise DatabricksRunError(describe_gone(run_id, task=self.submits))
        if not RunState(**run["state"]).is_terminal:
            self.defer(
                trigger=RunEndTrigger(
                    databricks_conn_id=self.databricks_conn_id, run_id=run_id, poll_seconds=self.poll_seconds
                ),
                method_name="conclude",
            )
        if failure := self.databricks.run_failure(run):
            raise DatabricksRunError(self.advised(failure, RunState(**run["state"])))
        self.log.info("Databricks run %s succeeded: %s", run_id, run.get("run_page_url"))

    def advised(self, failure: str, state: RunState) -> str:  # noqa: ARG002 - for subclasses
        """Return why the run failed, and what to do."""
        return f"{failure} {start_again(self.submits)}"

    def on_kill(self) -> None:
        """Cancel the run if the task is killed before it defers."""
        self.databricks.cancel_run(int(self.run_id))
