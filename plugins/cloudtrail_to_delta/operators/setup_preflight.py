"""The ingest's preflight within a set-up: some checks before the plan, and all of them at the end.

Both tasks use the set-up's params and each account's connection. They name only params of the set-up's form.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.errors import PreflightError
from cloudtrail_to_delta.operators.preflight import PreflightOperator
from cloudtrail_to_delta.operators.setup import ingest_params_of, reached, require_approval
from cloudtrail_to_delta.operators.sql import Result
from cloudtrail_to_delta.params.declaration import REQUIRED
from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight import PreflightReport
from cloudtrail_to_delta.preflight.clients import Clients
from cloudtrail_to_delta.preflight.findings import Finding, describe_failures
from cloudtrail_to_delta.preflight.logs import CHECK as LOGS
from cloudtrail_to_delta.preflight.report import check_targets
from cloudtrail_to_delta.preflight.targets import delta_logs_of
from cloudtrail_to_delta.records.findings import FINDINGS_KEY, Findings
from cloudtrail_to_delta.records.preflight import PreflightResult
from cloudtrail_to_delta.records.setup import Approval, Planned
from cloudtrail_to_delta.setup.databricks.access import compute_params
from cloudtrail_to_delta.setup.request import SetupRequest

# The actions that concern the tables.
_FOR_TABLES = frozenset({"role", "databricks"})
# Params that a remedy of the ingest names, and what the set-up's form has instead.
_IN_SETUP = (
    (r"\b\w+_checkpoint_path or (?=checkpoint_root\b)", ""),
    (r"\b\w+_delta_path or (?=target_root\b)", ""),
    (r"\breader_role_arn\b", "reader_role"),
    (
        r"\b([Ss])et aws_conn_id to a connection of that account\b",
        r"\1et the connection of that account in accounts to one",
    ),
)


def in_setup_words(finding: Finding) -> Finding:
    """Return the finding with a remedy that names only params of the set-up's form."""
    remedy = finding.remedy
    for pattern, words in _IN_SETUP:
        remedy = re.sub(pattern, words, remedy)
    return replace(finding, remedy=remedy)


def describe(failed: Sequence[Finding], *, what: str, then: str) -> str:
    """Return the text of an error: what failed, the consequence for the set-up, and the remedies."""
    findings = [in_setup_words(finding) for finding in failed]
    _, _, lines = describe_failures(findings).partition("\n")
    return f"{len(failed)} {what}; {then}:\n{lines}"


class SetupTargetsOperator(PreflightOperator):
    """Checks, before the plan, that the tables' folders, checkpoints and names are free or the set-up's own.

    It checks the names only if a SQL warehouse is given. It skips itself in mode `remove`, and if the actions
    include neither the role nor Databricks: then nothing uses the tables.
    """

    template_fields = (*PreflightOperator.template_fields, "request")

    def __init__(self, *, request: Any, **kwargs: Any) -> None:
        super().__init__(requests={}, aws_conn_id="", **kwargs)
        self.request = request

    def execute(self, context: Context) -> Any:
        """Check, or skip with a reason."""
        request = SetupRequest.from_dict(self.request)
        if request.mode != "apply":
            raise AirflowSkipException(f"the mode is {request.mode!r}: there is nothing to check.")
        if _FOR_TABLES.isdisjoint(request.actions):
            raise AirflowSkipException(
                "the actions include neither role nor databricks: nothing uses the tables."
            )
        return super().execute(context)

    def gather(self, context: Context) -> dict[str, Any]:
        """Return the statements about the names; none without a warehouse."""
        given = SetupRequest.from_dict(self.request).warehouse_id
        return super().gather(context) if given else {"statements": []}

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> dict[str, Any]:
        """Run the checks and print the findings. Raise PreflightError if a check failed."""
        request = SetupRequest.from_dict(self.request)
        clouds = request.clouds()
        account = request.reader_account
        report = check_targets(
            self._requests(),
            code_root=request.code_root,
            s3=clouds.aws(account, "s3"),
            connection=request.accounts[account],
            names=self.all_names(facts, results) if request.warehouse_id else None,
            warehouse=request.warehouse_id,
            delta_logs=delta_logs_of(clouds.hook(account)),
        )
        self.log.info("Findings:\n%s", report.render())
        context["ti"].xcom_push(key=FINDINGS_KEY, value=Findings(found=report.findings).to_list())
        if report.failed:
            what = "check(s) of the tables failed"
            raise PreflightError(describe(report.failed, what=what, then="nothing was planned or changed"))
        return PreflightResult(summary=report.summary_line()).to_dict()

    def _requests(self) -> dict[str, IngestRequest]:
        return dict(SetupRequest.from_dict(self.request).requests)


class SetupPreflightOperator(PreflightOperator):
    """Runs every check of the ingest that uses the set-up. It does not fail if there are no log files yet.

    Skips itself in mode `remove`, for a plan that was not approved, and without a SQL warehouse, which
    resolves the table names.
    """

    template_fields = (*PreflightOperator.template_fields, "request", "planned", "approval")

    def __init__(self, *, request: Any, planned: Any, approval: Any, **kwargs: Any) -> None:
        super().__init__(requests={}, aws_conn_id="", **kwargs)
        self.request = request
        self.planned = planned
        self.approval = approval

    def execute(self, context: Context) -> Any:
        """Check, or skip with a reason."""
        require_approval(Planned.from_dict(self.planned), Approval.from_dict(self.approval))
        request = SetupRequest.from_dict(self.request)
        if request.mode != "apply":
            raise AirflowSkipException(f"the mode is {request.mode!r}: there is nothing to check.")
        if not request.warehouse_id:
            raise AirflowSkipException("warehouse_id is not given: the ingest runs the preflight instead.")
        if request.databricks_compute == "none":
            raise AirflowSkipException(
                "databricks_compute is not given: the ingest runs the preflight instead."
            )
        if "databricks" not in request.actions:
            raise AirflowSkipException(
                "the actions do not include databricks: the ingest runs the preflight instead."
            )
        if request.assume_role:
            raise AirflowSkipException(
                "the preflight needs an AWS connection of the reader role's account, but this set-up uses "
                "assume_role: give the ingest such a connection, and it runs the preflight instead."
            )
        self.aws_conn_id = request.accounts[request.reader_account]
        return super().execute(context)

    def resume(
        self, context: Context, event: dict[str, Any], facts: dict[str, Any], results: list[Any]
    ) -> Any:
        """Continue after a deferral, on another worker."""
        request = SetupRequest.from_dict(self.request)
        self.aws_conn_id = request.accounts[request.reader_account]
        return super().resume(context, event, facts, results)

    def params_of(self, context: Context) -> Mapping[str, Any]:  # noqa: ARG002 - the set-up's own params
        """Return the ingest's defaults, updated with the resources of the set-up."""
        request, clouds = reached(self.request)
        defaults = {name: rule.default for name, rule in PARAMS.items() if rule.default is not REQUIRED}
        own = {
            "databricks_conn_id": request.databricks_conn_id,
            "ingest_principal": request.ingest_principal,
            "warehouse_id": request.warehouse_id,
            "deployment_role_arn": request.deployment_role_arn,
        }
        made = ingest_params_of(request) | compute_params(request, clouds)
        return defaults | own | made | {"aws_conn_id": self.aws_conn_id}

    def clients(self, region: str) -> Clients:  # noqa: ARG002 - the set-up's own
        """Return the clients, each for the account in which its service is used."""
        request = SetupRequest.from_dict(self.request)
        clouds = request.clouds()
        bucket, reader = request.bucket_account, request.reader_account
        return Clients(
            s3=clouds.aws(bucket, "s3"),
            iam=clouds.aws(reader, "iam"),
            kms=partial(clouds.aws, bucket, "kms"),
        )

    def idle_kinds(self, context: Context, skipped: Mapping[str, str]) -> dict[str, str]:  # noqa: ARG002 - PreflightOperator's signature
        """Return nothing: a set-up ingests nothing."""
        return {}

    def judge(self, report: PreflightReport) -> None:
        """Raise PreflightError if a check failed, except for the missing log files of a new trail."""
        failed = [finding for finding in report.failed if finding.check != LOGS]
        if failed:
            what = "check(s) of the ingest failed"
            raise PreflightError(describe(failed, what=what, then="the set-up stays in place"))

    def _requests(self) -> dict[str, IngestRequest]:
        return dict(SetupRequest.from_dict(self.request).requests)
