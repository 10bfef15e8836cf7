"""The SQL warehouse, which owns the engine process and passes statements to it.

The engine starts with the first statement, or at once if the settings say so. If it ends unexpectedly, its
statements fail, and the next one starts it again. A statement is PENDING until the engine takes it, then
RUNNING, then SUCCEEDED, FAILED or CANCELED.
"""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from sandbox.databricks.named import Named
from sandbox.databricks.payloads import Json
from sandbox.databricks.proxy import EngineError, EngineProxy
from sandbox.databricks.settings import Settings
from sandbox.databricks.store import Statement, Store

logger = logging.getLogger(__name__)

CONCURRENT_STATEMENTS = 4
TERMINAL = ("SUCCEEDED", "FAILED", "CANCELED", "CLOSED")


class Warehouse:
    """The statements of one stand-in. Thread-safe."""

    def __init__(self, store: Store, settings: Settings, named: Named) -> None:
        self._store, self._settings, self._named = store, settings, named
        self.time_zone = settings.sql_time_zone
        self._lock = threading.RLock()
        self._engine: EngineProxy | None = None
        self._done: dict[str, threading.Event] = {}
        self._pool = ThreadPoolExecutor(CONCURRENT_STATEMENTS, thread_name_prefix="statement")

    def start(self) -> None:
        """Fail the unfinished statements of an earlier stand-in; start the engine if it must be warm."""
        for statement in self._store.statements():
            if statement.state not in TERMINAL:
                self._fail(statement, "ABORTED", "The SQL warehouse restarted while the statement ran")
        if self._settings.warm_sql:
            self._pool.submit(self._warm)

    def _warm(self) -> None:
        try:
            self._ready_engine()
        except (EngineError, TimeoutError) as error:
            logger.error("%s", error)

    def stop(self) -> None:
        """End the engine; statements in it fail."""
        with self._lock:
            engine, self._engine = self._engine, None
        self._pool.shutdown(wait=False, cancel_futures=True)
        if engine is not None:
            engine.stop(self._settings.grace_seconds)

    def status(self) -> Json:
        """Return the values for /health."""
        engine = self._engine
        return {"state": "stopped"} if engine is None else engine.status()

    def submit(self, statement: Statement, *, refused: str = "") -> None:
        """Accept a new statement; one that Unity Catalog refuses fails without Spark."""
        self._store.save_statement(statement)
        self._done[statement.statement_id] = threading.Event()
        if refused:
            self._fail(statement, "BAD_REQUEST", refused)
            return
        self._pool.submit(self._execute, statement)

    def wait(self, statement_id: str, seconds: float) -> None:
        """Wait for the end of a statement, at most `seconds`."""
        done = self._done.get(statement_id)
        if done is not None:
            done.wait(seconds)

    def cancel(self, statement_id: str) -> None:
        """Cancel a statement; do nothing if it has ended."""
        with self._lock:
            statement = self._store.statement(statement_id)
            if statement is None or statement.state in TERMINAL:
                return
            running = statement.state == "RUNNING"
            statement.state = "CANCELED"
            self._end(statement)
        if running and self._engine is not None:
            self._engine.cancel(statement_id)

    def _execute(self, statement: Statement) -> None:
        try:
            engine = self._ready_engine()
            if not self._begin(statement):
                return
            answer = engine.run(
                {"id": statement.statement_id, "time_zone": self.time_zone, **statement.request}
            )
        except (EngineError, TimeoutError) as error:
            logger.error("statement %s: %s", statement.statement_id, error)
            self._fail(statement, "INTERNAL_ERROR", str(error))
            return
        except BaseException as error:
            logger.exception("statement %s", statement.statement_id)
            self._fail(statement, "INTERNAL_ERROR", repr(error))
            raise
        if "error" in answer:
            self._fail(statement, **answer["error"])
            return
        self._named.note(answer.get("named", {}), owner=statement.request["owner"])
        statement.state = "SUCCEEDED"
        statement.columns, statement.rows = answer["columns"], answer["rows"]
        statement.truncated = answer["truncated"]
        self._end(statement)

    def _ready_engine(self) -> EngineProxy:
        with self._lock:
            if self._engine is None or not self._engine.alive:
                logger.info("starting the warehouse's Spark")
                self._engine = EngineProxy(self._settings)
            engine = self._engine
        engine.wait()
        return engine

    def _begin(self, statement: Statement) -> bool:
        with self._lock:
            known = self._store.statement(statement.statement_id)
            if known is None or known.state != "PENDING":
                return False
            statement.state = "RUNNING"
            self._store.save_statement(statement)
            return True

    def _fail(self, statement: Statement, error_code: str, message: str, sql_state: str = "") -> None:
        statement.state = "FAILED"
        statement.error = {"error_code": error_code, "message": message, "sql_state": sql_state}
        self._end(statement)

    def _end(self, statement: Statement) -> None:
        """Write the final state of a statement, unless it has ended already."""
        with self._lock:
            known = self._store.statement(statement.statement_id)
            if known is not None and known.state not in TERMINAL:
                self._store.save_statement(statement)
        done = self._done.pop(statement.statement_id, None)
        if done is not None:
            done.set()
