"""The rows of the overview, made from the facts: one for each table of each ingest DAG."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile

from cloudtrail_to_delta.dag_ids import ACCOUNT_INGEST, INGEST
from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.params.locations import ANY, LogsLocation
from cloudtrail_to_delta.records.outcome import Outcome
from cloudtrail_to_delta.ui.facts import Dag, Facts, Pushed, Run, Told, Validation
from cloudtrail_to_delta.ui.states import Subject, state_of

log = logging.getLogger(__name__)
DAY = timedelta(hours=24)
HOURS = 24
# The counts of what a run adds, by their names in an outcome.
ADDED = ("run_rows", "run_files", "run_quarantined", "run_removed")
# A busy scheduler may start a run this late. A later run is overdue.
OVERDUE = timedelta(minutes=15)
EVERY_ACCOUNT = "all accounts of the bucket"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One table of one DAG.

    Attributes:
        name: the account's name in accounts.yaml, or `by form` for the DAG with the form.
        account: the account or organization whose logs are read, or `EVERY_ACCOUNT`. Empty until a run has
            resolved it.
        since: when the state began. For `failed`, when the first of the consecutive failed runs started.
        failed_before: with `running`, since when the runs before it have failed.
        detail: the reason for the state, such as the failed tasks.
        spark: rows added in each of the last 24 hours, oldest first.
        new_rows, new_files, new_quarantined, new_duplicates: added in the last 24 hours.
        rows, quarantined, duplicates, deleted: totals of the tables, by the newest validation.
        regions: region → its newest delivery.
        silent: regions without a delivery in the 24 hours before the newest validation.
        alert_targets: the alert targets in the runs' params. None until a run has recorded them.
        broken_alerts: the targets that did not accept the newest message sent to them.
        unreadable: unreadable records of the runs that were read, as task and key.
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
    deleted: int = 0
    new_rows: int = 0
    new_files: int = 0
    new_quarantined: int = 0
    new_duplicates: int = 0
    spark: tuple[int, ...] = ()
    regions: Mapping[str, datetime] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    alert_targets: tuple[str, ...] | None = None
    broken_alerts: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    overdue: bool = False

    @property
    def whose(self) -> str:
        """The account or organization in words, empty until it is known."""
        if not self.account or self.account == EVERY_ACCOUNT:
            return self.account.capitalize()
        return f"{'Account' if self.account.isdecimal() else 'Organization'} {self.account}"


def rows_of(facts: Facts) -> list[Row]:
    """Return all rows, sorted by name and kind. If the rows of a DAG cannot be made, one row says so."""
    rows = [row for dag in facts.dags.values() for row in _readable_rows(facts, dag)]
    return sorted(rows, key=lambda row: (row.name, place_of(row.kind), row.kind, row.table))


def place_of(kind: str) -> int:
    """Return the sort position of a kind. No kind comes first, a kind of another release last."""
    kinds = ["", *KINDS]
    return kinds.index(kind) if kind in kinds else len(kinds)


def _readable_rows(facts: Facts, dag: Dag) -> list[Row]:
    try:
        return list(_rows_of_dag(facts, dag))
    except Exception as error:
        log.exception("The rows of %s cannot be made", dag.dag_id)
        why = f"{type(error).__name__}: {str(error)[:200]}. The API server's log has more"
        name = name_of(dag.dag_id)
        return [Row(dag=dag, name=name, account="", kind="", table="", state="unreadable", detail=why)]


def name_of(dag_id: str) -> str:
    """Return the account's name from the DAG id."""
    return "by form" if dag_id == INGEST else dag_id.removeprefix(ACCOUNT_INGEST)


def _rows_of_dag(facts: Facts, dag: Dag) -> Iterator[Row]:
    runs = facts.runs.get(dag.dag_id, [])
    subjects = _subjects(facts, dag, runs)
    # No record says which tables these runs were for: the form was refused, or the DAG has never run.
    nameless = list(takewhile(lambda run: not _subjects_of_run(facts, run), runs)) if subjects else runs
    if (dag.dag_id == INGEST and nameless) or (dag.dag_id != INGEST and not subjects):
        yield _row(facts, dag, Subject(kind="", table=""), nameless)
    for subject in subjects:
        yield _row(facts, dag, subject, [run for run in runs if _concerns(facts, dag, run, subject)])


def _subjects_of_run(facts: Facts, run: Run) -> list[Subject]:
    requests = facts.pushed.get(run.id, Pushed()).requests
    found = [Subject(kind=kind, table=request.table) for kind, request in requests.items()]
    validations = (facts.validations.get((run.id, kind)) for kind in KINDS)
    return found or [
        Subject(kind=one.kind, table=one.outcome.table if one.outcome else "") for one in validations if one
    ]


def _subjects(facts: Facts, dag: Dag, runs: Sequence[Run]) -> list[Subject]:
    """Return the tables of the DAG.

    For the form: every table that its runs named. For an account: the tables of the newest run that names
    any. With a schedule: the tables of the newest scheduled run, and those that manual runs have named since.
    """
    found: list[Subject] = []
    for run in runs:
        found += [subject for subject in _subjects_of_run(facts, run) if subject not in found]
        named = bool(facts.pushed.get(run.id, Pushed()).requests)
        if named and dag.dag_id != INGEST and not (run.manual and dag.next_run):
            break
    return found


def _concerns(facts: Facts, dag: Dag, run: Run, subject: Subject) -> bool:
    """Return whether a run was to write the subject's table. An account's run that names none was to."""
    requests = facts.pushed.get(run.id, Pushed()).requests
    if not requests and dag.dag_id != INGEST:
        return True
    return subject in _subjects_of_run(facts, run)


def _row(facts: Facts, dag: Dag, subject: Subject, runs: Sequence[Run]) -> Row:
    validated = _validated(facts, subject, runs)
    state = state_of(facts, dag, subject, runs)
    newest, outcome = validated[0] if validated else (None, Outcome())
    day = [(v, its) for v, its in validated if v.at > facts.at - DAY]
    total = {name: sum(getattr(its, name) for _, its in day) for name in ADDED}
    targets, broken = _alerts(facts, runs)
    return Row(
        dag=dag,
        name=name_of(dag.dag_id),
        account=_account(facts, runs, subject),
        kind=subject.kind,
        table=subject.table,
        state=state.name,
        since=state.since,
        failed_before=state.failed_before,
        detail=state.detail,
        last_run=runs[0] if runs else None,
        validated_at=newest.at if newest else None,
        newest_event=outcome.latest_event,
        lag_seconds=next((o.slowest_seconds for _, o in validated if o.slowest_seconds is not None), None),
        rows=outcome.row_count,
        quarantined=outcome.quarantined - outcome.removed - outcome.deleted,
        duplicates=outcome.removed,
        deleted=outcome.deleted,
        new_rows=total["run_rows"],
        new_files=total["run_files"],
        new_quarantined=total["run_quarantined"],
        new_duplicates=total["run_removed"],
        spark=_per_hour(day, facts.at),
        regions=outcome.known.regions,
        silent=tuple(name for name, at in outcome.known.regions.items() if newest and at < newest.at - DAY),
        alert_targets=targets,
        broken_alerts=broken,
        unreadable=tuple(dict.fromkeys(name for run in runs for name in facts.unreadable.get(run.id, ()))),
        overdue=_is_overdue(facts, dag),
    )


def _validated(facts: Facts, subject: Subject, runs: Sequence[Run]) -> list[tuple[Validation, Outcome]]:
    """Return the subject's validations with a known outcome, newest first."""
    found = (facts.validations.get((run.id, subject.kind)) for run in runs)
    return [(v, v.outcome) for v in found if v and v.outcome and v.outcome.table in ("", subject.table)]


def _account(facts: Facts, runs: Sequence[Run], subject: Subject) -> str:
    for run in runs:
        request = facts.pushed.get(run.id, Pushed()).requests.get(subject.kind)
        if request and request.table == subject.table:
            return account_of(request.logs_path)
    return ""


def account_of(logs_path: str) -> str:
    """Return the account or organization in a path, empty for an unreadable path of another release."""
    try:
        logs = LogsLocation.parse(logs_path)
    except Exception:  # noqa: BLE001 - the record may be of any release
        return ""
    return logs.account if logs.account != ANY else logs.organization or EVERY_ACCOUNT


def _per_hour(validated: Sequence[tuple[Validation, Outcome]], now: datetime) -> tuple[int, ...]:
    hours = [0] * HOURS
    for found, outcome in validated:
        age = int((now - found.at).total_seconds() // 3600)
        if 0 <= age < HOURS:
            hours[HOURS - 1 - age] += outcome.run_rows
    return tuple(hours)


def _alerts(facts: Facts, runs: Sequence[Run]) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Return the targets (None if no run recorded them), and those that did not accept the newest message."""
    told = [facts.alerts.get(run.id, Told()) for run in runs]
    taken: dict[str, bool] = {}
    for one in told:
        # The notes of a run are in the order in which its messages were sent.
        for note in reversed(one.notes):
            if note.target:
                taken.setdefault(note.target, note.status == "sent")
    targets = next((tuple(one.targets) for one in told if one.targets is not None), None)
    if targets is None and (taken or any(note.status == "no_targets" for one in told for note in one.notes)):
        targets = tuple(sorted(taken))
    return targets, tuple(sorted(name for name in targets or () if not taken.get(name, True)))


def _is_overdue(facts: Facts, dag: Dag) -> bool:
    """Return whether a run should have started. While one is active, the next one waits for it."""
    if not dag.next_run or dag.paused or dag.removed or dag.broken:
        return False
    runs = facts.runs.get(dag.dag_id, [])
    due = max([dag.next_run, *(run.ended for run in runs if run.ended)])
    return facts.at > due + OVERDUE and all(run.finished for run in runs)
