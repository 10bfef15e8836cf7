"""Reads Airflow's metadata database: a few queries, each for hundreds of DAGs or runs at a time.

Queries search only by indexed columns: runs by time or id, XComs by run. The pages ask no other system,
neither a cluster nor a bucket. Source: docs/adr/0021-pages.md.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cloudtrail_to_delta.dag_ids import ACCOUNT_INGEST, INGEST
from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.records.completeness import COMPLETENESS_KEY, Completeness, read_completeness
from cloudtrail_to_delta.records.databricks_run import PAGE_KEY, read_page
from cloudtrail_to_delta.records.details import DETAILS_KEY, Details
from cloudtrail_to_delta.records.findings import FINDINGS_KEY, Findings
from cloudtrail_to_delta.records.notes import ALERTS_KEY, TARGETS_KEY, Note, read_notes, read_targets
from cloudtrail_to_delta.records.outcome import Outcome
from cloudtrail_to_delta.records.preflight import PreflightResult
from cloudtrail_to_delta.records.record import read
from cloudtrail_to_delta.records.requests import Request, read_requests
from cloudtrail_to_delta.records.table_event import TableEvent
from cloudtrail_to_delta.tables.assets import TABLES
from cloudtrail_to_delta.ui.facts import FINAL, Dag, Facts, Pushed, Run, Told, Validation

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

# The tag of a DAG whose entry in accounts.yaml is broken.
DISABLED_TAG = "disabled"
RESULT = "return_value"
VALIDATE = "validate_rows"
REPORT = "report"
# A run that was validated within the last day may have started before it.
WINDOW = timedelta(hours=26)
# Each run of the form may write other tables. The overview lists the tables of this many runs.
FORM_RUNS = 200
# How many of the newest runs may say nothing about a table (checks, test alerts).
PASSED_RUNS = 20
# Every database accepts this many values in one statement.
CHUNK = 500
MANUAL = "manual"
# How many runs of a completeness check may have failed, or be about other tables, since that of a table.
CHECKED_RUNS = 20
T = TypeVar("T")


class XCom(NamedTuple):
    """One XCom as the database stores it: the value is JSON in text."""

    run: int
    task: str
    key: str
    stored: str | None
    at: datetime


@dataclass
class Recorded:
    """The records that were read from XComs, by DAG run or by run and kind, and the unreadable ones."""

    validations: dict[tuple[int, str], Validation] = field(default_factory=dict)
    told: dict[int, Told] = field(default_factory=dict)
    pushed: dict[int, Pushed] = field(default_factory=dict)
    details: dict[int, Details] = field(default_factory=dict)
    findings: dict[int, Findings] = field(default_factory=dict)
    pages: dict[int, str] = field(default_factory=dict)
    unreadable: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def read(self, reader: Callable[[Any], T], xcom: XCom) -> T | None:
        """Read a record. None if it is stored elsewhere, or if it is unreadable, which is noted."""
        what = f"the XCom {xcom.key} of {xcom.task} in DAG run {xcom.run}"
        value = read(decode, xcom.stored, what)
        # A string is a reference: an XCom backend stores the value itself outside the database.
        if isinstance(value, str):
            return None
        found = read(reader, value, what)
        name = f"{xcom.task} {xcom.key}"
        if found is None and name not in self.unreadable[xcom.run]:
            self.unreadable[xcom.run].append(name)
        return found

    def has_validated(self, run: int) -> bool:
        """Return whether a run validated any kind."""
        return any((run, kind) in self.validations for kind in KINDS)

    def is_idle(self, run: Run) -> bool:
        """Return whether a run says nothing about any table: a success that validated and skipped no kind."""
        skipped = self.pushed.get(run.id, Pushed()).skipped
        return run.state == "success" and not skipped and not self.has_validated(run.id)


def decode(stored: str | None) -> Any:
    """Parse the JSON of an XCom, which the database stores as text.

    Raises:
        ValueError: the text is not JSON, or a number in it has thousands of digits.
    """
    return None if stored is None else json.loads(stored)


def read_address(xcom: XCom) -> str:
    """Return the URL of a run's page, empty if the XCom holds none."""
    return read(lambda stored: read_page(decode(stored)), xcom.stored, f"the page of run {xcom.run}") or ""


def validations_of(kinds: Iterable[str] = KINDS) -> dict[str, str]:
    """Return task id of a validation → kind."""
    return {f"{kind}.{VALIDATE}": kind for kind in kinds}


def read_facts(session: "Session", now: datetime) -> Facts:
    """Read everything that the overview shows, for every ingest DAG."""
    dags = read_dags(session)
    newest, succeeded = _newest_runs(session, dags)
    runs = {run.id: run for run in _recent_runs(session, dags, now - WINDOW)}
    runs |= {run.id: run for run in _runs(session, newest - runs.keys())}
    told = set(newest)
    if INGEST in dags:
        form = list(last_runs(session, INGEST, FORM_RUNS))
        runs |= {run.id: run for run in form}
        told |= {run.id for run in form}
    recorded = Recorded()
    read_recorded(session, runs, recorded)
    told |= {run.id for run in runs.values() if _may_pass(run, recorded)}
    read_pushed(session, told, recorded)
    # If a DAG has only checks and test alerts so far, the runs before them decide the state of its tables.
    idle = [id for id, some in group_runs(runs.values()).items() if _are_idle(some, recorded)]
    before = set(_last_ended(session, idle, FINAL)) - runs.keys()
    runs |= {run.id: run for run in _runs(session, before)}
    read_recorded(session, before, recorded)
    read_pushed(session, before, recorded)
    told |= before
    failing = _read_before(session, group_runs(runs.values()), recorded, succeeded)
    runs |= {run.id: run for run in _runs(session, {run for run, _ in recorded.validations} - runs.keys())}
    return Facts(
        at=now,
        dags=dags,
        runs=group_runs(runs.values()),
        validations=recorded.validations,
        pushed=recorded.pushed,
        tasks=read_tasks(session, [runs[id] for id in told if runs[id].state != "success"]),
        failing=failing,
        alerts=recorded.told,
        unreadable=recorded.unreadable,
    )


def _may_pass(run: Run, recorded: Recorded) -> bool:
    """Return whether a run may say nothing about a table. Its other XComs or its tasks decide that."""
    if run.state == "failed":
        return run.manual
    return run.state == "success" and not recorded.has_validated(run.id)


def _are_idle(runs: Sequence[Run], recorded: Recorded) -> bool:
    ended = [run for run in runs if run.finished]
    return bool(ended) and all(recorded.is_idle(run) for run in ended)


def group_runs(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Return DAG id → its runs, newest first."""
    found: dict[str, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.id, reverse=True):
        found[run.dag_id].append(run)
    return dict(found)


def read_dags(session: "Session") -> dict[str, Dag]:
    """Read every ingest DAG that Airflow knows."""
    from airflow.models.dag import DagModel, DagTag
    from sqlalchemy import or_, select

    disabled = set(session.scalars(select(DagTag.dag_id).where(DagTag.name == DISABLED_TAG)))
    name = DagModel.dag_id
    query = select(
        name,
        DagModel.is_paused,
        DagModel.is_stale,
        DagModel.has_import_errors,
        DagModel.timetable_summary,
        DagModel.next_dagrun_create_after,
    ).where(or_(name == INGEST, name.startswith(ACCOUNT_INGEST, autoescape=True)))
    return {
        dag_id: Dag(
            dag_id=dag_id,
            paused=bool(paused),
            broken=bool(errors) or dag_id in disabled,
            removed=bool(stale) and not errors,
            schedule=schedule or "",
            next_run=next_run,
        )
        for dag_id, paused, stale, errors, schedule, next_run in session.execute(query)
    }


def _run_columns() -> "Select[Any]":
    from airflow.models.dagrun import DagRun
    from sqlalchemy import func, select

    began = func.coalesce(DagRun.start_date, DagRun.run_after)
    columns = (DagRun.id, DagRun.dag_id, DagRun.run_id, DagRun.state, began, DagRun.end_date)
    return select(*columns, DagRun.run_type)


def _made(session: "Session", query: "Select[Any]") -> Iterator[Run]:
    for id, dag_id, run_id, state, began, ended, how in session.execute(query):
        manual = str(how) == MANUAL
        yield Run(
            id=id, dag_id=dag_id, run_id=run_id, state=str(state), began=began, ended=ended, manual=manual
        )


def _newest_runs(session: "Session", dags: Iterable[str]) -> tuple[set[int], dict[str, int]]:
    """Return the newest runs of each DAG (any, ended, active, scheduled), and by DAG the newest success."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import case, func, select

    ended = DagRun.state.in_(FINAL)
    wanted = (ended, ~ended, DagRun.run_type != MANUAL, DagRun.state == "success")
    columns = [func.max(case((condition, DagRun.id))) for condition in wanted]
    newest: set[int] = set()
    succeeded: dict[str, int] = {}
    for some in _chunks(dags):
        query = select(DagRun.dag_id, func.max(DagRun.id), *columns).where(DagRun.dag_id.in_(some))
        for dag_id, *found, success in session.execute(query.group_by(DagRun.dag_id)):
            newest |= {*found} - {None}
            succeeded[dag_id] = success or 0
    return newest, succeeded


def _last_ended(session: "Session", dags: Iterable[str], states: Collection[str]) -> Iterator[int]:
    """Return a few runs of each DAG that ended in one of the states, newest first."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import func, select

    place = func.row_number().over(partition_by=DagRun.dag_id, order_by=DagRun.id.desc()).label("place")
    for some in _chunks(dags):
        ended = select(DagRun.id, place).where(DagRun.dag_id.in_(some), DagRun.state.in_(states)).subquery()
        query = select(ended.c.id).where(ended.c.place <= PASSED_RUNS).order_by(ended.c.id.desc())
        yield from session.scalars(query)


def _recent_runs(session: "Session", dags: Iterable[str], since: datetime) -> Iterator[Run]:
    from airflow.models.dagrun import DagRun

    # Other teams may have a hundred times as many runs.
    for some in _chunks(dags):
        yield from _made(session, _run_columns().where(DagRun.dag_id.in_(some), DagRun.run_after >= since))


def last_runs(session: "Session", dag_id: str, count: int) -> Iterator[Run]:
    """Read the newest runs of one DAG, newest first."""
    from airflow.models.dagrun import DagRun

    query = _run_columns().where(DagRun.dag_id == dag_id).order_by(DagRun.id.desc()).limit(count)
    yield from _made(session, query)


def _runs(session: "Session", ids: Iterable[int]) -> Iterator[Run]:
    from airflow.models.dagrun import DagRun

    for some in _chunks(ids):
        yield from _made(session, _run_columns().where(DagRun.id.in_(some)))


def _xcoms(session: "Session", runs: Iterable[int], *conditions: "ColumnElement[bool]") -> Iterator[XCom]:
    """Read the XComs of these runs, oldest first.

    Values are read as text: a driver that decodes JSON would return no value at all if one were invalid.
    """
    from airflow.models.xcom import XComModel
    from sqlalchemy import Text, cast, select

    stored = cast(XComModel.value, Text)
    columns = (XComModel.dag_run_id, XComModel.task_id, XComModel.key, stored, XComModel.timestamp)
    for some in _chunks(runs):
        query = select(*columns).where(XComModel.dag_run_id.in_(some), *conditions)
        yield from (XCom(*row) for row in session.execute(query.order_by(XComModel.timestamp)))


def read_recorded(
    session: "Session", runs: Iterable[int], recorded: Recorded, kinds: Iterable[str] = KINDS
) -> None:
    """Read the return values of these runs' validations, by run and kind, and the alerts of each run."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import and_, or_

    tasks = validations_of(kinds)
    notes: dict[int, list[Note]] = defaultdict(list)
    targets: dict[int, list[str]] = {}
    wanted = or_(
        and_(XComModel.key == RESULT, XComModel.task_id.in_(tasks)),
        XComModel.key.in_((ALERTS_KEY, TARGETS_KEY)),
    )
    for xcom in _xcoms(session, runs, wanted):
        if xcom.key == ALERTS_KEY:
            notes[xcom.run] += recorded.read(read_notes, xcom) or []
        elif xcom.key == TARGETS_KEY:
            if (names := recorded.read(read_targets, xcom)) is not None:
                targets[xcom.run] = names
        else:
            outcome, kind = recorded.read(Outcome.from_dict, xcom), tasks[xcom.task]
            found = Validation(run=xcom.run, kind=kind, at=xcom.at, outcome=outcome)
            recorded.validations[xcom.run, kind] = found
    _read_reported(session, recorded)
    for run in notes.keys() | targets.keys():
        recorded.told[run] = Told(notes=notes[run], targets=targets.get(run))


def _read_reported(session: "Session", recorded: Recorded) -> None:
    """Complete validations whose outcome is not in the database by what `report` said about the table.

    An XCom backend may store outcomes elsewhere. Airflow stores asset events in the database in any case.
    """
    from airflow.models.asset import AssetAliasModel, AssetEvent, AssetModel, alias_association_table
    from airflow.models.dagrun import DagRun
    from sqlalchemy import and_, select

    unknown = {key: one for key, one in recorded.validations.items() if one.outcome is None}
    if not unknown:
        return
    links = alias_association_table.c
    ours = select(links.asset_id).join(AssetAliasModel, AssetAliasModel.id == links.alias_id)
    query = (
        select(DagRun.id, AssetModel.name, AssetModel.uri, AssetEvent.extra)
        .join(AssetModel, AssetModel.id == AssetEvent.asset_id)
        .join(
            DagRun,
            and_(DagRun.dag_id == AssetEvent.source_dag_id, DagRun.run_id == AssetEvent.source_run_id),
        )
        # Events are indexed by asset and time only.
        .where(
            AssetEvent.asset_id.in_(ours.where(AssetAliasModel.name == TABLES.name)),
            AssetEvent.timestamp >= min(one.at for one in unknown.values()),
            AssetEvent.source_task_id == REPORT,
        )
        .order_by(AssetEvent.id)
    )
    for some in _chunks({run for run, _ in unknown}):
        for run, table, delta_path, extra in session.execute(query.where(DagRun.id.in_(some))):
            said = read(TableEvent.from_dict, extra, f"an asset event of {table}")
            found = unknown.get((run, said.kind)) if said else None
            if said and found:
                outcome = said.outcome(table=table, delta_path=delta_path)
                recorded.validations[run, said.kind] = replace(found, outcome=outcome)


def read_pushed(session: "Session", runs: Iterable[int], recorded: Recorded) -> None:
    """Read the return values of `resolve` and `preflight` in these runs."""
    from airflow.models.xcom import XComModel

    results = (XComModel.task_id.in_(("resolve", "preflight")), XComModel.key == RESULT)
    requests: dict[int, Mapping[str, Request]] = {}
    skipped: dict[int, Mapping[str, str]] = {}
    for xcom in _xcoms(session, runs, *results):
        if xcom.task == "resolve":
            requests[xcom.run] = recorded.read(read_requests, xcom) or {}
        else:
            result = recorded.read(PreflightResult.from_dict, xcom) or PreflightResult()
            skipped[xcom.run] = result.skipped_kinds
    for run in requests.keys() | skipped.keys():
        recorded.pushed[run] = Pushed(
            requests=requests.get(run, {}), skipped=skipped.get(run, {}), resolved=run in requests
        )


def read_extra(session: "Session", runs: Iterable[int], kind: str, recorded: Recorded) -> None:
    """Read what the page of one kind also shows: details, the run's page in Databricks, findings."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import tuple_

    wanted = [(f"{kind}.{VALIDATE}", DETAILS_KEY), (f"{kind}.submit", PAGE_KEY), ("preflight", FINDINGS_KEY)]
    for xcom in _xcoms(session, runs, tuple_(XComModel.task_id, XComModel.key).in_(wanted)):
        if xcom.key == PAGE_KEY:
            recorded.pages[xcom.run] = read_address(xcom)
        elif xcom.key == DETAILS_KEY:
            if details := recorded.read(Details.from_dict, xcom):
                recorded.details[xcom.run] = details
        elif (findings := recorded.read(Findings.from_list, xcom)) is not None:
            recorded.findings[xcom.run] = findings


def read_checked(session: "Session", dag_id: str, kind: str, table: str) -> list[Completeness]:
    """Read the records of the newest check of a table, for all kinds of its run; none without one."""
    from airflow.models.xcom import XComModel

    wanted = (XComModel.task_id == "report_gaps", XComModel.key == COMPLETENESS_KEY)
    for run in last_runs(session, dag_id, CHECKED_RUNS):
        for xcom in _xcoms(session, [run.id], *wanted):
            records = Recorded().read(read_completeness, xcom) or []
            if any((one.kind, one.table) == (kind, table) for one in records):
                return records
    return []


def find_run(session: "Session", dag_id: str, run_id: str) -> Run | None:
    """Read one run by its DAG id and run id, None if it does not exist."""
    from airflow.models.dagrun import DagRun

    return next(_made(session, _run_columns().where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)), None)


def read_task_findings(session: "Session", run: Run, task_id: str) -> tuple[bool, Findings | None]:
    """Return whether a task left findings, and the findings: None if stored elsewhere or unreadable."""
    from airflow.models.xcom import XComModel

    wanted = (XComModel.task_id == task_id, XComModel.key == FINDINGS_KEY)
    for xcom in _xcoms(session, [run.id], *wanted):
        return True, Recorded().read(Findings.from_list, xcom)
    return False, None


def find_page(session: "Session", run: Run, task_id: str) -> str:
    """Return the URL of the Databricks run that a task submitted, empty without one."""
    from airflow.models.xcom import XComModel

    for xcom in _xcoms(session, [run.id], XComModel.task_id == task_id, XComModel.key == PAGE_KEY):
        return read_address(xcom)
    return ""


def read_tasks(session: "Session", runs: Sequence[Run]) -> dict[int, dict[str, str]]:
    """Read the task states of these runs, by run and task id."""
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import select, tuple_

    ids = {(run.dag_id, run.run_id): run.id for run in runs}
    found: dict[int, dict[str, str]] = defaultdict(dict)
    key = (TaskInstance.dag_id, TaskInstance.run_id)
    for some in _chunks(ids):
        query = select(*key, TaskInstance.task_id, TaskInstance.state).where(tuple_(*key).in_(some))
        for dag_id, run_id, task, state in session.execute(query):
            found[ids[dag_id, run_id]][task] = str(state or "none")
    return dict(found)


def _read_before(
    session: "Session", runs: Mapping[str, list[Run]], recorded: Recorded, succeeded: Mapping[str, int]
) -> dict[tuple[str, str], datetime]:
    """Read the newest validation of tables without a recent one. Return since when later runs have failed."""
    seen = {
        (run.dag_id, kind)
        for some in runs.values()
        for run in some
        for kind in KINDS
        if (run.id, kind) in recorded.validations
    }
    unseen = [(dag_id, kind) for dag_id in runs for kind in KINDS if (dag_id, kind) not in seen]
    # The runs of the form write many tables. For each table only the runs read so far are known.
    missing = {dag_id for dag_id, _ in unseen} - {INGEST}
    failed = [id for id in sorted(missing) if any(run.state == "failed" for run in runs[id])]
    resting = missing - {dag_id for dag_id, _ in seen}
    last = _validated_since_success(session, {*failed, *resting}, succeeded)
    last |= _last_validated(session, [key for key in unseen if key not in last])
    last = {key: run for key, run in last.items() if key not in seen}
    read_recorded(session, set(last.values()), recorded)
    ingested = _last_ingested(session, failed, recorded, succeeded)
    # A run that succeeded did not fail for any kind, even if it did not validate that kind.
    good = {
        (dag_id, kind): max(last.get((dag_id, kind), 0), ingested[dag_id])
        for dag_id in failed
        for kind in ("", *KINDS)
    }
    failing = dict(_first_failures(session, failed, good))
    return {key: began for key, began in failing.items() if key not in seen}


def _last_ingested(
    session: "Session", dags: Sequence[str], recorded: Recorded, succeeded: Mapping[str, int]
) -> dict[str, int]:
    """Return the newest successful run of each DAG that was no check and no test alert, 0 without one."""
    found = {dag_id: succeeded[dag_id] for dag_id in dags}
    read_recorded(session, found.values(), recorded)
    read_pushed(session, found.values(), recorded)
    idle = [run.dag_id for run in _runs(session, found.values()) if recorded.is_idle(run)]
    earlier = list(_last_ended(session, idle, ("success",)))
    read_recorded(session, earlier, recorded)
    read_pushed(session, earlier, recorded)
    found |= dict.fromkeys(idle, 0)
    for run in sorted(_runs(session, earlier), key=lambda run: run.id):
        if not recorded.is_idle(run):
            found[run.dag_id] = run.id
    return found


def _validated_since_success(
    session: "Session", dags: Collection[str], succeeded: Mapping[str, int]
) -> dict[tuple[str, str], int]:
    """Return the newest run that validated a kind, if it is the DAG's newest success or a later failure.

    Any other validation is older. A DAG with many later failures is left out.
    """
    from airflow.models.dagrun import DagRun
    from airflow.models.xcom import XComModel
    from sqlalchemy import select

    later: dict[str, list[int]] = defaultdict(list)
    for some in _chunks(dags):
        query = select(DagRun.dag_id, DagRun.id).where(DagRun.dag_id.in_(some), DagRun.state == "failed")
        oldest = min(succeeded[dag_id] for dag_id in some)
        for dag_id, run in session.execute(query.where(DagRun.id > oldest)):
            if run > succeeded[dag_id]:
                later[dag_id].append(run)
    few = [dag_id for dag_id in dags if len(later[dag_id]) <= PASSED_RUNS]
    tasks = validations_of()
    found: dict[tuple[str, str], int] = {}
    for some in _chunks(run for dag_id in few for run in (succeeded[dag_id], *later[dag_id])):
        columns = select(XComModel.dag_id, XComModel.task_id, XComModel.dag_run_id)
        wanted = (XComModel.dag_run_id.in_(some), XComModel.task_id.in_(tasks), XComModel.key == RESULT)
        for dag_id, task, run in session.execute(columns.where(*wanted)):
            key = (dag_id, tasks[task])
            found[key] = max(run, found.get(key, 0))
    return found


def _last_validated(session: "Session", tables: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return the newest run that validated a kind of a DAG.

    One statement for each kind finds at once that a DAG never had it. One for all kinds would read every
    validation of the others.
    """
    from airflow.models.xcom import XComModel
    from sqlalchemy import func, select

    dags: dict[str, list[str]] = defaultdict(list)
    for dag_id, kind in tables:
        dags[kind].append(dag_id)
    found: dict[tuple[str, str], int] = {}
    for task, kind in validations_of().items():
        for some in _chunks(dags[kind]):
            query = (
                select(XComModel.dag_id, func.max(XComModel.dag_run_id))
                .where(XComModel.dag_id.in_(some), XComModel.task_id == task, XComModel.key == RESULT)
                .group_by(XComModel.dag_id)
            )
            found |= {(dag_id, kind): run for dag_id, run in session.execute(query)}
    return found


def _first_failures(
    session: "Session", dags: Sequence[str], good: dict[tuple[str, str], int]
) -> Iterator[tuple[tuple[str, str], datetime]]:
    """Return when the first run failed after the last good one, per DAG and kind."""
    from airflow.models.dagrun import DagRun

    began: dict[tuple[str, str], datetime] = {}
    for some in _chunks(dags):
        oldest = min(good[dag_id, kind] for dag_id in some for kind in ("", *KINDS))
        query = _run_columns().where(DagRun.dag_id.in_(some), DagRun.state == "failed", DagRun.id > oldest)
        for run in _made(session, query.order_by(DagRun.id)):
            for kind in ("", *KINDS):
                if run.id > good[run.dag_id, kind]:
                    began.setdefault((run.dag_id, kind), run.began)
    yield from began.items()


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    listed = list(values)
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]
