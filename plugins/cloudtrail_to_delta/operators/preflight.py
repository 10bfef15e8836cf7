"""The preflight task: look up what the names of tables refer to, then run every check of `preflight`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.common.compat.sdk import AirflowException
from airflow.sdk import Context

from cloudtrail_to_delta.operators.sql import Result, StatementsOperator, first_row
from cloudtrail_to_delta.operators.tables import describe_statement, properties_statement, schema_statement
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight import PreflightReport, run_preflight
from cloudtrail_to_delta.preflight.catalog import Catalogs
from cloudtrail_to_delta.preflight.clients import Clients
from cloudtrail_to_delta.preflight.idle import MARGIN, Asked, newest_run, reason_to_run
from cloudtrail_to_delta.preflight.tables import Names, UnansweredError
from cloudtrail_to_delta.preflight.targets import delta_logs_of
from cloudtrail_to_delta.records.findings import FINDINGS_KEY, Findings
from cloudtrail_to_delta.records.preflight import PreflightResult
from cloudtrail_to_delta.records.table_event import TableEvent
from cloudtrail_to_delta.runs.names import own_run
from cloudtrail_to_delta.tables.assets import table_events
from cloudtrail_to_delta.tables.sql import NOT_A_TABLE, UNKNOWN_SCHEMA, UNKNOWN_TABLE
from cloudtrail_to_delta.ui.links import FindingsLink


class PreflightOperator(StatementsOperator):
    """Runs every preflight check, logs every finding, and fails if a check failed. Read-only.

    Returns:
        `records.preflight.PreflightResult`, as a dict. The XCom `findings` has all findings, even if the task
        fails; see `records.findings`.
    """

    template_fields = (*StatementsOperator.template_fields, "requests", "aws_conn_id")
    tolerates_errors = True
    operator_extra_links = (FindingsLink(),)

    def __init__(
        self, *, requests: Any, aws_conn_id: str = "{{ params.aws_conn_id }}", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.requests = requests
        self.aws_conn_id = aws_conn_id

    def gather(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - the requests are templated
        """Return the statements that look up names in the legacy metastore, each once. They only read.

        Unity Catalog's REST API answers for all other names, so no warehouse has to start.
        """
        statements: dict[str, None] = {}
        for request in self._of_the_legacy_metastore():
            if schema := request.table.rpartition(".")[0]:
                statements[schema_statement(schema)] = None
            for name in request.tables:
                statements[describe_statement(name)] = None
            for name in request.views.values():
                statements[properties_statement(name)] = None
        return {"statements": list(statements)}

    def next_statement(self, facts: dict[str, Any], results: list[Result]) -> str | None:
        """Return the statements one after another; a name that does not exist is a valid answer."""
        statements = facts["statements"]
        return statements[len(results)] if len(results) < len(statements) else None

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> dict[str, Any]:
        """Run the checks and log the findings; raise PreflightError if a check failed."""
        requests = self._requests()
        region = next(iter(requests.values())).region
        hook = AwsBaseHook(self.aws_conn_id, client_type="s3", region_name=region)
        report = run_preflight(
            requests,
            self.params_of(context),
            aws=self.clients(region),
            names=self.all_names(facts, results),
            delta_logs=delta_logs_of(hook),
            databricks=self.databricks,
            own_run=own_run(context),
        )
        self.log.info("Preflight findings:\n%s", report.render())
        context["ti"].xcom_push(key=FINDINGS_KEY, value=Findings(found=report.findings).to_list())
        self.judge(report)
        left = PreflightResult(
            summary=report.summary_line(),
            skipped_kinds=report.skipped_kinds,
            idle_kinds=self.idle_kinds(context, report.skipped_kinds),
        )
        return left.to_dict()

    def idle_kinds(self, context: Context, skipped: Mapping[str, str]) -> dict[str, str]:
        """Return kind → sentence for each kind that has nothing new, so that nothing has to start for it."""
        if context["params"]["preflight_only"]:
            return {}
        asked, idle = Asked(params=context["params"], now=datetime.now(UTC)), {}
        for kind, request in self._requests().items():
            if kind in skipped:
                continue
            last = newest_run(event for _, event in table_events(request.table, request.delta_path))
            why = self._reason_to_run(request, last, asked)
            self.log.info("%s: %s", kind, f"ingests, because {why}" if why else "nothing is new")
            if last and last.began_at and not why:
                since = f"{last.began_at - MARGIN:%Y-%m-%d %H:%M} UTC"
                idle[kind] = f"No log file of {kind} was written since {since}, so nothing was started."
        return idle

    def _reason_to_run(self, request: IngestRequest, last: TableEvent | None, asked: Asked) -> str:
        """Return why a kind must be ingested; empty if it is idle. What cannot be known is a reason."""
        s3 = AwsBaseHook(self.aws_conn_id, client_type="s3", region_name=request.region).get_conn()
        try:
            return reason_to_run(s3, request, last, asked)
        except Exception as error:
            self.log.warning("Cannot know whether %s has nothing new", request.kind, exc_info=True)
            return f"it is not known whether something is new ({error})"

    def all_names(self, facts: dict[str, Any], results: list[Result]) -> Names:
        """Return what the names refer to, by the REST API or by the answers to the statements."""
        answered = self.names(facts, results) if facts["statements"] else None
        return Catalogs(self.databricks).names(answered)

    def _of_the_legacy_metastore(self) -> list[IngestRequest]:
        """Return the requests whose tables only the warehouse knows; none if Databricks does not answer."""
        catalogs = Catalogs(self.databricks)
        try:
            return [one for one in self._requests().values() if catalogs.is_legacy(one.table)]
        except AirflowException as refused:
            self.log.warning("The workspace's default catalog is not known: %s", refused)
            return []

    def names(self, facts: dict[str, Any], results: list[Result]) -> Names:
        """Return what the names refer to, according to the answers to the statements."""
        answers = dict(zip(facts["statements"], results, strict=True))
        return Names(
            location=lambda name: table_location(name, answers[describe_statement(name)]),
            properties=lambda name: table_properties(name, answers[properties_statement(name)]),
            has_schema=lambda name: has_schema(name, answers[schema_statement(name)]),
        )

    def params_of(self, context: Context) -> Mapping[str, Any]:
        """Return the ingest's params."""
        params: Mapping[str, Any] = context["params"]
        return params

    def clients(self, region: str) -> Clients:
        """Return the AWS clients of the checks."""
        return Clients.connect(self.aws_conn_id, region)

    def judge(self, report: PreflightReport) -> None:
        """Raise PreflightError when a check failed."""
        report.raise_if_failed()

    def _requests(self) -> dict[str, IngestRequest]:
        return {kind: IngestRequest.from_dict(request) for kind, request in self.requests.items()}


def table_location(name: str, answer: Result) -> str | None:
    """Return a table's path from the answer to DESCRIBE DETAIL; empty for a view, None for a free name.

    Raises:
        UnansweredError: if Databricks could not answer.
    """
    if NOT_A_TABLE in answer.get("error", ""):
        return ""
    return first_row(answer)["location"] if _is_there(f"table {name!r}", answer) else None


def table_properties(name: str, answer: Result) -> dict[str, str] | None:
    """Return the properties of a table or view from the answer to SHOW TBLPROPERTIES; None for a free name.

    Raises:
        UnansweredError: if Databricks could not answer.
    """
    if not _is_there(f"view {name!r}", answer):
        return None
    return {row["key"]: row["value"] for row in answer["rows"]}


def has_schema(name: str, answer: Result) -> bool:
    """Return whether a schema exists, from the answer to DESCRIBE SCHEMA.

    Raises:
        UnansweredError: if Databricks could not answer.
    """
    return _is_there(f"schema {name!r}", answer)


def _is_there(what: str, answer: Result) -> bool:
    error = answer.get("error")
    if error is not None and not any(known in error for known in (*UNKNOWN_TABLE, *UNKNOWN_SCHEMA)):
        raise UnansweredError(what, error)
    return error is None
