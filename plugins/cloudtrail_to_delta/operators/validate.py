"""Validate one kind's run: fail the task, and say which counts differ, if counts that must agree do not."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.errors import (
    CloudTrailError,
    CountMismatchError,
    DatabricksRunError,
    IncompleteError,
)
from cloudtrail_to_delta.hooks.databricks import describe_gone
from cloudtrail_to_delta.operators.sql import Result, StatementsOperator, first_row
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.idle import asked_of, newest_run
from cloudtrail_to_delta.records.details import DETAILS_KEY, Details
from cloudtrail_to_delta.records.fields import Fields, moment, to_json, utc_text
from cloudtrail_to_delta.records.outcome import Drift, Insight, Known, Outcome, describe_missing, merge_known
from cloudtrail_to_delta.records.preflight import PreflightResult
from cloudtrail_to_delta.records.table_event import TableEvent
from cloudtrail_to_delta.records.validated import Validated, newest_validated
from cloudtrail_to_delta.runs.payload import run_mark
from cloudtrail_to_delta.tables import balance
from cloudtrail_to_delta.tables.assets import table_events
from cloudtrail_to_delta.tables.balance import Snapshot
from cloudtrail_to_delta.tables.batches import CLOCK_MARGIN, Marks, Times, Written
from cloudtrail_to_delta.tables.changes import Change
from cloudtrail_to_delta.tables.delta_log import TableLog, read_history, storage_options
from cloudtrail_to_delta.tables.mismatch import Mismatch, find_mismatch
from cloudtrail_to_delta.tables.open_commits import OpenCommits, Tables, open_commits

UNFINISHED = (
    "the newest micro-batch is of another run and does not balance yet: that run may be between its two "
    "commits, or it was killed. A later validation checks it again"
)
# The name of the statement of everything that is asked together.
TOGETHER = "together"
# The results so far, by the names of `statements_of` and `queries_of`.
Answers = Mapping[str, Result]


class ValidateRowsOperator(StatementsOperator):
    """Compares COUNT(*) with the Delta log, rows with the minimum, and each file's records with its rows.

    It only reads. It reads both tables at the versions whose logs were counted, so that a writer that
    continues at the same time does not affect the result.

    It checks the log files of every batch since the last validation that succeeded, of any run, and every
    commit that the job did not make. So a mismatch stays until its log files balance or somebody accepts it
    (`accept_mismatch`), and a run that died before its validation is validated by the next one.

    Returns:
        `records.outcome.Outcome`, as a dict. The XCom `details` has `records.details.Details`.
    """

    template_fields = (*StatementsOperator.template_fields, "requests", "run_id", "preflight", "aws_conn_id")

    def __init__(
        self,
        *,
        kind: str,
        requests: Any,
        run_id: Any,
        preflight: Any,
        aws_conn_id: str = "{{ params.aws_conn_id }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.requests = requests
        self.run_id = run_id
        self.preflight = preflight
        self.aws_conn_id = aws_conn_id
        self._asks_for = ""

    def execute(self, context: Context) -> Any:
        """Return what the last run has found if preflight found nothing new; otherwise validate this run."""
        # A run that only tests alerts has no preflight.
        if self.run_id is None and self.preflight is not None:
            why = PreflightResult.from_dict(self.preflight).idle_kinds.get(self.kind)
            if why:
                return self._idle(why)
        return super().execute(context)

    def gather(self, context: Context) -> dict[str, Any]:
        """Count both Delta logs, find the run's micro-batches, and read what earlier runs found.

        Skips the task if no run was submitted.
        """
        if self.run_id is None:
            raise AirflowSkipException(
                f"No Databricks run was submitted for {self.kind}, so there is nothing to validate."
            )
        request = IngestRequest.from_dict(self.requests[self.kind])
        run = self.databricks.find_run(int(self.run_id))
        if run is None:
            raise DatabricksRunError(describe_gone(int(self.run_id)))
        hook = AwsBaseHook(self.aws_conn_id, client_type="s3", region_name=request.region)
        options = storage_options(hook, request.delta_path)
        table = TableLog(request.delta_path, storage_options=options)
        quarantine = TableLog(request.quarantine_path, storage_options=options)
        since_ms = _began(context, run)
        rows, quarantined = table.counts(), quarantine.counts()
        events = self._events(request, rows.version)
        ids = {"table_id": table.table_id, "quarantine_id": quarantine.table_id}
        validated = newest_validated((said.validated for _, said in events), **ids)
        after = (validated.version, validated.quarantine_version) if validated else (None, None)
        history = read_history(table, quarantine, since_ms=since_ms, after=after)
        continuous = context["params"]["trigger"] == "continuous"
        written = self._written(run, history.marks, unfinished=continuous)
        found = open_commits(
            history,
            Tables(
                table=request.table,
                quarantine=request.quarantine_table,
                version=rows.version,
                quarantine_version=quarantined.version,
                **ids,
            ),
            validated,
            run=run_mark(run),
            unfinished=continuous,
        )
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
            "build": to_json(written.build),
            "continuous": continuous,
            "began_at": _utc(int(run["start_time"])),
            "asked": asked_of(context["params"]),
            "databricks_seconds": _seconds_of(run),
            "known": to_json(merge_known(said.known for _, said in events)),
            "unknown_since": _unknown_since(events, history.marks),
            **open_facts(found, run_times=written.times),
        }

    def next_statement(self, facts: dict[str, Any], results: list[Result]) -> str | None:
        """Return the first statement that has no result yet."""
        statements = statements_of(facts, answers_of(facts, results))
        self._asks_for, statement = next(iter(list(statements.items())[len(results) :]), ("", None))
        return statement

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> dict[str, Any]:
        """Compare the counts; raise CountMismatchError with every count that differs."""
        answers = answers_of(facts, results)
        is_read = bool(_times(facts, answers))
        pending = facts["continuous"] and not is_read
        # A stream that has just started has no rows yet, and that is not a failure.
        minimum_rows = 0 if pending or self.kind != "events" else int(context["params"]["minimum_rows"])
        accepted = judge(
            find_miscounts(facts, answers, minimum_rows=minimum_rows),
            mismatch_of(facts, answers),
            str(context["params"].get("accept_mismatch") or ""),
        )
        remarks = [*facts["remarks"], *accepted]
        if not facts["continuous"] and "newest_batches" in answers and not _newest_balances(answers):
            remarks.append(UNFINISHED)
        for remark in remarks:
            self.log.warning("%s", remark)
        outcome = outcome_of(
            facts,
            answers,
            delta_path=self.requests[self.kind]["delta_path"],
            pending=pending,
            remarks=remarks,
        ).to_dict()
        self.log.info("%s", outcome)
        if missing := facts["build"]["missing"]:
            self.log.warning("%s", describe_missing(missing))
        if pending:
            self.log.warning(
                "The continuous stream has not finished a micro-batch yet, so none of its records are "
                "validated. Clear this task later to validate what it has written by then."
            )
        if is_read:
            details = Details.of_answers(
                reasons=_rows(answers, "reasons"),
                deliveries=_rows(answers, "files")[1:],
                episodes=_rows(answers, "episodes"),
            )
            context["ti"].xcom_push(key=DETAILS_KEY, value=details.to_dict())
        return outcome

    def resume(
        self, context: Context, event: dict[str, Any], facts: dict[str, Any], results: list[Result]
    ) -> Any:
        """Take the result of the deferred statement, which another worker asked for, and continue."""
        self.next_statement(facts, results)
        return super().resume(context, event, facts, results)

    def _result(self, answer: dict[str, Any]) -> Result:
        """Return the result of a statement; of `compare`, also an error: the versions may be gone."""
        if answer["status"]["state"] == "FAILED" and self._asks_for == "compare":
            self.log.warning("The log files before the change cannot be compared: %s", answer["status"])
            return {"rows": []}
        return super()._result(answer)

    def _events(self, request: IngestRequest, version: int) -> list[tuple[datetime, TableEvent]]:
        """Return what earlier runs reported about the table, newest first.

        Events of a later version are ignored: the table has been recreated since.
        """
        return [
            (at, said)
            for at, said in table_events(request.table, request.delta_path)
            if said.version is not None and said.version <= version
        ]

    def _idle(self, why: str) -> dict[str, Any]:
        """Return the outcome of a run with nothing new: nothing was written since the last validation."""
        request = IngestRequest.from_dict(self.requests[self.kind])
        last = newest_run(event for _, event in table_events(request.table, request.delta_path))
        if last is None:
            raise CloudTrailError(
                f"Preflight found an asset event of {request.table!r}, but now there is none. Clear "
                "preflight with its downstream tasks."
            )
        self.log.info("%s", why)
        return last.idle_outcome(table=request.table, delta_path=request.delta_path, why=why).to_dict()

    def _written(self, run: dict[str, Any], marks: Marks, *, unfinished: bool) -> Written:
        """Find what the run has written by the marks of its commits, or else by time, with a warning."""
        mark = run_mark(run)
        if mark and marks.complete:
            return marks.of_run(mark, unfinished=unfinished)
        why = (
            "the Delta logs no longer have the commits from its start"
            if mark
            else "it was submitted by an earlier release, whose commits do not say which run wrote them"
        )
        begin, end = int(run["start_time"]), int(run.get("end_time") or time.time() * 1000)
        self.log.warning(
            "The micro-batches of Databricks run %s are identified by time, from %d minutes before its start "
            "to %d minutes after its end, because %s. Micro-batches of other runs in that time may be "
            "counted too.",
            self.run_id,
            CLOCK_MARGIN.seconds // 60,
            CLOCK_MARGIN.seconds // 60,
            why,
        )
        return marks.between(begin, end, unfinished=unfinished)


def statements_of(facts: Mapping[str, Any], answers: Answers) -> dict[str, str]:
    """Return name → statement, in the order in which they run; later ones depend on the answers so far.

    One statement asks for everything: a warehouse is paid for the time that each takes, and that is hardly
    more for all of it than for a part. Two may come besides: what the others depend on, and what may fail.
    """
    snapshot = Snapshot(**facts["snapshot"])
    found = {}
    if newest := [*facts["newest"], *(one for one in facts["open_newest"] if one not in facts["newest"])]:
        found["newest_batches"] = balance.balance_newest(snapshot, newest)
    found[TOGETHER] = balance.ask_together(queries_of(facts, answers))
    if facts["before"]:
        before = [(table, version) for table, version in facts["before"]]
        found["compare"] = balance.compare_files(snapshot, before)
    return found


def queries_of(facts: Mapping[str, Any], answers: Answers) -> dict[str, str]:
    """Return name → query of everything that is asked together."""
    snapshot, kind = Snapshot(**facts["snapshot"]), facts["snapshot"]["kind"]
    found = {"counts": balance.count_rows(snapshot)}
    if times := _times(facts, answers):
        found |= {
            "files": balance.describe_files(snapshot, times),
            "run": balance.describe_run(snapshot, times),
            "reasons": balance.quarantine_reasons(snapshot, times),
            "drift": balance.find_drift(snapshot, times),
        }
    if open_times := _open_times(facts, answers):
        if open_times != times:
            found["open_files"] = balance.balance_files(snapshot, open_times)
        if facts["begun"]:
            found["reloaded"] = balance.find_reloaded(snapshot, open_times, begun=facts["begun"])
    if kind == "events":
        found["newest_file"] = balance.find_newest_file(snapshot)
    if kind == "insights" and times:
        found["new_insights"] = balance.find_new_insights(snapshot, times)
        found["episodes"] = balance.find_episodes(snapshot, times)
    if facts["unknown_since"] is not None:
        found["known"] = balance.find_known(snapshot, facts["unknown_since"])
    return found


def answers_of(facts: Mapping[str, Any], results: Sequence[Result]) -> dict[str, Result]:
    """Return the results by the names of their statements, or of their queries if asked together."""
    answers: dict[str, Result] = {}
    for place, result in enumerate(results):
        name = list(statements_of(facts, answers))[place]
        if name == TOGETHER:
            answers |= {query: {"rows": rows} for query, rows in balance.split_answer(result["rows"]).items()}
        else:
            answers[name] = result
    return answers


def open_facts(found: OpenCommits, *, run_times: Times) -> dict[str, Any]:
    """Return what to check besides the run's batches, as JSON."""
    return {
        "open_times": [*run_times, *(times for times in found.times if times not in run_times)],
        "open_newest": found.newest,
        "begun": found.begun,
        "changes": [vars(change) for change in found.changes],
        "before": found.before,
        "reached": to_json(found.reached),
        "reached_with_newest": to_json(found.reached_with_newest),
        "remarks": found.remarks,
    }


def find_miscounts(facts: Mapping[str, Any], answers: Answers, *, minimum_rows: int) -> list[str]:
    """Return a sentence for each count of all rows that differs."""
    counts = _integers(first_row(answers["counts"]))
    return balance.find_miscounts(
        Snapshot(**facts["snapshot"]),
        row_count=counts["row_count"],
        quarantined=counts["quarantined"],
        minimum_rows=minimum_rows,
    )


def mismatch_of(facts: Mapping[str, Any], answers: Answers) -> Mismatch | None:
    """Return what is wrong with the log files since the last validation that succeeded."""
    return find_mismatch(
        facts["snapshot"]["table"],
        _balance(answers, "open_files" if "open_files" in answers else "files")
        | _integers(_row(answers, "reloaded")),
        [Change(**one) for one in facts["changes"]],
        _row(answers, "compare"),
    )


def judge(miscounts: Sequence[str], mismatch: Mismatch | None, accepted: str) -> list[str]:
    """Raise if counts differ, unless a person has accepted exactly this mismatch; return what was accepted.

    Raises:
        IncompleteError: log files do not balance, or somebody else changed rows.
        CountMismatchError: only counts of all rows differ.
    """
    is_accepted = mismatch is not None and accepted == mismatch.code
    problems = [*miscounts, *(mismatch.problems if mismatch and not is_accepted else ())]
    if not problems:
        return [f"accepted by accept_mismatch={accepted}: {mismatch.summary}"] if mismatch else []
    text = "The counts do not agree; nothing was changed:\n" + "\n".join(f"  - {p}" for p in problems)
    if mismatch is None or is_accepted:
        raise CountMismatchError(text)
    raise IncompleteError(
        f"{text}\nEach later run checks this again. To accept exactly this, trigger a run with "
        f"accept_mismatch={mismatch.code}",
        summary=f"{mismatch.summary} (accept_mismatch={mismatch.code})",
    )


def outcome_of(
    facts: Mapping[str, Any],
    answers: Answers,
    *,
    delta_path: str,
    pending: bool,
    remarks: Sequence[str] = (),
) -> Outcome:
    """Return what the run found, once the counts agree."""
    snapshot = Snapshot(**facts["snapshot"])
    counts, files, run = _integers(first_row(answers["counts"])), _balance(answers), _row(answers, "run")
    reasons = {row["reason"]: int(row["n"]) for row in _rows(answers, "reasons")}
    drift = _rows(answers, "drift")
    found = [run, *_rows(answers, "files")[1:], *_rows(answers, "known")]
    newest_delivery = Fields(run).moment("newest_delivery")
    return Outcome(
        kind=snapshot.kind,
        table=snapshot.table,
        delta_path=delta_path,
        version=snapshot.version,
        row_count=counts["row_count"],
        log_rows=snapshot.rows,
        quarantined=counts["quarantined"],
        removed=counts["removed"],
        deleted=counts["deleted"],
        run_files=files.get("files", 0),
        run_records=files.get("records", 0),
        run_rows=files.get("kept", 0),
        run_quarantined=sum(n for reason, n in reasons.items() if reason != "duplicate"),
        run_removed=files.get("removed", 0),
        run_accounts=tuple((files.get("accounts") or "").split()),
        reasons=reasons,
        newest_event=Fields(run).moment("newest_event"),
        newest_delivery=newest_delivery,
        newest_file=Fields(_row(answers, "newest_file")).moment("newest_file") or newest_delivery,
        # S3 and the cluster have different clocks.
        slowest_seconds=max(0, int(run["slowest_seconds"])) if run.get("slowest_seconds") else None,
        odd_fields=int(drift[0]["fields"] or 0) if drift else 0,
        schema_drift=tuple(Drift.read_fields(Fields(row)) for row in drift),
        new_insights=tuple(Insight.read_fields(Fields(row)) for row in _rows(answers, "new_insights")),
        known=merge_known([Known.read_fields(Fields(facts["known"])), *map(Known.of_row, found)]),
        job_version=facts["build"]["version"],
        accelerators=tuple(facts["build"]["accelerators"]),
        missing_accelerators=tuple(facts["build"]["missing"]),
        pending=pending,
        validated=Validated.read_fields(
            Fields(facts["reached_with_newest" if _newest_balances(answers) else "reached"])
        ),
        remarks=remarks,
        began_at=moment(facts["began_at"]),
        asked=facts["asked"],
        # A task that an earlier release deferred has none.
        databricks_seconds=facts.get("databricks_seconds"),
    )


def _balance(answers: Answers, name: str = "files") -> dict[str, Any]:
    """Return the balance of all files, its figures as integers; empty without new micro-batches."""
    row = _row(answers, name)
    texts = {name: row[name] for name in ("names", "accounts") if name in row}
    return _integers({name: row[name] for name in balance.FIGURES if name in row}) | texts


def _rows(answers: Answers, name: str) -> list[dict[str, Any]]:
    """Return the rows of an answer, with moments as UTC text; none if the statement did not run."""
    return [balance.with_moments(row) for row in answers[name]["rows"]] if name in answers else []


def _row(answers: Answers, name: str) -> dict[str, Any]:
    """Return the first row of an answer; empty if there is none."""
    return next(iter(_rows(answers, name)), {})


def _times(facts: Mapping[str, Any], answers: Answers) -> Times:
    """Return when the micro-batches to check were read.

    A stream's newest micro-batch is included once it balances. Before that it may be between its two commits,
    and a later validation checks it.
    """
    times = [(first, last) for first, last in facts["times"]]
    return times + [(first, last) for first, last in facts["newest"]] if _newest_balances(answers) else times


def _open_times(facts: Mapping[str, Any], answers: Answers) -> Times:
    """Return when the micro-batches since the last validation that succeeded were read, and this run's."""
    times = [(first, last) for first, last in facts["open_times"]]
    newest = [(first, last) for first, last in (*facts["newest"], *facts["open_newest"])]
    return list(dict.fromkeys(times + newest)) if _newest_balances(answers) else times


def _newest_balances(answers: Answers) -> bool:
    newest = answers.get("newest_batches")
    return newest is not None and not int(first_row(newest)["unbalanced"] or 0)


def _unknown_since(events: Sequence[tuple[datetime, TableEvent]], marks: Marks) -> int | None:
    """Return since when (µs) the table must be queried for what no run reported; 0 for all of it."""
    if not events:
        return 0
    since = int((events[0][0] - CLOCK_MARGIN).timestamp()) * 1_000_000
    return since if any(mark.ingested_at >= since for mark in marks.table) else None


def _began(context: Context, run: dict[str, Any]) -> int:
    """Return when the DAG run's first Databricks run may have started, in epoch ms.

    A DAG run that was cleared has several Databricks runs.
    """
    asked = context["dag_run"].run_after
    return min(int(run["start_time"]), int(asked.timestamp() * 1000))


def _seconds_of(run: Mapping[str, Any]) -> int | None:
    """Return how long a Databricks run took, with the start of its compute; None while it is running."""
    ended = int(run.get("end_time") or 0)
    return (ended - int(run["start_time"])) // 1000 if ended else None


def _utc(epoch_ms: int) -> str:
    """Return a moment of Databricks' clock as UTC text."""
    return utc_text(datetime.fromtimestamp(epoch_ms / 1000, UTC))


def _integers(row: Mapping[str, str | None]) -> dict[str, int]:
    return {name: int(value or 0) for name, value in row.items()}
