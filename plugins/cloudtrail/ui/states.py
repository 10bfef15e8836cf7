"""The state of one kind of one DAG: the newest run's outcome, and since when it has been failing.

A run that failed before it validated has recorded nothing of its own: that it failed, and since when the runs
before it did, is told from Airflow's own rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cloudtrail.ui.facts import Dag, Facts, Pushed, Run

# In the order in which a person wants to see them. `checked` is a run of preflight alone.
# `broken` is a DAG that cannot be parsed or whose entry is disabled, `removed` one that no file defines.
STATES = ("failed", "broken", "running", "never", "skipped", "checked", "ok", "removed")
REASONS = {
    "broken": "its entry in accounts.yaml, or its file, has an error: see the DAG's page, Import Errors",
    "removed": "no file defines this DAG any more",
}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a row is about."""

    kind: str
    table: str


def state_of(
    facts: Facts, dag: Dag, subject: Subject, runs: Sequence[Run]
) -> tuple[str, datetime | None, datetime | None, str]:
    """State, since when, since when it failed before a run that goes on, and why."""
    outcomes = [(run, *outcome_of(facts, run, subject.kind)) for run in runs]
    finished = [(run, state, why) for run, state, why in outcomes if state != "running"]
    going = outcomes[0][0] if outcomes and outcomes[0][1] == "running" else None
    failed_since = _failed_since(facts, dag, subject, finished)
    if told := state_of_dag(dag):
        return told, failed_since if dag.broken else None, None, REASONS[told]
    if going:
        return "running", _moment(going), failed_since, finished[0][2] if failed_since else ""
    if not finished:
        return "never", None, None, ""
    run, state, why = finished[0]
    return state, failed_since or _moment(run), None, why


def state_of_dag(dag: Dag) -> str:
    """The state that a DAG has whatever its runs did; empty when it has none."""
    return "broken" if dag.broken else "removed" if dag.removed else ""


def _failed_since(
    facts: Facts, dag: Dag, subject: Subject, finished: Sequence[tuple[Run, str, str]]
) -> datetime | None:
    """When the first of the failures began that the newest run continues; None when it has not failed."""
    first = None
    for run, state, _ in finished:
        if state != "failed":
            break
        first = run
    # Where no run at hand went well, the database was asked for those before them.
    return facts.failing.get((dag.dag_id, subject.kind), first.began) if first else None


def outcome_of(facts: Facts, run: Run, kind: str) -> tuple[str, str]:
    """The same, of a run among the facts."""
    pushed, tasks = facts.pushed.get(run.id, Pushed()), facts.tasks.get(run.id, {})
    return outcome_in(run, kind, (run.id, kind) in facts.validations, pushed, tasks)


def outcome_in(
    run: Run, kind: str, validated: bool, pushed: Pushed, tasks: Mapping[str, str]
) -> tuple[str, str]:
    """What became of one kind in one run, and why."""
    if validated:
        return "ok", ""
    if not run.finished:
        return "running", ""
    skipped = pushed.skipped.get(kind, "")
    if run.state == "failed":
        failed = [task for task, state in tasks.items() if state == "failed"]
        own = [task for task in failed if "." not in task or task.startswith(f"{kind}.")]
        if failed and not own and (skipped or tasks.get(f"{kind}.submit") == "skipped"):
            return "skipped", skipped
        return "failed", ", ".join(sorted(own or failed))
    return ("skipped", skipped) if skipped else ("checked", "the run was to check, not to ingest")


def _moment(run: Run) -> datetime:
    return run.ended or run.began
