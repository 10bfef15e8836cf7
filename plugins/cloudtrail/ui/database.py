"""Airflow's metadata database, read: a few questions, each for hundreds of DAGs or runs at a time.

Only what Airflow indexes is searched by: runs by their time or id, XComs by their run. Nothing else is
asked, no cluster and no bucket. Source: docs/adr/0071-page-data.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cloudtrail.kinds import KINDS
from cloudtrail.outcome import DETAILS_KEY
from cloudtrail.ui.facts import FINAL, Dag, Facts, Pushed, Run, Validation
from cloudtrail.ui.links import FINDINGS_KEY

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

FORM_DAG = "cloudtrail_ingest"
ACCOUNT_DAGS = f"{FORM_DAG}__"
# The tag of a DAG whose entry in accounts.yaml is broken.
DISABLED_TAG = "disabled"
RESULT = "return_value"
ALERTS_KEY = "alerts"
# Where the Databricks provider's submit operator leaves the run's page.
PAGE_KEY = "run_page_url"
VALIDATE = "validate_rows"
# A run that is validated within the last day may have begun before it.
WINDOW = timedelta(hours=26)
# The form writes whichever tables it is told: so many of its runs are looked at for them.
FORM_RUNS = 200
# Every database takes this many values in one statement.
CHUNK = 500


def validations_of(kinds: Iterable[str] = KINDS) -> dict[str, str]:
    """Task id → kind."""
    return {f"{kind}.{VALIDATE}": kind for kind in kinds}


def read_facts(session: "Session", now: datetime) -> Facts:
    """Everything that the overview shows, of every ingest DAG."""
    dags = read_dags(session)
    newest, ended, succeeded = _newest_runs(session, dags)
    runs = {run.id: run for run in _recent_runs(session, dags, now - WINDOW)}
    runs |= {run.id: run for run in _runs(session, (newest | ended) - runs.keys())}
    told = set(newest | ended)
    if FORM_DAG in dags:
        form = list(last_runs(session, FORM_DAG, FORM_RUNS))
        runs |= {run.id: run for run in form}
        told |= {run.id for run in form}
    validations, alerts = read_recorded(session, runs)
    pushed = dict(read_pushed(session, told))
    older, failing = _before(session, group_runs(runs.values()), validations, succeeded)
    validations |= older
    runs |= {run.id: run for run in _runs(session, {run for run, _ in older})}
    return Facts(
        at=now,
        dags=dags,
        runs=group_runs(runs.values()),
        validations=validations,
        pushed=pushed,
        tasks=read_tasks(session, [runs[id] for id in told if runs[id].state != "success"]),
        failing=failing,
        alerts=alerts,
    )


def group_runs(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """DAG id → its runs, newest first."""
    found: dict[str, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.id, reverse=True):
        found[run.dag_id].append(run)
    return dict(found)


def read_dags(session: "Session") -> dict[str, Dag]:
    """Every ingest DAG that Airflow knows."""
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
    ).where(or_(name == FORM_DAG, name.startswith(ACCOUNT_DAGS, autoescape=True)))
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
    return select(DagRun.id, DagRun.dag_id, DagRun.run_id, DagRun.state, began, DagRun.end_date)


def _made(session: "Session", query: "Select[Any]") -> Iterator[Run]:
    for id, dag_id, run_id, state, began, ended in session.execute(query):
        yield Run(id=id, dag_id=dag_id, run_id=run_id, state=str(state), began=began, ended=ended)


def _newest_runs(session: "Session", dags: Iterable[str]) -> tuple[set[int], set[int], dict[str, int]]:
    """The newest run of each DAG, the newest one that has ended, and, by DAG, the newest that succeeded."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import case, func, select

    ended = func.max(case((DagRun.state.in_(FINAL), DagRun.id)))
    good = func.max(case((DagRun.state == "success", DagRun.id)))
    newest: set[int] = set()
    finished: set[int] = set()
    succeeded: dict[str, int] = {}
    for some in _chunks(dags):
        query = select(DagRun.dag_id, func.max(DagRun.id), ended, good).where(DagRun.dag_id.in_(some))
        for dag_id, last, final, success in session.execute(query.group_by(DagRun.dag_id)):
            newest.add(last)
            finished |= {final} - {None}
            succeeded[dag_id] = success or 0
    return newest, finished, succeeded


def _recent_runs(session: "Session", dags: Iterable[str], since: datetime) -> Iterator[Run]:
    from airflow.models.dagrun import DagRun

    known = set(dags)
    for run in _made(session, _run_columns().where(DagRun.run_after >= since)):
        if run.dag_id in known:
            yield run


def last_runs(session: "Session", dag_id: str, count: int) -> Iterator[Run]:
    """The newest runs of one DAG, the newest first."""
    from airflow.models.dagrun import DagRun

    query = _run_columns().where(DagRun.dag_id == dag_id).order_by(DagRun.id.desc()).limit(count)
    yield from _made(session, query)


def _runs(session: "Session", ids: Iterable[int]) -> Iterator[Run]:
    from airflow.models.dagrun import DagRun

    for some in _chunks(ids):
        yield from _made(session, _run_columns().where(DagRun.id.in_(some)))


def _xcoms(
    session: "Session", runs: Iterable[int], *conditions: "ColumnElement[bool]"
) -> Iterator[tuple[int, str, str, Any, datetime]]:
    """Run, task, key, value and time of the XComs of these runs."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import select

    columns = (XComModel.dag_run_id, XComModel.task_id, XComModel.key, XComModel.value, XComModel.timestamp)
    for some in _chunks(runs):
        query = select(*columns).where(XComModel.dag_run_id.in_(some), *conditions)
        yield from session.execute(query)


def read_recorded(
    session: "Session", runs: Iterable[int], kinds: Iterable[str] = KINDS
) -> tuple[dict[tuple[int, str], Validation], dict[int, list[Any]]]:
    """What these runs' validations returned, by run and kind; and the alerts of each run."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import and_, or_

    tasks = validations_of(kinds)
    validations: dict[tuple[int, str], Validation] = {}
    alerts: dict[int, list[Any]] = defaultdict(list)
    results = and_(XComModel.key == RESULT, XComModel.task_id.in_(tasks))
    for run, task, key, value, at in _xcoms(session, runs, or_(results, XComModel.key == ALERTS_KEY)):
        # A store of XComs outside the database leaves a reference here, which is not followed.
        if key == ALERTS_KEY and isinstance(value, list):
            alerts[run] += [one for one in value if isinstance(one, dict)]
        elif key == RESULT and isinstance(value, dict):
            validations[run, tasks[task]] = Validation(run=run, kind=tasks[task], at=at, outcome=value)
    return validations, dict(alerts)


def read_pushed(session: "Session", runs: Iterable[int]) -> Iterator[tuple[int, Pushed]]:
    """What the other tasks of these runs left."""
    from airflow.models.xcom import XComModel

    results = (XComModel.task_id.in_(("resolve", "preflight")), XComModel.key == RESULT)
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for run, task, _, value, _ in _xcoms(session, runs, *results):
        if isinstance(value, dict):
            part = {"requests": value} if task == "resolve" else {"skipped": value.get("skipped_kinds", {})}
            found[run] |= part
    for run, parts in found.items():
        yield run, Pushed(**parts)


def read_extra(session: "Session", runs: Iterable[int], kind: str) -> dict[tuple[int, str], Any]:
    """What one kind's page shows beside its validations, by run and key: details, run page, findings."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import tuple_

    wanted = [(f"{kind}.{VALIDATE}", DETAILS_KEY), (f"{kind}.submit", PAGE_KEY), ("preflight", FINDINGS_KEY)]
    among = tuple_(XComModel.task_id, XComModel.key).in_(wanted)
    return {(run, key): value for run, _, key, value, _ in _xcoms(session, runs, among)}


def read_tasks(session: "Session", runs: Sequence[Run]) -> dict[int, dict[str, str]]:
    """The states of the tasks of these runs, by run and task id."""
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


def _before(
    session: "Session",
    runs: dict[str, list[Run]],
    validations: dict[tuple[int, str], Validation],
    succeeded: dict[str, int],
) -> tuple[dict[tuple[int, str], Validation], dict[tuple[str, str], datetime]]:
    """The newest validation where no run at hand has one, and since when the runs after it have failed."""
    seen = {
        (run.dag_id, kind)
        for some in runs.values()
        for run in some
        for kind in KINDS
        if (run.id, kind) in validations
    }
    missing = [dag_id for dag_id in runs if any((dag_id, kind) not in seen for kind in KINDS)]
    last = {key: run for key, run in _last_validated(session, missing) if key not in seen}
    found, _ = read_recorded(session, set(last.values()))
    failed = [dag_id for dag_id in missing if any(run.state == "failed" for run in runs[dag_id])]
    # A run that succeeded has not failed for a kind, whether or not it validated it.
    good = {
        (dag_id, kind): max(last.get((dag_id, kind), 0), succeeded[dag_id])
        for dag_id in failed
        for kind in KINDS
    }
    failing = dict(_first_failures(session, failed, good))
    return found, {key: began for key, began in failing.items() if key not in seen}


def _last_validated(session: "Session", dags: Iterable[str]) -> Iterator[tuple[tuple[str, str], int]]:
    from airflow.models.xcom import XComModel
    from sqlalchemy import func, select

    tasks = validations_of()
    for some in _chunks(dags):
        query = (
            select(XComModel.dag_id, XComModel.task_id, func.max(XComModel.dag_run_id))
            .where(XComModel.dag_id.in_(some), XComModel.task_id.in_(tasks), XComModel.key == RESULT)
            .group_by(XComModel.dag_id, XComModel.task_id)
        )
        for dag_id, task, run in session.execute(query):
            yield (dag_id, tasks[task]), run


def _first_failures(
    session: "Session", dags: Sequence[str], good: dict[tuple[str, str], int]
) -> Iterator[tuple[tuple[str, str], datetime]]:
    """When the first run failed after the last one that went well, per DAG and kind."""
    from airflow.models.dagrun import DagRun

    began: dict[tuple[str, str], datetime] = {}
    for some in _chunks(dags):
        oldest = min(good[dag_id, kind] for dag_id in some for kind in KINDS)
        query = _run_columns().where(DagRun.dag_id.in_(some), DagRun.state == "failed", DagRun.id > oldest)
        for run in _made(session, query.order_by(DagRun.id)):
            for kind in KINDS:
                if run.id > good[run.dag_id, kind]:
                    began.setdefault((run.dag_id, kind), run.began)
    yield from began.items()


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    listed = list(values)
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]
