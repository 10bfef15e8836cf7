"""The stand-in's proxy of the SQL engine process: it starts the process, talks to it, and detects its end."""

import json
import sys
import threading
import time
from concurrent.futures import Future

from sandbox.databricks import processes
from sandbox.databricks.payloads import Json
from sandbox.databricks.processes import Child
from sandbox.databricks.runner import private
from sandbox.databricks.settings import CATALOGS, Settings
from sandbox.spark import (
    DELTA,
    ROOT,
    WITHOUT_CODE_GENERATION,
    properties,
    spark_environment,
    write_defaults,
)

START_SECONDS = 180


class EngineError(Exception):
    """The engine could not start, or has ended."""


class EngineProxy:
    """One engine process."""

    def __init__(self, settings: Settings) -> None:
        self._mark = f"{settings.state}:sql"
        self._log = settings.sql / "spark.log"
        self._lock = threading.Lock()
        self._waiting: dict[str, Future[Json]] = {}
        self._ready: Future[float] = Future()
        self._end_leftover()
        self._started = time.monotonic()
        self._child = self._launch(settings)
        self._in, self._out = self._child.pipes()
        threading.Thread(target=self._listen, name="engine", daemon=True).start()

    def _end_leftover(self) -> None:
        """End the engine of a killed stand-in, because only one process can open the metastore."""
        for process in processes.marked(self._mark):
            process.kill()
            process.wait()

    def _launch(self, settings: Settings) -> Child:
        settings.sql.mkdir(parents=True, exist_ok=True)
        conf = write_defaults(settings.sql / "conf", _spark_settings(settings))
        return processes.start(
            [sys.executable, "-m", "sandbox.databricks.engine"],
            mark=self._mark,
            environment=private(spark_environment(conf), PYTHONPATH=str(ROOT)),
            folder=settings.sql,
            log=self._log,
            piped=True,
        )

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._child.alive

    def status(self) -> Json:
        """Return the values for /health: state, pid, start-up time, resident memory."""
        ready = self._ready.done() and self._ready.exception() is None
        return {
            "state": ("running" if ready else "starting") if self.alive else "stopped",
            "pid": self._child.pid,
            "start_seconds": round(self._ready.result(), 1) if ready else None,
            "resident_mb": processes.resident_mb(self._mark),
        }

    def wait(self) -> None:
        """Wait until it accepts statements.

        Raises:
            EngineError: if it ends, or takes longer than three minutes.
        """
        self._ready.result(timeout=START_SECONDS)

    def run(self, request: Json) -> Json:
        """Run one statement and wait for its answer.

        Raises:
            EngineError: if the process ends before it answers.
        """
        answer: Future[Json] = Future()
        with self._lock:
            self._waiting[request["id"]] = answer
        self._send(request)
        return answer.result()

    def cancel(self, statement_id: str) -> None:
        """End a statement's Spark jobs."""
        self._send({"cancel": statement_id})

    def stop(self, grace_seconds: float) -> None:
        """Close its input, which ends it; kill it if it does not end."""
        self._in.close()
        deadline = time.monotonic() + grace_seconds
        while not self._child.gone:
            if time.monotonic() > deadline:
                self._child.end(force=True)
            time.sleep(0.05)

    def _send(self, message: Json) -> None:
        with self._lock:
            try:
                self._in.write(json.dumps(message).encode() + b"\n")
                self._in.flush()
            except (BrokenPipeError, ValueError) as error:
                raise EngineError(f"The warehouse's Spark has ended: {error}") from error

    def _listen(self) -> None:
        for line in self._out:
            message = json.loads(line)
            if "ready" in message:
                self._ready.set_result(time.monotonic() - self._started)
            else:
                with self._lock:
                    answer = self._waiting.pop(message["id"])
                answer.set_result(message)
        self._fail()

    def _fail(self) -> None:
        """Fail the open statements after the process has ended."""
        tail = self._log.read_text(errors="replace")[-2000:]
        error = EngineError(f"The warehouse's Spark ended unexpectedly; the end of {self._log}:\n{tail}")
        with self._lock:
            waiting, self._waiting = list(self._waiting.values()), {}
        for answer in waiting:
            answer.set_exception(error)
        if not self._ready.done():
            self._ready.set_exception(error)


def _spark_settings(settings: Settings) -> dict[str, str]:
    spark = properties(aws_endpoint=settings.aws_endpoint, driver_memory=settings.sql_memory)
    catalogs = {f"spark.sql.catalog.{name}": DELTA["spark.sql.catalog.spark_catalog"] for name in CATALOGS}
    return (
        spark
        | catalogs
        | WITHOUT_CODE_GENERATION
        | {
            "spark.databricks.delta.snapshotPartitions": "1",
            "spark.sql.shuffle.partitions": "2",
            "spark.driver.maxResultSize": "64m",
            "spark.sql.session.timeZone": settings.sql_time_zone,
            # Relative to its working folder, whose name may not be valid in lists or URLs.
            "spark.local.dir": "tmp",
            "spark.sql.warehouse.dir": "tables",
            # Hive's metastore in an embedded database: names survive a restart, even an abrupt one.
            "spark.sql.catalogImplementation": "hive",
            "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:;databaseName=metastore;create=true",
        }
    )
