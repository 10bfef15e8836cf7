"""Triggers an ingest that reads missing log files again."""

from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.alerts.context import params_of
from cloudtrail_to_delta.params.completeness import OWN
from cloudtrail_to_delta.params.ingest import MOST_DAYS
from cloudtrail_to_delta.records.completeness import Completeness

MISSING = "missing"


class ReadAgainOperator(TriggerDagRunOperator):
    """Triggers one run of the ingest with `read_again`: the delivery days with missing log files.

    It does nothing unless the param `read_missing` is set and log files are missing. A retried or cleared
    task triggers no second run. It does not wait for the run: the next check finds whether the gaps are
    closed. It fails if the ingest's DAG is paused.

    Args:
        found: the return value of `reconcile`.
        shares_params: whether the ingest gets the params of this run. An account's DAG has its own.
    """

    template_fields = (*TriggerDagRunOperator.template_fields, "found")

    def __init__(self, *, found: Any, shares_params: bool, **kwargs: Any) -> None:
        super().__init__(
            trigger_run_id="read_again__{{ run_id }}",
            skip_when_already_exists=True,
            fail_when_dag_is_paused=True,
            **kwargs,
        )
        self.found = found
        self.shares_params = shares_params

    def execute(self, context: Context) -> None:
        """Trigger the run, or skip with the reason."""
        days = missing_days([Completeness.from_dict(one) for one in self.found])
        if not days:
            raise AirflowSkipException("No log file is missing, so there is nothing to read again.")
        params = params_of(context)
        if not params["read_missing"]:
            raise AirflowSkipException(
                f"Log files of {', '.join(days)} are missing. To read them again, trigger this DAG with "
                "read_missing, or the ingest with read_again."
            )
        shared = {name: value for name, value in params.items() if name not in OWN}
        self.conf = (shared if self.shares_params else {}) | {"read_again": days}
        self.log.info("Triggering %s to read %s again", self.trigger_dag_id, ", ".join(days))
        super().execute(context)


def missing_days(found: list[Completeness]) -> list[str]:
    """Return the delivery days on which log files are missing, the newest 366 of them, in order."""
    return sorted({gap.day for one in found for gap in one.gaps if gap.state == MISSING})[-MOST_DAYS:]
