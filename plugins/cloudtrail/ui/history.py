"""One table's runs of the last days, read from Airflow's database, and what they add up to."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cloudtrail.outcome import DETAILS_KEY
from cloudtrail.preflight.findings import Finding
from cloudtrail.ui import database
from cloudtrail.ui.facts import Pushed, Run, Validation
from cloudtrail.ui.links import FINDINGS_KEY
from cloudtrail.ui.rows import Row, moment
from cloudtrail.ui.states import outcome_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DAYS = 7
# A run each quarter of an hour for seven days, and some by hand.
MOST_RUNS = 800
SHOWN_RUNS = 20
SHOWN_EXAMPLES = 3


@dataclass(frozen=True, kw_only=True)
class PastRun:
    """One run with what it came to for this kind; `page` is the run's page in Databricks."""

    run: Run
    state: str
    detail: str
    validation: Validation | None
    page: str


@dataclass(frozen=True, kw_only=True)
class History:
    """What one table's page shows.

    Attributes:
        runs: the newest runs, the newest first.
        validated: how many runs of the days shown were validated: what they found is all that is known.
        hours: hour of delivery → log files, rows; of the days shown.
        lags: when a run validated, and how many seconds its slowest log file took; the oldest first.
        failures: when runs failed.
        regions: region → log files, rows, of the days shown.
        accounts: whose log files they were, as far as the runs say; an organization's trail has many.
        reasons: reason → records and files put into the quarantine in the days shown.
        examples: reason → places, the newest first.
        drift: fields without a column or that do not fit theirs, with the records of the days shown.
        episodes: insights by their id, Start and End put together, the newest first.
        findings: those of the newest run that has any, with that run.
    """

    runs: Sequence[PastRun]
    validated: int
    hours: Mapping[datetime, tuple[int, int]]
    lags: Sequence[tuple[datetime, int]]
    failures: Sequence[datetime]
    regions: Mapping[str, tuple[int, int]]
    accounts: Sequence[str]
    reasons: Mapping[str, int]
    examples: Mapping[str, list[dict[str, Any]]]
    drift: Sequence[Mapping[str, Any]]
    episodes: Sequence[Mapping[str, Any]]
    findings: tuple[Run, Sequence[Finding]] | None


def read_history(session: "Session", row: Row, now: datetime) -> History:
    """The history of a row's table, by its DAG's runs."""
    since = now - timedelta(days=DAYS)
    runs = list(database.last_runs(session, row.dag.dag_id, MOST_RUNS))
    recent = [run for run in runs if run.began >= since]
    newest = runs[:SHOWN_RUNS]
    asked = {run.id: run for run in (*recent, *newest)}
    recorded, _ = database.read_recorded(session, asked, [row.kind])
    validations = {run: found for (run, _), found in recorded.items()}
    pushed = dict(database.read_pushed(session, (run.id for run in newest)))
    extra = database.read_extra(session, asked, row.kind)
    tasks = database.read_tasks(session, [run for run in newest if run.state != "success"])
    own = {id: v for id, v in validations.items() if v.outcome.get("table") == row.table}
    of_days = sorted((v for v in own.values() if v.at >= since), key=lambda v: v.at)
    details = [extra.get((v.run, DETAILS_KEY)) or {} for v in of_days]
    past = []
    for run in newest:
        told = pushed.get(run.id, Pushed())
        if not _is_of(row, validations.get(run.id), told):
            continue
        state, why = outcome_in(run, row.kind, run.id in own, told, tasks.get(run.id, {}))
        page = str(extra.get((run.id, database.PAGE_KEY)) or "")
        past.append(PastRun(run=run, state=state, detail=why, validation=own.get(run.id), page=page))
    return History(
        runs=past,
        validated=len(of_days),
        hours=_hours(details, since),
        lags=[(v.at, int(lag)) for v in of_days if (lag := v.outcome.get("slowest_seconds")) is not None],
        failures=[run.ended or run.began for run in recent if run.state == "failed" and run.id not in own],
        regions=_regions(details),
        accounts=sorted({account for v in of_days for account in v.outcome.get("run_accounts", [])}),
        reasons=_reasons(of_days),
        examples=_examples(details),
        drift=_drift(of_days),
        episodes=merge_episodes(episode for found in details for episode in found.get("episodes", [])),
        findings=_findings(newest, extra),
    )


def _is_of(row: Row, validation: Validation | None, pushed: Pushed) -> bool:
    """Whether a run was to write the row's table: by its request, by its validation, else by its DAG."""
    if pushed.requests:
        request = pushed.requests.get(row.kind) or {}
        return bool(request.get("table") == row.table)
    if validation:
        return bool(validation.outcome.get("table") == row.table)
    return row.dag.dag_id != database.FORM_DAG


def _hours(details: Iterable[Mapping[str, Any]], since: datetime) -> dict[datetime, tuple[int, int]]:
    found: dict[datetime, tuple[int, int]] = {}
    for one in details:
        for text, files, rows in one.get("hours", []):
            at = moment(text)
            if at and at >= since - timedelta(hours=1):
                before = found.get(at, (0, 0))
                found[at] = (before[0] + files, before[1] + rows)
    return dict(sorted(found.items()))


def _regions(details: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for one in details:
        for region, (files, rows) in one.get("regions", {}).items():
            before = found.get(region, (0, 0))
            found[region] = (before[0] + files, before[1] + rows)
    return found


def _reasons(validations: Iterable[Validation]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for validation in validations:
        found.update(validation.outcome.get("reasons", {}))
    return dict(found.most_common())


def _examples(details: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in reversed(details):
        for reason, places in one.get("examples", {}).items():
            for place in reversed(places):
                if len(found[reason]) < SHOWN_EXAMPLES and place not in found[reason]:
                    found[reason].append(place)
    return found


def _drift(validations: Iterable[Validation]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for validation in validations:
        for row in validation.outcome.get("schema_drift", []):
            key = (str(row["field"]), str(row["problem"]))
            before = found.setdefault(key, dict(row) | {"records": 0})
            before["records"] += int(row["records"])
    return sorted(found.values(), key=lambda row: (-row["records"], row["field"]))


def merge_episodes(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One per insight, its Start and its End put together; open ones first, then the newest."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        before = found.setdefault(str(record["shared_event_id"]), dict(record))
        starts = [at for at in (before["started_at"], record["started_at"]) if at]
        ends = [at for at in (before["ended_at"], record["ended_at"]) if at]
        peaks = [peak for peak in (before["peak"], record["peak"]) if peak is not None]
        before["started_at"] = min(starts, default=None)
        before["ended_at"] = max(ends, default=None)
        before["peak"] = max(peaks, default=None)
        if before["baseline"] is None:
            before["baseline"] = record["baseline"]
    newest = sorted(found.values(), key=lambda one: one["started_at"] or one["ended_at"] or "", reverse=True)
    return sorted(newest, key=lambda one: one["ended_at"] is not None)


def _findings(
    runs: Sequence[Run], extra: Mapping[tuple[int, str], Any]
) -> tuple[Run, Sequence[Finding]] | None:
    for run in runs:
        stored = extra.get((run.id, FINDINGS_KEY))
        if isinstance(stored, list):
            return run, [Finding(**one) for one in stored]
    return None
