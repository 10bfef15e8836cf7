"""The overview's rows, told from the facts: one for each table of each ingest DAG."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cloudtrail.errors import InvalidRequestError
from cloudtrail.kinds import KINDS
from cloudtrail.locations import ANY, LogsLocation
from cloudtrail.ui.database import ACCOUNT_DAGS, FORM_DAG
from cloudtrail.ui.facts import Dag, Facts, Pushed, Run, Validation
from cloudtrail.ui.states import REASONS, Subject, outcome_of, state_of, state_of_dag

DAY = timedelta(hours=24)
HOURS = 24
# What a run adds, by the names of its validation.
ADDED = ("run_rows", "run_files", "run_quarantined", "run_removed")
# A scheduler that is busy may be this late; a run that is later is overdue.
OVERDUE = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One table of one DAG.

    Attributes:
        name: the account's name in accounts.yaml; `by form` for the form's DAG.
        account: the account whose logs are read, or the organization; empty while no run has resolved it.
        since: when the state began: for `failed` when the first run of the row of failures did.
        failed_before: with `running`: since when the runs before it have failed.
        detail: the state's reason in words, such as the tasks that failed.
        spark: rows added per hour of the last 24, the oldest first.
        new_rows, new_files, new_quarantined, new_duplicates: added in the last 24 hours.
        rows, quarantined, duplicates: in the tables, by the newest validation.
        regions: region → its newest delivery.
        silent: regions without a delivery in the last 24 hours before the newest validation.
        broken_alerts: alert targets that could not be reached by the newest run.
    """

    dag: Dag
    name: str
    account: str
    kind: str
    table: str
    state: str
    since: datetime | None = None
    failed_before: datetime | None = None
    detail: str = ""
    last_run: Run | None = None
    validated_at: datetime | None = None
    newest_event: datetime | None = None
    lag_seconds: int | None = None
    rows: int = 0
    quarantined: int = 0
    duplicates: int = 0
    new_rows: int = 0
    new_files: int = 0
    new_quarantined: int = 0
    new_duplicates: int = 0
    spark: tuple[int, ...] = ()
    regions: Mapping[str, datetime] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    broken_alerts: tuple[str, ...] = ()
    overdue: bool = False


def rows_of(facts: Facts) -> list[Row]:
    """Every row, by name and kind."""
    rows = [row for dag in facts.dags.values() for row in _rows_of_dag(facts, dag)]
    return sorted(
        rows, key=lambda row: (row.name, list(KINDS).index(row.kind) if row.kind else -1, row.table)
    )


def name_of(dag_id: str) -> str:
    """The account's name, as the DAG's id has it."""
    return "by form" if dag_id == FORM_DAG else dag_id.removeprefix(ACCOUNT_DAGS)


def _rows_of_dag(facts: Facts, dag: Dag) -> Iterator[Row]:
    runs = facts.runs.get(dag.dag_id, [])
    subjects = _subjects(facts, dag, runs)
    base: dict[str, Any] = {"dag": dag, "name": name_of(dag.dag_id), "overdue": _is_overdue(dag, facts.at)}
    unresolved = [run for run in runs if not _subjects_of_run(facts, run)]
    if not subjects or (dag.dag_id == FORM_DAG and unresolved[:1] == runs[:1]):
        # Nothing says which tables are meant: a form that was refused, or a DAG that has never run.
        last = unresolved[0] if unresolved else None
        outcome = outcome_of(facts, last, "") if last else ("never", "")
        state = state_of_dag(dag) or outcome[0]
        since = last.began if last else None
        if dag.dag_id != FORM_DAG or last:
            yield Row(
                **base,
                account="",
                kind="",
                table="",
                state=state,
                since=since,
                detail=REASONS.get(state, outcome[1]),
                last_run=last,
            )
    for subject in subjects:
        of_subject = [run for run in runs if _concerns(facts, dag, run, subject)]
        yield _row(facts, dag, subject, of_subject, base)


def _subjects_of_run(facts: Facts, run: Run) -> list[Subject]:
    requests = facts.pushed.get(run.id, Pushed()).requests
    found = [Subject(kind=kind, table=str(r.get("table", ""))) for kind, r in requests.items()]
    return found or [
        Subject(kind=kind, table=str(facts.validations[run.id, kind].outcome.get("table", "")))
        for kind in KINDS
        if (run.id, kind) in facts.validations
    ]


def _subjects(facts: Facts, dag: Dag, runs: Sequence[Run]) -> list[Subject]:
    """What the DAG's tables are: those of its newest run that says so; every one that the form has named."""
    found: list[Subject] = []
    for run in runs:
        found += [subject for subject in _subjects_of_run(facts, run) if subject not in found]
        if run.id in facts.pushed and facts.pushed[run.id].requests and dag.dag_id != FORM_DAG:
            break
    return found


def _concerns(facts: Facts, dag: Dag, run: Run, subject: Subject) -> bool:
    """Whether a run was to write the subject's table; of an account's run that says nothing, it was."""
    requests = facts.pushed.get(run.id, Pushed()).requests
    if not requests and dag.dag_id != FORM_DAG:
        return True
    return subject in _subjects_of_run(facts, run)


def _row(facts: Facts, dag: Dag, subject: Subject, runs: Sequence[Run], base: Mapping[str, Any]) -> Row:
    validated = _validated(facts, subject, runs)
    state, since, failed_before, detail = state_of(facts, dag, subject, runs)
    newest = validated[0] if validated else None
    outcome = newest.outcome if newest else {}
    regions = _regions(outcome)
    day = [v for v in validated if v.at > facts.at - DAY]
    total = {name: sum(_number(v.outcome, name) for v in day) for name in ADDED}
    removed = _number(outcome, "removed")
    return Row(
        **base,
        account=_account(facts, runs, subject),
        kind=subject.kind,
        table=subject.table,
        state=state,
        since=since,
        failed_before=failed_before,
        detail=detail,
        last_run=runs[0] if runs else None,
        validated_at=newest.at if newest else None,
        newest_event=moment(outcome.get("known", {}).get("newest_event") or outcome.get("newest_event")),
        lag_seconds=next((v.outcome["slowest_seconds"] for v in validated if _has_lag(v)), None),
        rows=_number(outcome, "row_count"),
        quarantined=_number(outcome, "quarantined") - removed,
        duplicates=removed,
        new_rows=total["run_rows"],
        new_files=total["run_files"],
        new_quarantined=total["run_quarantined"],
        new_duplicates=total["run_removed"],
        spark=_per_hour(day, facts.at),
        regions=regions,
        silent=tuple(name for name, at in regions.items() if newest and at < newest.at - DAY),
        broken_alerts=_broken_alerts(facts, runs),
    )


def _validated(facts: Facts, subject: Subject, runs: Sequence[Run]) -> list[Validation]:
    """The subject's validations, newest first."""
    found = (facts.validations.get((run.id, subject.kind)) for run in runs)
    return [v for v in found if v is not None and v.outcome.get("table", subject.table) == subject.table]


def _account(facts: Facts, runs: Sequence[Run], subject: Subject) -> str:
    for run in runs:
        request = facts.pushed.get(run.id, Pushed()).requests.get(subject.kind)
        if request and request.get("table") == subject.table:
            try:
                logs = LogsLocation.parse(str(request["logs_path"]))
            except (InvalidRequestError, KeyError):
                return ""
            return logs.account if logs.account != ANY else logs.organization or "every account"
    return ""


def _regions(outcome: Mapping[str, Any]) -> dict[str, datetime]:
    known = outcome.get("known", {}).get("regions", {})
    parsed = {name: moment(at) for name, at in known.items()}
    return {name: at for name, at in parsed.items() if at}


def _per_hour(validations: Sequence[Validation], now: datetime) -> tuple[int, ...]:
    hours = [0] * HOURS
    for found in validations:
        age = int((now - found.at).total_seconds() // 3600)
        if 0 <= age < HOURS:
            hours[HOURS - 1 - age] += _number(found.outcome, "run_rows")
    return tuple(hours)


def _broken_alerts(facts: Facts, runs: Sequence[Run]) -> tuple[str, ...]:
    """The targets that did not take the newest message that was sent to them."""
    taken: dict[str, bool] = {}
    for run in runs:
        # A run's messages are in the order in which they were sent.
        for alert in reversed(facts.alerts.get(run.id, ())):
            for delivery in reversed(alert.get("deliveries", ())):
                taken.setdefault(str(delivery.get("target", "?")), bool(delivery.get("ok")))
    return tuple(sorted(target for target, ok in taken.items() if not ok))


def _is_overdue(dag: Dag, now: datetime) -> bool:
    return bool(dag.next_run and not dag.paused and not dag.removed and now > dag.next_run + OVERDUE)


def _has_lag(found: Validation) -> bool:
    return found.outcome.get("slowest_seconds") is not None


def _number(outcome: Mapping[str, Any], name: str) -> int:
    return int(outcome.get(name) or 0)


def moment(text: Any) -> datetime | None:
    """A moment as the runs record it, `2026-01-02T03:04:05Z`; None when it is none."""
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
