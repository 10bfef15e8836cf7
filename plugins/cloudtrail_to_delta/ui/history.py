"""The runs of one table in the last days, read from Airflow's database, and their totals."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cloudtrail_to_delta.dag_ids import INGEST
from cloudtrail_to_delta.records.details import Details, Episode, Place
from cloudtrail_to_delta.records.findings import Findings
from cloudtrail_to_delta.records.outcome import Drift, Outcome
from cloudtrail_to_delta.ui import database
from cloudtrail_to_delta.ui.database import Recorded
from cloudtrail_to_delta.ui.facts import Pushed, Run, Validation
from cloudtrail_to_delta.ui.rows import Row
from cloudtrail_to_delta.ui.states import failed_tasks, is_refused, outcome_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DAYS = 7
# A run every 15 minutes for seven days, and some manual ones.
MOST_RUNS = 800
SHOWN_RUNS = 20
SHOWN_EXAMPLES = 3
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class PastRun:
    """One run with its result for this kind.

    Attributes:
        failed: the failed tasks of this kind or of all kinds. Empty if they say nothing about the table, see
            `is_refused`.
        outcome: the result of the validation. None if there is none or it is unreadable.
        page: the URL of the run in Databricks, empty without one.
    """

    run: Run
    state: str
    detail: str
    failed: Sequence[str]
    outcome: Outcome | None
    page: str


@dataclass(frozen=True, kw_only=True)
class History:
    """The content of one table's page, from the runs that were to write this table.

    Attributes:
        runs: the newest runs, newest first.
        validated: how many runs of the days shown were validated. Their results are all that is known.
        hidden: how many more were validated, but left no readable figures.
        hours: hour of delivery → log files, rows, in the days shown.
        lags: when a run validated, and how many seconds its slowest log file took, oldest first.
        failures: the times when runs failed.
        regions: region → log files, rows, in the days shown.
        accounts: the accounts of the log files, as far as known. The trail of an organization has many.
        reasons: reason → records and files quarantined in the days shown.
        examples: reason → places, newest first.
        drift: fields without a column or that do not fit it, with their records in the days shown.
        episodes: the insights, with Start and End combined. Open ones first, then the newest.
        findings: the newest run that has findings, and its findings.
        unreadable: unreadable records, as task and key, and in how many runs they occur.
        written_by: the newest outcome that says which build of the job wrote, and with which accelerators.
    """

    runs: Sequence[PastRun]
    validated: int
    hidden: int
    hours: Mapping[datetime, tuple[int, int]]
    lags: Sequence[tuple[datetime, int]]
    failures: Sequence[datetime]
    regions: Mapping[str, tuple[int, int]]
    accounts: Sequence[str]
    reasons: Mapping[str, int]
    examples: Mapping[str, Sequence[Place]]
    drift: Sequence[Drift]
    episodes: Sequence[Episode]
    findings: tuple[Run, Findings] | None
    unreadable: Mapping[str, int]
    written_by: Outcome | None


def read_history(session: "Session", row: Row, now: datetime) -> History:
    """Read the history of a row's table from the runs of its DAG."""
    since = now - timedelta(days=DAYS)
    runs = list(database.last_runs(session, row.dag.dag_id, MOST_RUNS))
    recorded = Recorded()
    database.read_recorded(session, (run.id for run in runs), recorded, [row.kind])
    database.read_pushed(session, (run.id for run in runs), recorded)
    validations = {run: found for (run, _), found in recorded.validations.items()}
    of_table = [run for run in runs if _is_of(row, run, validations.get(run.id), recorded)]
    recent, newest = [run for run in of_table if run.began >= since], of_table[:SHOWN_RUNS]
    shown = {run.id for run in (*recent, *newest)}
    database.read_extra(session, shown, row.kind, recorded)
    tasks = database.read_tasks(session, [run for run in newest if run.state != "success"])
    own = {run.id: validations[run.id] for run in of_table if run.id in validations}
    of_days = sorted((v for v in own.values() if v.at >= since), key=lambda v: v.at)
    outcomes = [v.outcome for v in of_days if v.outcome]
    details = [recorded.details[v.run] for v in of_days if v.run in recorded.details]
    unreadable = Counter(name for run in shown for name in recorded.unreadable.get(run, ()))
    return History(
        runs=[_past(row, run, own.get(run.id), recorded, tasks.get(run.id, {})) for run in newest],
        validated=len(outcomes),
        hidden=len(of_days) - len(outcomes),
        hours=_hours(details, since),
        lags=[
            (v.at, v.outcome.slowest_seconds)
            for v in of_days
            if v.outcome and v.outcome.slowest_seconds is not None
        ],
        failures=[run.ended or run.began for run in recent if run.state == "failed" and run.id not in own],
        regions=_regions(details),
        accounts=sorted({account for outcome in outcomes for account in outcome.run_accounts}),
        reasons=_reasons(outcomes),
        examples=_examples(details),
        drift=_drift(outcomes),
        episodes=merge_episodes(episode for found in details for episode in found.episodes),
        findings=next(
            ((run, recorded.findings[run.id]) for run in newest if run.id in recorded.findings), None
        ),
        unreadable=dict(unreadable.most_common()),
        written_by=next((one for one in reversed(outcomes) if one.job_version), None),
    )


def _past(
    row: Row, run: Run, validation: Validation | None, recorded: Recorded, tasks: Mapping[str, str]
) -> PastRun:
    kind = row.kind
    pushed = recorded.pushed.get(run.id, Pushed())
    state, why = outcome_in(run, kind, [kind] if validation else [], pushed, tasks)
    failed = [task for task in sorted(failed_tasks(tasks)) if "." not in task or task.startswith(f"{kind}.")]
    return PastRun(
        run=run,
        state=state,
        detail=why,
        failed=failed if state == "failed" and not is_refused(row.dag, run, tasks) else (),
        outcome=validation.outcome if validation else None,
        page=recorded.pages.get(run.id, ""),
    )


def _is_of(row: Row, run: Run, validation: Validation | None, recorded: Recorded) -> bool:
    """Return whether a run was to write the row's table, by its request, its validation or its DAG."""
    requests = recorded.pushed.get(run.id, Pushed()).requests
    if requests:
        return row.kind in requests and requests[row.kind].table == row.table
    if validation and validation.outcome:
        return validation.outcome.table in ("", row.table)
    return row.dag.dag_id != INGEST or not row.table


def _hours(details: Iterable[Details], since: datetime) -> dict[datetime, tuple[int, int]]:
    found: dict[datetime, tuple[int, int]] = {}
    for one in details:
        for at, files, rows in one.hours:
            if at >= since - timedelta(hours=1):
                before = found.get(at, (0, 0))
                found[at] = (before[0] + files, before[1] + rows)
    return dict(sorted(found.items()))


def _regions(details: Iterable[Details]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for one in details:
        for region, (files, rows) in one.regions.items():
            before = found.get(region, (0, 0))
            found[region] = (before[0] + files, before[1] + rows)
    return found


def _reasons(outcomes: Iterable[Outcome]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for outcome in outcomes:
        found.update(outcome.reasons)
    return dict(found.most_common())


def _examples(details: Sequence[Details]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = defaultdict(list)
    for one in reversed(details):
        for reason, places in one.examples.items():
            for place in reversed(places):
                if len(found[reason]) < SHOWN_EXAMPLES and place not in found[reason]:
                    found[reason].append(place)
    return found


def _drift(outcomes: Iterable[Outcome]) -> list[Drift]:
    found: dict[tuple[str, str], Drift] = {}
    for outcome in outcomes:
        for one in outcome.schema_drift:
            before = found.get((one.field, one.problem))
            merged = replace(before, records=before.records + one.records) if before else one
            found[one.field, one.problem] = merged
    return sorted(found.values(), key=lambda one: (-one.records, one.field))


def merge_episodes(records: Iterable[Episode]) -> list[Episode]:
    """Combine the Start and End of each insight. Return open ones first, then the newest."""
    found: dict[str, Episode] = {}
    for record in records:
        before = found.setdefault(record.shared_event_id, record)
        starts = [at for at in (before.started_at, record.started_at) if at]
        ends = [at for at in (before.ended_at, record.ended_at) if at]
        peaks = [peak for peak in (before.peak, record.peak) if peak is not None]
        found[record.shared_event_id] = replace(
            before,
            started_at=min(starts, default=None),
            ended_at=max(ends, default=None),
            peak=max(peaks, default=None),
            baseline=record.baseline if before.baseline is None else before.baseline,
        )
    newest = sorted(found.values(), key=lambda one: one.started_at or one.ended_at or LONG_AGO, reverse=True)
    return sorted(newest, key=lambda one: one.ended_at is not None)
