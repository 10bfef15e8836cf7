"""The state of one kind of one DAG: the result of its newest run, and since when its runs have failed.

A run that failed before its validation has no record. Airflow's own tables show that it failed, and since
when the runs before it have failed. Some runs neither ingest nor try to: a check, a test alert, a refused
manual run. They say nothing about a table, so the run before them decides its state.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.ui.facts import Dag, Facts, Pushed, Run

# The most urgent first. A `checked` DAG has only run checks or sent test alerts so far. A `broken` DAG cannot
# be parsed, or its entry is disabled. The entry of a `corrected` DAG was disabled before. No file defines a
# `removed` DAG. No rows can be made for an `unreadable` DAG.
STATES = (
    *("failed", "broken", "unreadable", "running", "corrected", "never"),
    *("skipped", "checked", "ok", "removed"),
)
REASONS = {
    "broken": "an error in accounts.yaml or the DAG file: see the DAG's page or Import Errors",
    "removed": "no file defines this DAG anymore",
    "corrected": "the next run ingests",
}
CHECKED = "only ran preflight"
TESTED = "only sent a test alert"
# Until these have succeeded, nothing is submitted or written.
EARLY = frozenset({"resolve", "preflight"})
# The only task of a DAG whose entry is broken.
DISABLED = frozenset({"disabled"})


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The kind and table that a row concerns."""

    kind: str
    table: str


class Became(NamedTuple):
    """The result of one run for one kind. `counts` says whether it decides the state of the table."""

    run: Run
    state: str
    why: str
    counts: bool = True


@dataclass(frozen=True, kw_only=True)
class State:
    """A state, with its times and its reason.

    Attributes:
        name: one of `STATES`.
        since: when the state began.
        failed_before: with `running`, since when the runs before it have failed.
        detail: the reason, and what newer runs did that do not count.
    """

    name: str
    since: datetime | None = None
    failed_before: datetime | None = None
    detail: str = ""


def state_of(facts: Facts, dag: Dag, subject: Subject, runs: Sequence[Run]) -> State:
    """Return the state of a subject, by the runs that concern it, newest first."""
    became = [outcome_of(facts, run, subject.kind) for run in runs]
    finished = [one for one in became if one.state != "running"]
    going = became[0].run if became and became[0].state == "running" else None
    counting = [one for one in finished if one.counts]
    failed_since = _failed_since(facts, dag, subject, counting)
    if told := state_of_dag(dag):
        return State(name=told, since=failed_since if dag.broken else None, detail=REASONS[told])
    newest = (counting or finished)[0] if finished else None
    if going:
        why = newest.why if newest and failed_since else ""
        return State(name="running", since=_moment(going), failed_before=failed_since, detail=why)
    if newest is None:
        return State(name="never")
    passed = _passed(finished[: finished.index(newest)])
    detail = "; ".join(part for part in (newest.why, passed) if part)
    return State(name=newest.state, since=failed_since or _moment(newest.run), detail=detail)


def state_of_dag(dag: Dag) -> str:
    """Return the state of a DAG that does not depend on its runs, empty if it has none."""
    return "broken" if dag.broken else "removed" if dag.removed else ""


def _passed(newer: Sequence[Became]) -> str:
    """Describe the newest of the runs that do not count."""
    if not newer:
        return ""
    _, state, why, _ = newer[0]
    if state == "failed":
        return f"the newest run, a manual one, failed at {why} before anything was submitted"
    return f"the newest run {why}"


def _failed_since(facts: Facts, dag: Dag, subject: Subject, counting: Sequence[Became]) -> datetime | None:
    """Return when the current series of failures began, None if the newest run has not failed."""
    first = None
    for run, state, _, _ in counting:
        if state != "failed":
            break
        first = run
    # If no run in the facts succeeded, the database was asked for the earlier ones.
    return facts.failing.get((dag.dag_id, subject.kind), first.began) if first else None


def outcome_of(facts: Facts, run: Run, kind: str) -> Became:
    """Return the result of one run for one kind, from the facts."""
    pushed, tasks = facts.pushed.get(run.id, Pushed()), facts.tasks.get(run.id, {})
    validated = [one for one in KINDS if (run.id, one) in facts.validations]
    state, why = outcome_in(run, kind, validated, pushed, tasks)
    dag = facts.dags[run.dag_id]
    if state == "failed" and failed_tasks(tasks) == DISABLED and not dag.broken:
        return Became(run, "corrected", REASONS["corrected"])
    return Became(run, state, why, counts=state != "checked" and not is_refused(dag, run, tasks))


def is_refused(dag: Dag, run: Run, tasks: Mapping[str, str]) -> bool:
    """Return whether a manual run of a scheduled DAG failed before anything was submitted."""
    # The state of alerts and metrics does not matter here.
    failed = failed_tasks(tasks) - {"notify"}
    return bool(run.state == "failed" and run.manual and dag.next_run and failed and failed <= EARLY)


def outcome_in(
    run: Run, kind: str, validated: Collection[str], pushed: Pushed, tasks: Mapping[str, str]
) -> tuple[str, str]:
    """Return the state of one kind in one run, and why. `validated` are the kinds that the run validated."""
    if kind in validated:
        return "ok", ""
    if not run.finished:
        return "running", ""
    skipped = pushed.skipped.get(kind, "")
    if run.state == "failed":
        failed = failed_tasks(tasks)
        own = {task for task in failed if "." not in task or task.startswith(f"{kind}.")}
        if failed and not own and (skipped or tasks.get(f"{kind}.submit") == "skipped"):
            return "skipped", skipped
        return "failed", ", ".join(sorted(own or failed))
    if skipped or validated:
        return "skipped", skipped
    return "checked", CHECKED if pushed.resolved else TESTED


def failed_tasks(tasks: Mapping[str, str]) -> frozenset[str]:
    """Return the tasks that failed themselves, without those that waited for them."""
    return frozenset(task for task, state in tasks.items() if state == "failed")


def _moment(run: Run) -> datetime:
    return run.ended or run.began
