"""The validation of one kind's run: the counts that must agree, or a failed task that says which do not."""

from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail import balance
from cloudtrail.balance import Snapshot
from cloudtrail.delta_log import row_counts, storage_options
from cloudtrail.errors import CountMismatchError
from cloudtrail.operators.statements import Result, StatementsOperator, first_row
from cloudtrail.outcome import DETAILS_KEY, describe_details, known_key, merge_known
from cloudtrail.request import IngestRequest

# What is told of each odd field.
DRIFT = ("field", "problem", "first_seen", "records", "example")
# What is asked about the run's batches, in this order, after the counts and the batches themselves.
QUESTIONS = (
    balance.balance_files,
    balance.describe_run,
    balance.quarantine_reasons,
    balance.find_drift,
    balance.count_deliveries,
)
# What is asked after these of some kinds alone.
QUESTIONS_OF_KIND = {
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
        run `run_files`, `run_records`, `run_rows`, `run_quarantined`, `run_removed`, `run_accounts` (whose
        log files they were, sorted), `reasons`,
        `newest_event`, `newest_delivery`, `slowest_seconds`, `schema_drift` (a list of fields with problem,
        first_seen, records, example), `odd_fields` (how many there are), `newest_file` (when the table's
        newest log file of the last days was delivered, of whichever run; this run's when there is none),
        `new_insights` (a list of the insights whose Start is new, see `balance.find_new_insights`), `known`
        (what the table holds by this run and those before it: newest event and delivery, each region's
        newest delivery), and `balanced` (always true: otherwise the task fails). The XCom `details` has
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
        """Both Delta logs, counted once, and when the run began; a kind that was not submitted is skipped."""
        if self.run_id is None:
            raise AirflowSkipException(
                f"{self.kind}: nothing was submitted, so there is nothing to validate."
            )
        request = IngestRequest.from_dict(self.requests[self.kind])
        hook = AwsBaseHook(self.aws_conn_id, client_type="s3", region_name=request.region)
        options = storage_options(hook)
        rows = row_counts(request.delta_path, storage_options=options)
        quarantine = row_counts(request.quarantine_path, storage_options=options)
        run = self.databricks.get_run(int(self.run_id))
        continuous = context["params"]["trigger"] == "continuous"
        return {
            "snapshot": {
                "kind": self.kind,
                "table": request.table,
                "version": rows.version,
                "rows": rows.rows,
                "quarantine_table": request.quarantine_table,
                "quarantine_version": quarantine.version,
                "quarantine_rows": quarantine.rows,
                "since_ms": int(run["start_time"]),
            },
            # A continuous stream may be between its two writes: its newest batch is left for the next look.
            "unfinished_batches": 1 if continuous else 0,
        }

    def next_statement(self, facts: dict[str, Any], results: list[Result]) -> str | None:
        """Counts, the run's batches, and, when it wrote any, what is in them."""
        snapshot = Snapshot(**facts["snapshot"])
        if len(results) < 2:
            return (balance.count_rows, balance.find_batches)[len(results)](snapshot)
        batches = written_batches(facts, results)
        questions = QUESTIONS + QUESTIONS_OF_KIND.get(self.kind, ())
        if not batches and self.kind == "events" and len(results) == 2:
            return balance.find_newest_file(snapshot, batches)
        if not batches or len(results) == 2 + len(questions):
            return None
        return questions[len(results) - 2](snapshot, batches)

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> dict[str, Any]:
        """Compare; raise CountMismatchError with everything that disagrees."""
        snapshot = Snapshot(**facts["snapshot"])
        counts = _integers(first_row(results[0]))
        answers = self._answers(facts, results)
        files: dict[str, Any] = {}
        newest: dict[str, Any] = {}
        newest_file: str | None = None
        if answers:
            (row,) = answers[balance.balance_files]
            texts = {name: row[name] for name in ("example", "accounts")}
            files = _integers({name: value for name, value in row.items() if name not in texts}) | texts
            (newest,) = answers[balance.describe_run]
            # A run may have read old files alone.
            latest = answers.get(balance.find_newest_file, [])
            newest_file = latest[0]["newest_file"] if latest else None
        elif len(results) > 2:
            newest_file = first_row(results[2])["newest_file"]
        reasons = answers.get(balance.quarantine_reasons, [])
        drift = answers.get(balance.find_drift, [])
        problems = balance.find_mismatches(
            snapshot,
            row_count=counts["row_count"],
            quarantined=counts["quarantined"],
            balance=files,
            minimum_rows=int(context["params"]["minimum_rows"]) if self.kind == "events" else 0,
        )
        if problems:
            raise CountMismatchError(
                "The counts do not agree; nothing was changed:\n" + "\n".join(f"  - {p}" for p in problems)
            )
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
            "run_quarantined": files.get("quarantined", 0),
            "run_removed": files.get("removed", 0),
            "run_accounts": (files.get("accounts") or "").split(),
            "reasons": {row["reason"]: int(row["n"]) for row in reasons},
            "newest_event": newest.get("newest_event"),
            "newest_delivery": newest.get("newest_delivery"),
            "newest_file": newest_file or newest.get("newest_delivery"),
            "slowest_seconds": int(newest["slowest_seconds"]) if newest.get("slowest_seconds") else None,
            "odd_fields": int(drift[0]["fields"] or 0) if drift else 0,
            "schema_drift": [{name: row[name] for name in DRIFT} for row in drift],
            "new_insights": answers.get(balance.find_new_insights, []),
            "known": self._remember(context, snapshot.table, newest, answers),
            "balanced": True,
        }
        self.log.info("%s", outcome)
        return outcome

    def _answers(self, facts: dict[str, Any], results: list[Result]) -> dict[Any, list[dict[str, Any]]]:
        """Question → its rows; empty when the run wrote nothing, since none of these was asked then."""
        if not written_batches(facts, results):
            return {}
        asked = QUESTIONS + QUESTIONS_OF_KIND.get(self.kind, ())
        return {question: result["rows"] for question, result in zip(asked, results[2:], strict=False)}

    def _remember(
        self,
        context: Context,
        table: str,
        newest: dict[str, Any],
        answers: dict[Any, list[dict[str, Any]]],
    ) -> dict[str, Any]:
        """What is known of the table after this run; kept for the runs to come, and details for the page."""
        ti, key = context["ti"], known_key(table)
        deliveries = answers.get(balance.count_deliveries, [])
        # With the map index it is the newest one alone; without, Airflow answers with all that there are.
        before = ti.xcom_pull(task_ids=ti.task_id, key=key, map_indexes=-1, include_prior_dates=True)
        known = merge_known(before, newest, deliveries)
        ti.xcom_push(key=key, value=known)
        if answers:
            details = describe_details(
                answers[balance.quarantine_reasons], deliveries, answers.get(balance.find_episodes, [])
            )
            ti.xcom_push(key=DETAILS_KEY, value=details)
        return known


def written_batches(facts: dict[str, Any], results: list[Result]) -> list[tuple[int, int]]:
    """First and last finished batch of each stream that was written, by the second statement's answer."""
    batches = [(int(row["first_batch"]), int(row["last_batch"])) for row in results[1]["rows"]]
    if batches:
        first, last = batches.pop()
        last -= int(facts["unfinished_batches"])
        batches += [(first, last)] if first <= last else []
    return batches


def _integers(row: dict[str, str | None]) -> dict[str, int]:
    return {name: int(value or 0) for name, value in row.items()}
