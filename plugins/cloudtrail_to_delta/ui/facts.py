"""What the pages show, as Airflow's database has it: DAGs, their runs, and what the runs recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cloudtrail_to_delta.records.notes import Note
from cloudtrail_to_delta.records.outcome import Outcome
from cloudtrail_to_delta.records.requests import Request

FINAL = frozenset({"success", "failed"})


@dataclass(frozen=True, kw_only=True)
class Dag:
    """One ingest DAG: that of the form, or that of an account."""

    dag_id: str
    paused: bool
    # Its file has an import error, or its entry in accounts.yaml is disabled.
    broken: bool
    # No file defines it any more.
    removed: bool
    schedule: str
    next_run: datetime | None


@dataclass(frozen=True, kw_only=True)
class Run:
    """One DAG run.

    Attributes:
        began: when it started; when it was due, or asked for, before that.
        manual: a person or another DAG asked for it, not the schedule.
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
        """Whether nothing more comes of it."""
        return self.state in FINAL


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What `validate_rows` returned for one kind in one run, and when.

    The outcome is None where it is not in the database, or cannot be read: the run was validated anyway.
    """

    run: int
    kind: str
    at: datetime
    outcome: Outcome | None


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What other tasks of a run left: requests by kind, reasons for skipped kinds.

    `resolved` says whether `resolve` left requests at all, also where they are not in the database.
    """

    requests: Mapping[str, Request] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    resolved: bool = False


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one run told, by its XComs: its notes in the order of their tasks' ends, and its targets.

    `targets` is None where no task has said which targets there are.
    """

    notes: Sequence[Note] = ()
    targets: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that the overview is made from.

    Attributes:
        at: when it was read.
        dags: by DAG id.
        runs: by DAG id, newest first: those of the last day, and the newest ones before it.
        validations: by DAG run and kind.
        pushed: by DAG run, of the runs that a state is told from.
        tasks: task id → state, by DAG run, where the run did not succeed.
        alerts: what was told of a run, by DAG run.
        failing: when a (DAG, kind) began to fail, where that was before the runs at hand; the kind is empty
            for a DAG of which no table is known.
        unreadable: the records that cannot be read, as task and key, by DAG run.
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
