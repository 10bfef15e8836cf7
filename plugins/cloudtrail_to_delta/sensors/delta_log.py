"""The sensor for the first commit in a table's `_delta_log`."""

import time
from typing import Any

from airflow.sdk import BaseSensorOperator, Context

from cloudtrail_to_delta.errors import DatabricksRunError, DeltaLogTimeoutError
from cloudtrail_to_delta.hooks.delta_log import DeltaLogWatch
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.triggers.delta_log import DeltaLogTrigger


class DeltaLogSensor(BaseSensorOperator):
    """Waits for a commit in `<delta path>/_delta_log`: looks once, then defers.

    It fails at once, with the run's own error, when the Databricks run has failed; on timeout it cancels the
    run, since nobody would watch it any more. It does not wait for the run's end.

    Args:
        kind: which of `requests` it waits for.
        requests: the resolved requests, kind → dict.
        run_id: the Databricks run that is to write the table.
        timeout_minutes: how long to wait for the first commit, cluster start included.
        poke_interval: seconds between two looks.

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
        """Look once; defer when there is nothing to say yet."""
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
        """Turn what was seen into the task's outcome."""
        if event["status"] == "failed":
            raise DatabricksRunError(event["error"])
        path = f"{self._request().delta_path}/_delta_log"
        if event["status"] == "timeout":
            self._watch().cancel_run()
            raise DeltaLogTimeoutError(
                f"No commit (a file like {path}/00000000000000000000.json) appeared within "
                f"{self.timeout_minutes} minutes, so Databricks run {self.run_id} was cancelled. Read its "
                "driver log: is the cluster still starting, may it write to that path, is it another bucket?"
            )
        self.log.info("%s is at version %s", path, event["version"])
        return int(event["version"])

    def on_kill(self) -> None:
        """Cancel the run when the task is killed before it could defer."""
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
