"""When a lasting cause is over, by what a later run of its DAG shows. Pure.

| cause | what ends it | who finds it |
|---|---|---|
| a task failed | the task succeeds | `notify`; of the digest and the set-up, `RecoveryNotifier` |
| a task failed | its DAG has no such task any more: a corrected entry, a kind that was dropped | `notify` |
| a task failed | a run that goes through does not ask for its kind (`kinds`) | `notify` |
| a task failed | a continuous run that goes through skips it (`wait_for_run`) | `notify` |
| `notify` failed | `notify` gets as far as telling what is over | `notify` |
| preflight checks failed | `preflight` succeeds | `notify`; of the set-up, `RecoveryNotifier` |
| no new log file | the table's newest log file is recent enough, or `alert_silent_hours` is 0 | `notify` |
| the run is late | a later run goes through | `notify` |
| any of them | no run meets it for 35 days: forgotten without a message | the DAG's next run |

A run ends causes of its own scope only (`Cause.scope`): of the same tables. A run that sends `test_alert`
ends none. What is news (insights, quarantine, drift, warnings) has no end and is forgotten after a week.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cloudtrail_to_delta.alerts.silence import is_silence_checked
from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.records.cause import Cause
from cloudtrail_to_delta.records.outcome import Outcome

# In what way a cause is over, as the message says it; empty while it lasts.
Ending = Literal["", "ok again", "no longer asked for"]
FAILED = ("failed", "upstream_failed")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one DAG run shows.

    Attributes:
        task_id: the task that looks, which runs and so has not failed.
        states: task id → state, of every task of this DAG run.
        outcomes: what its validations found.
        raised: the names of the events that it has.
        started: when it began.
        params: what it was run with.
        now: the time.
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
        """Whether the ingest was run and no task failed."""
        ended = bool(self.states) and not any(state in FAILED for state in self.states.values())
        return ended and not self.params.get("preflight_only")


def ending(record: Cause, run: Evidence) -> Ending:
    """In what way this run shows that a lasting cause is over; empty when it does not."""
    if record.name in run.raised:
        return ""
    if record.name == "late":
        return "ok again" if record.last < run.started and run.went_through else ""
    if record.name == "no_new_files":
        return _end_of_silence(record, run)
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
    """Whether the DAG has no such task any more, or the run went through and was not asked for it."""
    if run.states and record.subject not in run.states:
        return True
    if run.params.get("trigger") == "continuous" and run.states.get(record.subject) == "skipped":
        return run.went_through
    kind, asked = record.subject.rpartition(".")[0], run.params.get("kinds") or KINDS
    return kind in KINDS and kind not in asked and run.went_through


__all__ = ["Ending", "Evidence", "ending"]
