"""The tasks of the completeness check: compare S3 with the tables, then report and alert."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.alerts.context import params_of, task_url, teller_of
from cloudtrail_to_delta.alerts.gaps import gap_ending, gap_events
from cloudtrail_to_delta.completeness.deliveries import DeliveryListing
from cloudtrail_to_delta.completeness.held import HeldFiles
from cloudtrail_to_delta.completeness.reconciliation import GAPS, Reconciler, Reconciliation, due_days
from cloudtrail_to_delta.completeness.report import render
from cloudtrail_to_delta.completeness.signed import questions_of, signatures_of
from cloudtrail_to_delta.dag_ids import ingest_of
from cloudtrail_to_delta.errors import CloudTrailError, InvalidRequestError
from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.operators.sql import Result, StatementsOperator
from cloudtrail_to_delta.operators.tables import is_unknown
from cloudtrail_to_delta.params.completeness import OWN
from cloudtrail_to_delta.params.declaration import check_params
from cloudtrail_to_delta.params.request import IngestRequest, resolve_requests
from cloudtrail_to_delta.preflight.clients import Clients
from cloudtrail_to_delta.records.completeness import (
    COMPLETENESS_KEY,
    GAPS_KEPT,
    Completeness,
    Gap,
    Signatures,
)
from cloudtrail_to_delta.records.notes import ALERTS_KEY
from cloudtrail_to_delta.records.record import read
from cloudtrail_to_delta.runs.metrics import send_completeness_metrics
from cloudtrail_to_delta.runs.names import works_on
from cloudtrail_to_delta.tables.assets import COMPLETENESS, completeness_asset, newest_events, table_events
from cloudtrail_to_delta.tables.delta_log import storage_options

TITLE = "CloudTrail completeness"


class ReconcileOperator(BaseOperator):
    """Compares what S3 lists with what the tables hold, for every kind. It only reads, and needs no cluster.

    It compares the recent days, the older days whose turn it is, and the days with a gap that the last run
    found. See `cloudtrail_to_delta.completeness.reconciliation`.

    Returns:
        `records.completeness.Completeness` of each kind, as dicts.
    """

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Compare the lists of each kind."""
        params, now = params_of(context), datetime.now(UTC)
        requests, own = resolve(params)
        found = [self._compare(request, params, own, now) for request in requests.values()]
        return [one.to_dict() for one in found]

    def _compare(
        self, request: IngestRequest, params: Mapping[str, Any], own: Mapping[str, Any], now: datetime
    ) -> Completeness:
        hook = AwsBaseHook(params["aws_conn_id"], client_type="s3", region_name=request.region)
        options = storage_options(hook, request.delta_path)
        clients = Clients.connect(params["aws_conn_id"], request.region)
        reconciler = Reconciler(
            logs=request.logs,
            listing=DeliveryListing(clients.s3, request.logs, budget=own["list_requests"]),
            open_tables=lambda: HeldFiles(request.delta_path, storage_options=options),
            pending_since=now - timedelta(hours=own["pending_hours"]),
        )
        days = due_days(
            now.date(),
            recent=own["recent_days"],
            cycle=own["cycle_days"],
            first=_day(params.get("from")),
            last=_day(params.get("until")),
            again=open_days(request),
        )
        result = completeness_of(request, reconciler.reconcile(days), now)
        self.log.info("%s", render([result]))
        for gap in result.gaps:
            self.log.warning("%s in %s: %d log file(s): %s", gap.state, gap.where, gap.files, list(gap.names))
        return result


class StreamCheckOperator(BaseOperator):
    """Fails, and so alerts, if a continuous stream no longer runs.

    The DAG run that has started a stream is long over when the stream ends, and no schedule starts another
    one. A kind counts once its table has been validated: before, no stream was started. Skipped unless param
    `trigger` is `continuous`.
    """

    def execute(self, context: Context) -> None:
        """Look for an active Databricks run on the checkpoint of each kind."""
        params = params_of(context)
        if params["trigger"] != "continuous":
            raise AirflowSkipException("Param `trigger` is not continuous: every run of the ingest ends.")
        requests, _ = resolve(params)
        begun = [one for one in requests.values() if table_events(one.table, one.delta_path)]
        hook = IngestHook(params["databricks_conn_id"], caller=type(self).__name__)
        names = [run.get("run_name", "") for run in hook.active_runs()] if begun else []
        if ended := [one for one in begun if not any(works_on(name, one) for name in names)]:
            raise CloudTrailError(
                f"The continuous stream of {', '.join(repr(one.table) for one in ended)} no longer "
                f"runs. Trigger {ingest_of(context['ti'].dag_id)!r}: it starts the stream again, which reads "
                "every log file since. The driver log of the ended run in Databricks says why it ended. A "
                "stream that you canceled stays ended with `trigger: available_now`."
            )
        self.log.info("%d stream(s) run", len(begun))


class AskDigestsOperator(StatementsOperator):
    """Asks the views on verified digests which log files and hours CloudTrail's signatures prove.

    It runs one SQL statement for each kind and four about hours and digests. If the ingest does not read
    digests, it runs none, and starts no warehouse. If a view does not exist yet, nothing is verified yet.

    Returns:
        kind → `records.completeness.Signatures`, as dicts; empty without digests.
    """

    # A view that does not exist yet is a valid answer; every other error fails the task.
    tolerates_errors = True

    def gather(self, context: Context) -> dict[str, Any]:
        """Return the questions."""
        params = params_of(context)
        requests, _ = resolve(params)
        first, last = params.get("from") or "", params.get("until") or ""
        questions = questions_of(requests, first=_day(first), last=_day(last))
        return {"questions": questions, "kinds": list(requests), "days": {"first": first, "last": last}}

    def next_statement(self, facts: dict[str, Any], results: list[Result]) -> str | None:
        """Return the first question that has no answer yet; none after a view that does not exist."""
        if any("error" in result for result in results):
            return None
        return next(itertools.islice(facts["questions"].values(), len(results), None), None)

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> dict[str, Any]:  # noqa: ARG002 - StatementsOperator's signature
        """Make the records of the answers."""
        if not facts["questions"]:
            return {}
        if (error := next((result["error"] for result in results if "error" in result), None)) is not None:
            if not is_unknown({"error": error}):
                raise CloudTrailError(
                    f"SQL warehouse {self.warehouse_id!r} could not run a statement of {self.task_id!r}: "
                    f"{error}"
                )
            self.log.warning("No run of the ingest has made the views on digests yet: %s", error)
            found = {kind: Signatures() for kind in facts["kinds"]}
        else:
            answers = (result["rows"] for result in results)
            found = signatures_of(dict(zip(facts["questions"], answers, strict=True)))
        return {kind: replace(one, **facts["days"]).to_dict() for kind, one in found.items()}


class CompletenessReportOperator(BaseOperator):
    """Writes the report, sends an alert for each new gap, and ends those of gaps that are closed.

    Returns:
        the report as Markdown. Each table's asset event has its `records.completeness.Completeness`, and the
        XCom `completeness` has all of them.
    """

    template_fields = ("found", "signed")

    def __init__(self, *, found: Any, signed: Any, **kwargs: Any) -> None:
        super().__init__(outlets=[COMPLETENESS], **kwargs)
        self.found = found
        self.signed = signed

    def execute(self, context: Context) -> str:
        """Write the report, the events and the alerts."""
        signed = {kind: Signatures.from_dict(one) for kind, one in self.signed.items()}
        compared = (Completeness.from_dict(one) for one in self.found)
        found = [replace(one, signed=signed.get(one.kind)) for one in compared]
        context["ti"].xcom_push(key=COMPLETENESS_KEY, value=[one.to_dict() for one in found])
        teller = teller_of(context, title=TITLE)
        teller.tell([event for one in found for event in gap_events(one, task_url=task_url(context))])
        teller.tell_recovered(lambda record: gap_ending(record, found), task_url=task_url(context))
        context["ti"].xcom_push(key=ALERTS_KEY, value=teller.left())
        for one in found:
            asset = completeness_asset(one.table, one.delta_path)
            context["outlet_events"][COMPLETENESS].add(asset, extra=one.to_dict())
        send_completeness_metrics(found, params_of(context), dag_id=context["ti"].dag_id)
        report = render(found)
        self.log.info("%s", report)
        return report


def resolve(params: Mapping[str, Any]) -> tuple[dict[str, IngestRequest], dict[str, Any]]:
    """Return the request of each kind, and the params of the check.

    Raises:
        InvalidRequestError: with every violation of the contracts.
    """
    own, violations = check_params({name: params.get(name) for name in OWN}, OWN)
    try:
        requests = resolve_requests({name: value for name, value in params.items() if name not in OWN})
    except InvalidRequestError as error:
        raise InvalidRequestError([*violations, *error.violations]) from error
    if violations:
        raise InvalidRequestError(violations)
    return requests, own


def open_days(request: IngestRequest) -> set[date]:
    """Return the days on which the last run found gaps."""
    asset = completeness_asset(request.table, request.delta_path)
    for event in newest_events(asset, limit=1):
        if known := read(Completeness.from_dict, event.extra, f"an asset event of {asset.name}"):
            return {date.fromisoformat(gap.day) for gap in known.gaps}
    return set()


def completeness_of(request: IngestRequest, result: Reconciliation, now: datetime) -> Completeness:
    """Return the record of a comparison: the newest days' gaps first, and at most 300 of them."""
    files: Counter[str] = Counter()
    for one in result.found:
        files.update(one.files)
    gaps = [
        Gap(
            state=state,
            account=one.folder.account,
            region=one.folder.region,
            day=one.day.isoformat(),
            files=one.files[state],
            names=tuple(one.names[state]),
        )
        for one in sorted(result.found, key=lambda one: one.day, reverse=True)
        for state in GAPS
        if one.files[state]
    ]
    return Completeness(
        kind=request.kind,
        table=request.table,
        delta_path=request.delta_path,
        checked_at=now,
        files=dict(sorted(files.items())),
        days=_isoformat(result.days),
        unchecked=len(result.unchecked),
        requests=result.requests,
        gap_count=len(gaps),
        gaps=gaps[:GAPS_KEPT],
    )


def _isoformat(days: Iterable[date]) -> tuple[str, ...]:
    return tuple(day.isoformat() for day in days)


def _day(text: Any) -> date | None:
    return date.fromisoformat(text) if text else None
