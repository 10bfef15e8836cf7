"""Submitting a one-time run of Databricks and leaving it: what the ingest and the access check share."""

from typing import Any

from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator

from cloudtrail_to_delta.hooks.databricks import IngestHook


class OneTimeRunOperator(DatabricksSubmitRunOperator):
    """Submits a run by its idempotency token, with our hook; it does not wait for the run's end."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("databricks_conn_id", "{{ params.databricks_conn_id }}")
        # durable: the token already closes the gap between submit and remembering the run id.
        super().__init__(wait_for_termination=False, deferrable=False, durable=False, **kwargs)

    def _get_hook(self, caller: str) -> IngestHook:
        return IngestHook(
            self.databricks_conn_id,
            retry_limit=self.databricks_retry_limit,
            retry_delay=self.databricks_retry_delay,
            retry_args=self.databricks_retry_args,
            caller=caller,
        )
