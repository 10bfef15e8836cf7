"""The state of one kind of one DAG: what its newest run came to, and since when its runs have failed.

A run that failed before it validated has recorded nothing of its own: that it failed, and since when the runs
before it did, is known from Airflow's own rows. A run that neither ingested nor tried to (a check, a test
alert, a manual run that was refused) says nothing about a table: the run before it does.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.ui.facts import Dag, Facts, Pushed, Run

# In the order in which a person wants to see them. `checked` is a DAG that has only checked or tested so far.
# `broken` is one that cannot be parsed or whose entry is disabled, `corrected` one whose entry was disabled.
# `removed` is one that no file defines, `unreadable` one for which no rows can be made.
STATES = (
    *("failed", "broken", "unreadable", "running", "corrected", "never"),
    *("skipped", "checked", "ok", "removed"),
)
REASONS = {
    "broken": "its entry in accounts.yaml, or its file, has an error: see the DAG's page, Import Errors",
    "removed": "no file defines this DAG any more",
    "corrected": "its entry in accounts.yaml is corrected: the next run ingests",
}
CHECKED = "only checked: nothing was ingested"
TESTED = "only sent a test alert"
# Before these have ended well, nothing is submitted or written.
EARLY = frozenset({"resolve", "preflight"})
# The one task of a DAG whose entry is broken.
DISABLED = frozenset({"disabled"})


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a row is about."""

    kind: str
    table: str


class Became(NamedTuple):
    """What became of one kind in one run; `counts` is whether that says anything about the table."""

    run: Run
    state: str
    why: str
    counts: bool = True


@dataclass(frozen=True, kw_only=True)
class State:
    """A state, in words and times.

    Attributes:
        name: one of `STATES`.
        since: when it began.
        failed_before: with `running`: since when the runs before it have failed.
        detail: why, and what newer runs did that say nothing about the table.
    """

    name: str
    since: datetime | None = None
    failed_before: datetime | None = None
    detail: str = ""


def state_of(facts: Facts, dag: Dag, subject: Subject, runs: Sequence[Run]) -> State:
    """The state of a subject by the runs that concern it, the newest first."""
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
    """The state that a DAG has whatever its runs did; empty when it has none."""
    return "broken" if dag.broken else "removed" if dag.removed else ""


def _passed(newer: Sequence[Became]) -> str:
    """What the newest of the runs did that say nothing about the table."""
    if not newer:
        return ""
    _, state, why, _ = newer[0]
    if state == "failed":
        return f"the newest run, a manual one, failed at {why}, before anything was submitted"
    return f"the newest run {why}"


def _failed_since(facts: Facts, dag: Dag, subject: Subject, counting: Sequence[Became]) -> datetime | None:
    """When the first of the failures began that the newest run continues; None when it has not failed."""
    first = None
    for run, state, _, _ in counting:
        if state != "failed":
            break
        first = run
    # Where no run at hand went well, the database was asked for those before them.
    return facts.failing.get((dag.dag_id, subject.kind), first.began) if first else None


def outcome_of(facts: Facts, run: Run, kind: str) -> Became:
    """What became of one kind in one run, among the facts."""
    pushed, tasks = facts.pushed.get(run.id, Pushed()), facts.tasks.get(run.id, {})
    validated = [one for one in KINDS if (run.id, one) in facts.validations]
    state, why = outcome_in(run, kind, validated, pushed, tasks)
    dag = facts.dags[run.dag_id]
    if state == "failed" and failed_tasks(tasks) == DISABLED and not dag.broken:
        return Became(run, "corrected", REASONS["corrected"])
    return Became(run, state, why, counts=state != "checked" and not is_refused(dag, run, tasks))


def is_refused(dag: Dag, run: Run, tasks: Mapping[str, str]) -> bool:
    """Whether a run failed that a person asked for beside a schedule, before anything was submitted."""
    # How alerts and metrics went is not what the run is about.
    failed = failed_tasks(tasks) - {"notify"}
    return bool(run.state == "failed" and run.manual and dag.next_run and failed and failed <= EARLY)


def outcome_in(
    run: Run, kind: str, validated: Collection[str], pushed: Pushed, tasks: Mapping[str, str]
) -> tuple[str, str]:
    """What became of one kind in one run, and why; `validated` are the kinds that the run validated."""
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
    """The tasks that failed, not those that only waited for them."""
    return frozenset(task for task, state in tasks.items() if state == "failed")


def _moment(run: Run) -> datetime:
    return run.ended or run.began
