"""The facts that the pages show, from Airflow's database: DAGs, their runs, and what the runs recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cloudtrail_to_delta.records.notes import Note
from cloudtrail_to_delta.records.outcome import Outcome
from cloudtrail_to_delta.records.requests import Request

FINAL = frozenset({"success", "failed"})


@dataclass(frozen=True, kw_only=True)
class Dag:
    """One ingest DAG: the DAG with the form, or the DAG of an account."""

    dag_id: str
    paused: bool
    # Its file has an import error, or its entry in accounts.yaml is disabled.
    broken: bool
    # No file defines it anymore.
    removed: bool
    schedule: str
    next_run: datetime | None


@dataclass(frozen=True, kw_only=True)
class Run:
    """One DAG run.

    Attributes:
        began: when it started. If it has not started, when it was due or triggered.
        manual: a person or another DAG triggered it, not the schedule.
    """

    id: int
    dag_id: str
    run_id: str
    state: str
    began: datetime
    ended: datetime | None
    manual: bool = False

    @property
    def finished(self) -> bool:
        """Whether the run has ended."""
        return self.state in FINAL


@dataclass(frozen=True, kw_only=True)
class Validation:
    """The return value of `validate_rows` for one kind in one run, and when it was returned.

    The outcome is None if it is not in the database or unreadable. The run was validated anyway.
    """

    run: int
    kind: str
    at: datetime
    outcome: Outcome | None


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """The records of other tasks of a run: requests by kind, reasons for skipped kinds.

    `resolved` says whether `resolve` left requests, even if they are not in the database.
    """

    requests: Mapping[str, Request] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    resolved: bool = False


@dataclass(frozen=True, kw_only=True)
class Told:
    """The alerts of one run, from its XComs: its notes in the order in which tasks ended, and its targets.

    `targets` is None if no task has recorded the targets.
    """

    notes: Sequence[Note] = ()
    targets: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All facts for the overview.

    Attributes:
        at: when the facts were read.
        dags: by DAG id.
        runs: by DAG id, newest first: the runs of the last day, and the newest ones before it.
        validations: by DAG run and kind.
        pushed: by DAG run, for the runs that decide a state.
        tasks: task id → state, by DAG run, for runs that did not succeed.
        alerts: the alerts of a run, by DAG run.
        failing: when a (DAG, kind) began to fail, if that was before the runs above. The kind is empty for a
            DAG without a known table.
        unreadable: the unreadable records, as task and key, by DAG run.
    """

    at: datetime
    dags: Mapping[str, Dag]
    runs: Mapping[str, list[Run]]
    validations: Mapping[tuple[int, str], Validation]
    pushed: Mapping[int, Pushed]
    tasks: Mapping[int, Mapping[str, str]]
    failing: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    alerts: Mapping[int, Told] = field(default_factory=dict)
    unreadable: Mapping[int, Sequence[str]] = field(default_factory=dict)
