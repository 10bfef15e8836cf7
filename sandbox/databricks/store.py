"""The state that survives a restart of the stand-in, in one SQLite file: runs, task runs, SQL statements.

Two writers share a run without conflicts. The API adds runs and requests their end (`request_cancel`,
`delete`), and only the scheduler writes their states (`save_run`, `save_task`). Times are epoch milliseconds,
and 0 means "not yet".
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sandbox.databricks.payloads import Json

_TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS ids (id INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE TABLE IF NOT EXISTS runs (
    run_id INTEGER PRIMARY KEY, token TEXT UNIQUE, submitted INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0, document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS tasks (
    run_id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, cancelled INTEGER NOT NULL DEFAULT 0,
    document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS tasks_of_a_run ON tasks (parent);
CREATE TABLE IF NOT EXISTS statements (
    statement_id TEXT PRIMARY KEY, submitted INTEGER NOT NULL, document TEXT NOT NULL
);
"""
_FIRST_ID = 100_000


@dataclass(kw_only=True)
class Run:
    """One submitted run; `request` is the checked body of `runs/submit`."""

    run_id: int
    job_id: int
    request: Json
    submitted: int
    admitted: int = 0
    ended: int = 0
    timed_out: bool = False
    cancelled: bool = False

    @property
    def name(self) -> str:
        """The run's display name."""
        return str(self.request.get("run_name", "Untitled"))


@dataclass(kw_only=True)
class TaskRun:
    """One attempt at one task; `state`, `result` and `code` are the service's terms (see `states`)."""

    run_id: int
    parent: int
    spec: Json
    state: str
    attempt: int = 0
    result: str = ""
    message: str = ""
    code: str = ""
    ready: int = 0
    launched: int = 0
    running: int = 0
    ended: int = 0
    pid: int = 0
    born: float = 0.0
    timed_out: bool = False
    cancelled: bool = False

    @property
    def key(self) -> str:
        """The task's key within its run."""
        return str(self.spec["task_key"])


@dataclass(kw_only=True)
class Statement:
    """One SQL statement: its request, its state, and its result or error."""

    statement_id: str
    request: Json
    submitted: int
    state: str = "PENDING"
    error: dict[str, str] = field(default_factory=dict)
    columns: list[Json] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    truncated: bool = False


class Store:
    """The state of one stand-in. Thread-safe."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def add(self, request: Json, *, submitted: int) -> tuple[Run, bool]:
        """Return the run of this request, and whether it is new; a known idempotency token returns its run.

        Raises:
            LookupError: if the token's run was deleted; its argument is that run's id.
        """
        token = request.get("idempotency_token") or None
        with self._transaction() as db:
            known = db.execute("SELECT run_id, deleted FROM runs WHERE token = ?", (token,)).fetchone()
            if known is not None:
                if known[1]:
                    raise LookupError(known[0])
                return self._runs("run_id = ?", known[0])[0], False
            run = Run(run_id=_new_id(db), job_id=_new_id(db), request=request, submitted=submitted)
            db.execute(
                "INSERT INTO runs (run_id, token, submitted, document) VALUES (?, ?, ?, ?)",
                (run.run_id, token, submitted, _document(run)),
            )
            for spec in request["tasks"]:
                state = "BLOCKED" if spec.get("depends_on") else "PENDING"
                _insert(db, TaskRun(run_id=_new_id(db), parent=run.run_id, spec=spec, state=state))
            return run, True

    def finish(self, task: TaskRun, *, again: int | None) -> None:
        """Write that an attempt has ended and, if `again` is a time, add the next attempt, due then.

        Both happen in one transaction, because between them the run would seem to have ended.
        """
        with self._transaction() as db:
            _update(db, task)
            if again is not None:
                attempt = TaskRun(
                    run_id=_new_id(db),
                    parent=task.parent,
                    spec=task.spec,
                    attempt=task.attempt + 1,
                    state="WAITING_FOR_RETRY",
                    ready=again,
                )
                _insert(db, attempt)

    def forget(self, run_id: int) -> None:
        """Delete a run and its idempotency token, as the service does after 60 days."""
        with self._transaction() as db:
            db.execute("UPDATE runs SET token = NULL, deleted = 1 WHERE run_id = ?", (run_id,))

    def run(self, run_id: int) -> Run | None:
        """Return a run that was not deleted, or None."""
        found = self._runs("run_id = ? AND NOT deleted", run_id)
        return found[0] if found else None

    def runs(self) -> list[Run]:
        """Return every run that was not deleted, newest first."""
        return self._runs("NOT deleted")

    def active(self) -> list[Run]:
        """Return every run that has not ended, oldest first."""
        return [run for run in reversed(self.runs()) if not run.ended]

    def _runs(self, where: str, *values: Any) -> list[Run]:
        rows = self._rows(
            f"SELECT document, cancelled FROM runs WHERE {where} ORDER BY submitted DESC, run_id DESC",  # noqa: S608 - `where` is this module's own
            *values,
        )
        return [Run(**json.loads(document) | {"cancelled": bool(cancelled)}) for document, cancelled in rows]

    def tasks(self, run_id: int) -> list[TaskRun]:
        """Return every attempt of a run's tasks, in the order of their creation."""
        return self._tasks("parent = ?", run_id)

    def task(self, run_id: int) -> TaskRun | None:
        """Return one attempt by its own run id, or None."""
        found = self._tasks("run_id = ?", run_id)
        return found[0] if found and self.run(found[0].parent) else None

    def _tasks(self, where: str, *values: Any) -> list[TaskRun]:
        rows = self._rows(
            f"SELECT document, cancelled FROM tasks WHERE {where} ORDER BY run_id",  # noqa: S608 - `where` is this module's own
            *values,
        )
        return [
            TaskRun(**json.loads(document) | {"cancelled": bool(cancelled)}) for document, cancelled in rows
        ]

    def save_run(self, run: Run) -> None:
        """Write the state of a run; only the scheduler calls this."""
        with self._transaction() as db:
            db.execute("UPDATE runs SET document = ? WHERE run_id = ?", (_document(run), run.run_id))

    def save_task(self, task: TaskRun) -> None:
        """Write the state of an attempt; only the scheduler calls this."""
        with self._transaction() as db:
            _update(db, task)

    def request_cancel(self, run_id: int) -> None:
        """Request the end of a run or of one attempt, which the scheduler then ends."""
        with self._transaction() as db:
            db.execute("UPDATE runs SET cancelled = 1 WHERE run_id = ?", (run_id,))
            db.execute("UPDATE tasks SET cancelled = 1 WHERE run_id = ?", (run_id,))

    def active_on(self, cluster_id: str) -> list[TaskRun]:
        """Return every attempt that runs, or waits to run, on this cluster."""
        return [
            task
            for run in self.active()
            for task in self.tasks(run.run_id)
            if task.spec.get("existing_cluster_id") == cluster_id and not task.ended
        ]

    def last_use(self, cluster_id: str) -> int | None:
        """Return when the last attempt on this cluster ended; None while one is active, 0 without any."""
        if self.active_on(cluster_id):
            return None
        rows = self._rows(
            "SELECT max(json_extract(document, '$.ended')) FROM tasks "
            "WHERE json_extract(document, '$.spec.existing_cluster_id') = ?",
            cluster_id,
        )
        return int(rows[0][0] or 0)

    def delete(self, run_id: int) -> None:
        """Hide a run; its token cannot be used again."""
        with self._transaction() as db:
            db.execute("UPDATE runs SET deleted = 1 WHERE run_id = ?", (run_id,))

    def save_statement(self, statement: Statement) -> None:
        """Insert or replace a statement."""
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO statements VALUES (?, ?, ?)",
                (statement.statement_id, statement.submitted, _document(statement)),
            )

    def statement(self, statement_id: str) -> Statement | None:
        """Return a statement by its id, or None."""
        rows = self._rows("SELECT document FROM statements WHERE statement_id = ?", statement_id)
        return Statement(**json.loads(rows[0][0])) if rows else None

    def statements(self) -> list[Statement]:
        """Return every statement, oldest first."""
        rows = self._rows("SELECT document FROM statements ORDER BY submitted")
        return [Statement(**json.loads(document)) for (document,) in rows]


def _new_id(db: sqlite3.Connection) -> int:
    """Return a new id; runs, jobs and task runs share one sequence, so that every id is unique."""
    made = db.execute("INSERT INTO ids DEFAULT VALUES").lastrowid
    return _FIRST_ID + int(made or 0)


def _insert(db: sqlite3.Connection, task: TaskRun) -> None:
    db.execute(
        "INSERT INTO tasks (run_id, parent, document) VALUES (?, ?, ?)",
        (task.run_id, task.parent, _document(task)),
    )


def _update(db: sqlite3.Connection, task: TaskRun) -> None:
    db.execute("UPDATE tasks SET document = ? WHERE run_id = ?", (_document(task), task.run_id))


def _document(record: Run | TaskRun | Statement) -> str:
    return json.dumps(asdict(record))
