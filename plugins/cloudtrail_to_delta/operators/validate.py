"""The validation of one kind's run: the counts that must agree, or a failed task that says which do not."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta import balance
from cloudtrail_to_delta.balance import Snapshot
from cloudtrail_to_delta.batches import CLOCK_MARGIN, Marks, Times, Written
from cloudtrail_to_delta.delta_log import TableLog, read_marks, storage_options
from cloudtrail_to_delta.errors import CountMismatchError
from cloudtrail_to_delta.operators.statements import Result, StatementsOperator, first_row
from cloudtrail_to_delta.outcome import DETAILS_KEY, Known, describe_details, known_of_rows, merge_known
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.payload import run_mark
from cloudtrail_to_delta.table_events import newest_events, table_asset

# What is told of each odd field.
DRIFT = ("field", "problem", "first_seen", "records", "example")
# How many of a table's newest asset events are read. Their order does not matter: the latest moment counts.
REMEMBERED = 10
# What is asked about the tables as they are.
OF_THE_TABLE = (balance.count_rows, balance.find_newest_file)
# What is asked about the run's batches, in this order, after the counts.
QUESTIONS = (
    balance.balance_files,
    balance.describe_run,
    balance.quarantine_reasons,
    balance.find_drift,
    balance.count_deliveries,
)
# What is asked after these of some kinds alone.
QUESTIONS_OF_KIND: dict[str, tuple[Callable[..., str], ...]] = {
    "events": (balance.find_newest_file,),
    "insights": (balance.find_new_insights, balance.find_episodes),
}


class ValidateRowsOperator(StatementsOperator):
    """Holds COUNT(*) against the Delta log, rows against the minimum, each file's records against its rows.

    It reads; it changes nothing. Both tables are read at the versions whose logs were counted, so a writer
    that goes on at the same time does not disturb it.

    Returns:
        a dict with `table`, `row_count`, `log_rows`, `quarantined` (rows of the quarantine, `removed` of
        them duplicates), `version`, and for the batches of this
        run `run_files`, `run_records`, `run_rows`, `run_quarantined` (rows of the quarantine that are not
        duplicates: records, and files that are damaged as a whole), `run_removed`, `run_accounts` (whose log
        files they were, sorted), `reasons`,
        `newest_event`, `newest_delivery`, `slowest_seconds`, `schema_drift` (a list of fields with problem,
        first_seen, records, example), `odd_fields` (how many there are), `newest_file` (when the table's
        newest log file of the last days was delivered, of whichever run; this run's when there is none),
        `new_insights` (a list of the insights whose Start is new, see `balance.find_new_insights`), `known`
        (what the table holds by this run and those before it: newest event and delivery, each region's
        newest delivery), `pending` (whether a continuous stream has not finished a batch yet), and `balanced`
        (always true: otherwise the task fails). The XCom `details` has
        hours of delivery, regions, examples of the quarantine, and insights of this run.
    """

    template_fields = (*StatementsOperator.template_fields, "requests", "run_id", "aws_conn_id")

    def __init__(
        self,
        *,
        kind: str,
        requests: Any,
        run_id: Any,
        aws_conn_id: str = "{{ params.aws_conn_id }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.requests = requests
        self.run_id = run_id
        self.aws_conn_id = aws_conn_id

    def gather(self, context: Context) -> dict[str, Any]:
        """Both Delta logs, counted once, the run's batches, and what is known; skipped when not submitted."""
        if self.run_id is None:
            raise AirflowSkipException(
                f"{self.kind}: nothing was submitted, so there is nothing to validate."
            )
        request = IngestRequest.from_dict(self.requests[self.kind])
        hook = AwsBaseHook(self.aws_conn_id, client_type="s3", region_name=request.region)
        options = storage_options(hook, request.delta_path)
        table = TableLog(request.delta_path, storage_options=options)
        quarantine = TableLog(request.quarantine_path, storage_options=options)
        run = self.databricks.get_run(int(self.run_id))
        since_ms = _began(context, run)
        continuous = context["params"]["trigger"] == "continuous"
        marks = read_marks(table, quarantine, since_ms=since_ms)
        written = self._written(run, marks, unfinished=continuous)
        rows, quarantined = table.counts(), quarantine.counts()
        earlier, unknown_since = self._earlier(request, rows.version, marks)
        return {
            "snapshot": {
                "kind": self.kind,
                "table": request.table,
                "version": rows.version,
                "rows": rows.rows,
                "quarantine_table": request.quarantine_table,
                "quarantine_version": quarantined.version,
                "quarantine_rows": quarantined.rows,
                "since_ms": since_ms,
            },
            "times": written.times,
            "newest": written.newest,
            "begun": written.begun,
            "continuous": continuous,
            "known": earlier,
            "unknown_since": unknown_since,
        }

    def next_statement(self, facts: dict[str, Any], results: list[Result]) -> str | None:
        """The next question's statement."""
        times = _times(facts, results)
        questions = self._questions(facts, times)
        if len(results) == len(questions):
            return None
        snapshot, question = Snapshot(**facts["snapshot"]), questions[len(results)]
        if question in OF_THE_TABLE:
            return question(snapshot)
        if question is balance.balance_newest:
            return question(snapshot, facts["newest"])
        if question is balance.find_known:
            return question(snapshot, facts["unknown_since"])
        more = {"begun": facts["begun"]} if question is balance.find_reloaded else {}
        return question(snapshot, times, **more)

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> dict[str, Any]:
        """Compare; raise CountMismatchError with everything that disagrees."""
        snapshot, times = Snapshot(**facts["snapshot"]), _times(facts, results)
        pending = facts["continuous"] and not times
        answers = {
            question: [balance.with_moments(row) for row in result["rows"]]
            for question, result in zip(self._questions(facts, times), results, strict=True)
        }
        counts = _integers(first_row(results[0]))
        files: dict[str, Any] = {}
        for row in answers.get(balance.balance_files, []):
            texts = {name: row[name] for name in ("example", "accounts")}
            files = _integers({name: value for name, value in row.items() if name not in texts}) | texts
        newest = next(iter(answers.get(balance.describe_run, [])), {})
        newest_file = next((row["newest_file"] for row in answers.get(balance.find_newest_file, [])), None)
        reasons = {row["reason"]: int(row["n"]) for row in answers.get(balance.quarantine_reasons, [])}
        drift = answers.get(balance.find_drift, [])
        minimum_rows = int(context["params"]["minimum_rows"]) if self.kind == "events" else 0
        problems = balance.find_mismatches(
            snapshot,
            row_count=counts["row_count"],
            quarantined=counts["quarantined"],
            balance=files | _integers(next(iter(answers.get(balance.find_reloaded, [])), {})),
            # A stream that has just begun has not failed to read anything.
            minimum_rows=0 if pending else minimum_rows,
        )
        if problems:
            raise CountMismatchError(
                "The counts do not agree; nothing was changed:\n" + "\n".join(f"  - {p}" for p in problems)
            )
        deliveries = answers.get(balance.count_deliveries, [])
        found = [newest, *deliveries, *answers.get(balance.find_known, [])]
        outcome = {
            "kind": self.kind,
            "table": snapshot.table,
            "delta_path": self.requests[self.kind]["delta_path"],
            "version": snapshot.version,
            "row_count": counts["row_count"],
            "log_rows": snapshot.rows,
            "quarantined": counts["quarantined"],
            "removed": counts["removed"],
            "run_files": files.get("files", 0),
            "run_records": files.get("records", 0),
            "run_rows": files.get("kept", 0),
            "run_quarantined": sum(n for reason, n in reasons.items() if reason != "duplicate"),
            "run_removed": files.get("removed", 0),
            "run_accounts": (files.get("accounts") or "").split(),
            "reasons": reasons,
            "newest_event": newest.get("newest_event"),
            "newest_delivery": newest.get("newest_delivery"),
            "newest_file": newest_file or newest.get("newest_delivery"),
            "slowest_seconds": int(newest["slowest_seconds"]) if newest.get("slowest_seconds") else None,
            "odd_fields": int(drift[0]["fields"] or 0) if drift else 0,
            "schema_drift": [{name: row[name] for name in DRIFT} for row in drift],
            "new_insights": answers.get(balance.find_new_insights, []),
            "known": merge_known(facts["known"], known_of_rows(found)),
            "pending": pending,
            "balanced": True,
        }
        self.log.info("%s", outcome)
        if pending:
            self.log.warning(
                "The continuous stream has not finished a batch yet: of its records nothing is proven. Clear "
                "this task later to check what it has written until then."
            )
        if times:
            details = describe_details(
                answers[balance.quarantine_reasons], deliveries, answers.get(balance.find_episodes, [])
            )
            context["ti"].xcom_push(key=DETAILS_KEY, value=details)
        return outcome

    def _questions(self, facts: dict[str, Any], times: Times) -> list[Callable[..., str]]:
        """What is asked, in this order."""
        questions: list[Callable[..., str]] = [balance.count_rows]
        questions += [balance.balance_newest] if facts["newest"] else []
        if times:
            questions += QUESTIONS + QUESTIONS_OF_KIND.get(self.kind, ())
            questions += [balance.find_reloaded] if facts["begun"] else []
        elif self.kind == "events":
            questions.append(balance.find_newest_file)
        if facts["unknown_since"] is not None:
            questions.append(balance.find_known)
        return questions

    def _earlier(self, request: IngestRequest, version: int, marks: Marks) -> tuple[Known, int | None]:
        """What earlier runs have said of the table, and since when (µs) the table itself has to be asked.

        A run whose report failed has said nothing. Of a table that nobody has said anything of, all is
        unknown (0).
        """
        asset = table_asset(request.table, request.delta_path)
        # What was found at a later version was found in a table that has been made anew since.
        events = [
            event
            for event in newest_events(asset, limit=REMEMBERED)
            if isinstance(at := (event.extra or {}).get("version"), int) and at <= version
        ]
        known = merge_known(*(event.extra for event in events))
        if not events:
            return known, 0
        said = int((events[0].timestamp - CLOCK_MARGIN).timestamp()) * 1_000_000
        return known, said if any(mark.ingested_at >= said for mark in marks.table) else None

    def _written(self, run: dict[str, Any], marks: Marks, *, unfinished: bool) -> Written:
        """What the run has written: by the marks of its commits, or, said aloud, by the clock."""
        mark = run_mark(run)
        if mark and marks.complete:
            return marks.of_run(mark, unfinished=unfinished)
        why = (
            "the Delta logs no longer have the commits from when it began"
            if mark
            else "it was submitted by an earlier release, whose commits do not say which run wrote them"
        )
        begin, end = int(run["start_time"]), int(run.get("end_time") or time.time() * 1000)
        self.log.warning(
            "The batches of Databricks run %s are identified by time, from %d minutes before its start to %d "
            "minutes after its end, because %s. Batches of another run in that time may count as its own.",
            self.run_id,
            CLOCK_MARGIN.seconds // 60,
            CLOCK_MARGIN.seconds // 60,
            why,
        )
        return marks.between(begin, end, unfinished=unfinished)


def _times(facts: dict[str, Any], results: list[Result]) -> Times:
    """When the batches that are checked were read; a stream's newest is among them once it balances.

    Until then it may be between its two commits, and is left for the next look.
    """
    times = [(first, last) for first, last in facts["times"]]
    if not facts["newest"] or len(results) < 2 or int(first_row(results[1])["unbalanced"] or 0):
        return times
    return times + [(first, last) for first, last in facts["newest"]]


def _began(context: Context, run: dict[str, Any]) -> int:
    """When the DAG run's first Databricks run may have begun, in epoch ms: a cleared DAG run has several."""
    asked = context["dag_run"].run_after
    return min(int(run["start_time"]), int(asked.timestamp() * 1000))


def _integers(row: Mapping[str, str | None]) -> dict[str, int]:
    return {name: int(value or 0) for name, value in row.items()}
