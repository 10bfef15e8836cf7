"""Decides when a lasting cause has ended, by what a later run of its DAG shows. Pure.

| cause | what ends it | what finds the end |
|---|---|---|
| a task failed | the task succeeds | `notify`; in the digest and the set-up, `RecoveryNotifier` |
| a task failed | its DAG no longer has the task (a corrected entry, a dropped kind) | `notify` |
| a task failed | a complete run does not ask for its kind (`kinds`) | `notify` |
| a task failed | a complete continuous run skips it (`wait_for_run`) | `notify` |
| `notify` failed | `notify` reaches the step that reports ended causes | `notify` |
| log files do not balance | their validation succeeds: it checks the same log files again | `notify` |
| preflight checks failed | `preflight` succeeds | `notify`; in the set-up, `RecoveryNotifier` |
| no new log files | the table's newest log file is recent enough, or `alert_silent_hours` is 0 | `notify` |
| late run | a later run is complete | `notify` |
| a gap between bucket and tables | a run compares the day and finds none | `report_gaps`, see `alerts.gaps` |
| any of them | no run sees it for 35 days; it is forgotten without a message | the DAG's next run |

A run is complete if it ingested and no task failed. A run ends only causes of its own scope (`Cause.scope`),
which means the same tables. A run with `test_alert` ends none. News (insights, quarantine, drift, warnings)
has no end and is forgotten after a week.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cloudtrail_to_delta.alerts.silence import is_silence_checked
from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.records.cause import Cause
from cloudtrail_to_delta.records.outcome import Outcome

# How a cause ended, as the message says it. Empty while it lasts.
Ending = Literal["", "ok again", "no longer asked for"]
FAILED = ("failed", "upstream_failed")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one DAG run shows about causes.

    Attributes:
        task_id: the task that evaluates the run. It is running, so it has not failed.
        states: task id → state, for every task of this DAG run.
        outcomes: the results of its validations.
        raised: the names of the events that the run has.
        started: when the run started.
        params: the params of the run.
        now: the current time.
    """

    task_id: str
    states: Mapping[str, str]
    outcomes: Sequence[Outcome]
    raised: frozenset[str]
    started: datetime
    params: Mapping[str, Any]
    now: datetime

    @property
    def failed(self) -> list[str]:
        """The tasks that failed."""
        return [task for task, state in self.states.items() if state == "failed"]

    @property
    def went_through(self) -> bool:
        """Whether the run ingested and no task failed."""
        ended = bool(self.states) and not any(state in FAILED for state in self.states.values())
        return ended and not self.params.get("preflight_only")


def ending(record: Cause, run: Evidence) -> Ending:
    """Return how a lasting cause ended according to this run, empty if it has not ended."""
    if record.name in run.raised:
        return ""
    if record.name == "late":
        return "ok again" if record.last < run.started and run.went_through else ""
    if record.name == "no_new_files":
        return _end_of_silence(record, run)
    if record.name == "unbalanced":
        # A kind that nobody asks for any more has still lost its records.
        return "ok again" if run.states.get(record.subject) == "success" else ""
    if record.subject == run.task_id or run.states.get(record.subject) == "success":
        return "ok again"
    return "no longer asked for" if _is_dropped(record, run) else ""


def _end_of_silence(record: Cause, run: Evidence) -> Ending:
    checked = [outcome for outcome in run.outcomes if is_silence_checked(outcome, run.params, now=run.now)]
    if checked:
        return "ok again"
    switched_off = any(outcome.kind == "events" for outcome in run.outcomes) and not int(
        run.params.get("alert_silent_hours") or 0
    )
    return "no longer asked for" if switched_off or _is_dropped(record, run) else ""


def _is_dropped(record: Cause, run: Evidence) -> bool:
    """Return whether the DAG no longer has the task, or a complete run was not asked for it."""
    if run.states and record.subject not in run.states:
        return True
    if run.params.get("trigger") == "continuous" and run.states.get(record.subject) == "skipped":
        return run.went_through
    kind, asked = record.subject.rpartition(".")[0], run.params.get("kinds") or KINDS
    return kind in KINDS and kind not in asked and run.went_through


__all__ = ["Ending", "Evidence", "ending"]
