"""Submit a one-time run of Databricks without waiting for it; the ingest and the access check share this."""

from typing import Any

from airflow.providers.databricks.exceptions import DatabricksApiError
from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator
from airflow.sdk import Context

from cloudtrail_to_delta.hooks.databricks import IngestHook


def may_be_a_used_token(refusal: DatabricksApiError, context: Context) -> bool:
    """Return whether Databricks may have refused the idempotency token of a run that was deleted since.

    Its message is undocumented. A faulty payload is refused with the next token too, and a first try has no
    earlier run.
    """
    return refusal.http_status_code == 400 and context["ti"].try_number > 1


class OneTimeRunOperator(DatabricksSubmitRunOperator):
    """Submits a run with an idempotency token and our hook. It does not wait for the run to end."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("databricks_conn_id", "{{ params.databricks_conn_id }}")
        # durable is not needed: the token covers the gap between the submit and storing the run id.
        super().__init__(wait_for_termination=False, deferrable=False, durable=False, **kwargs)

    def _get_hook(self, caller: str) -> IngestHook:
        return IngestHook(
            self.databricks_conn_id,
            retry_limit=self.databricks_retry_limit,
            retry_delay=self.databricks_retry_delay,
            retry_args=self.databricks_retry_args,
            caller=caller,
        )
