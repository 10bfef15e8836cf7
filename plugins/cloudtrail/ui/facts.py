"""What the pages show, as Airflow's database has it: DAGs, their runs, and what the runs recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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
    """One DAG run; `began` is when it was due, or asked for, before it started."""

    id: int
    dag_id: str
    run_id: str
    state: str
    began: datetime
    ended: datetime | None

    @property
    def finished(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in FINAL


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What `validate_rows` returned for one kind in one run, and when."""

    run: int
    kind: str
    at: datetime
    outcome: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What other tasks of a run left: requests by kind, reasons for skipped kinds."""

    requests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)


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
        alerts: what was told of a run, by DAG run; see the XCom `alerts`.
        failing: when a (DAG, kind) began to fail, where that was before the runs at hand.
    """

    at: datetime
    dags: Mapping[str, Dag]
    runs: Mapping[str, list[Run]]
    validations: Mapping[tuple[int, str], Validation]
    pushed: Mapping[int, Pushed]
    tasks: Mapping[int, Mapping[str, str]]
    failing: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    alerts: Mapping[int, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
