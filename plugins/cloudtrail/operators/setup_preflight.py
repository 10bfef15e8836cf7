"""The preflight of the ingest at the end of a set-up: with its params, and each account's own connection."""

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail.contract import PARAMS, REQUIRED
from cloudtrail.errors import PreflightError
from cloudtrail.operators.preflight import PreflightOperator
from cloudtrail.operators.setup import ingest_params_of, require_approval
from cloudtrail.preflight import PreflightReport
from cloudtrail.preflight.clients import Clients
from cloudtrail.preflight.findings import describe_failures
from cloudtrail.preflight.logs import CHECK as LOGS
from cloudtrail.request import IngestRequest
from cloudtrail.setup.databricks.access import compute_params
from cloudtrail.setup.request import SetupRequest


class SetupPreflightOperator(PreflightOperator):
    """Runs every check of the ingest that the set-up is for; that no log file is there yet is no failure.

    Skips itself in mode `remove`, for a plan that was not approved, and without a SQL warehouse, which tells
    where the table names point.
    """

    template_fields = (*PreflightOperator.template_fields, "request", "planned", "approval")

    def __init__(self, *, request: Any, planned: Any, approval: Any, **kwargs: Any) -> None:
        super().__init__(requests={}, aws_conn_id="", **kwargs)
        self.request = request
        self.planned = planned
        self.approval = approval

    def execute(self, context: Context) -> Any:
        """Check, or skip in words."""
        require_approval(self.planned, self.approval)
        request = SetupRequest(self.request)
        if request["mode"] != "apply":
            raise AirflowSkipException(f"the mode is {request['mode']!r}: there is nothing to check.")
        for needed in ("warehouse_id", "databricks_compute"):
            if request[needed] in ("", "none"):
                raise AirflowSkipException(f"{needed} is not given: the preflight is left to the ingest.")
        if "databricks" not in request["actions"]:
            raise AirflowSkipException(
                "action databricks is not chosen: the preflight is left to the ingest."
            )
        if request["assume_role"]:
            raise AirflowSkipException(
                "the preflight asks with a connection of the reader's own account, and this set-up reaches "
                "the accounts by a role: the preflight is left to the ingest, with such a connection."
            )
        self.aws_conn_id = request["accounts"][request.reader_account]
        return super().execute(context)

    def resume(
        self, context: Context, event: dict[str, Any], facts: dict[str, Any], results: list[Any]
    ) -> Any:
        """Go on after a deferral, on another worker."""
        request = SetupRequest(self.request)
        self.aws_conn_id = request["accounts"][request.reader_account]
        return super().resume(context, event, facts, results)

    def params_of(self, context: Context) -> Mapping[str, Any]:  # noqa: ARG002 - of the set-up's own params
        """The ingest's defaults, and what the set-up made."""
        request = SetupRequest(self.request)
        defaults = {name: rule.default for name, rule in PARAMS.items() if rule.default is not REQUIRED}
        own = {name: request[name] for name in ("databricks_conn_id", "warehouse_id", "deployment_role_arn")}
        made = ingest_params_of(request) | compute_params(request, request.clouds())
        return defaults | own | made | {"aws_conn_id": self.aws_conn_id}

    def clients(self, region: str) -> Clients:  # noqa: ARG002 - the set-up's own
        """Each service in the account where it is asked."""
        request = SetupRequest(self.request)
        clouds = request.clouds()
        bucket, reader = request.bucket_account, request.reader_account
        return Clients(
            s3=clouds.aws(bucket, "s3"), iam=clouds.aws(reader, "iam"), kms=clouds.aws(bucket, "kms")
        )

    def judge(self, report: PreflightReport) -> None:
        """Raise PreflightError when a check failed, but for the log files of a new trail."""
        failed = [finding for finding in report.failed if finding.check != LOGS]
        if failed:
            raise PreflightError(describe_failures(failed))

    def _requests(self) -> dict[str, IngestRequest]:
        return dict(SetupRequest(self.request).requests)
