"""The process of the SQL warehouse: one Spark with Delta and a metastore on disk, spoken with in JSON lines.

Started as `python -m sandbox.databricks.engine`, with SPARK_CONF_DIR. In: `{"id", "statement", "time_zone",
"catalog", "schema", "parameters", "row_limit"}` or `{"cancel": id}`. Out: `{"ready": true}` once, then for
each statement `{"id", "columns", "rows", "truncated"}` or `{"id", "error": {"error_code", "message",
"sql_state"}}`. It ends when its input does, so it never outlives its stand-in.

Each statement has a session of its own, as on the service: a `USE` is forgotten with it.
"""

import json
import os
import re
import sys
import threading
import time
import traceback
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TextIO

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from sandbox.databricks import results
from sandbox.databricks.payloads import Json
from sandbox.databricks.results import ResultTooLargeError
from sandbox.databricks.settings import CATALOGS

CONCURRENT_STATEMENTS = 4
CANCEL_SECONDS = 0.2
ZONE = "spark.sql.session.timeZone"
# The plan that Spark appends to a message, and the JVM's stack trace.
_PLAN = re.compile(r";\n('|[^\n]*\n\+- )[\s\S]*\Z|\n+JVM stacktrace:[\s\S]*\Z")


class Engine:
    """Runs statements and says how they went."""

    def __init__(self, spark: SparkSession, out: TextIO) -> None:
        self._spark, self._out = spark, out
        self._lock = threading.Lock()
        self._running: set[str] = set()

    def take(self, request: Json, pool: Executor) -> None:
        """Run a statement, or cancel one, without waiting for it."""
        if "cancel" in request:
            threading.Thread(target=self.cancel, args=(request["cancel"],), daemon=True).start()
        else:
            self._running.add(request["id"])
            pool.submit(self.run, request)

    def say(self, message: Json) -> None:
        """Write one line."""
        with self._lock:
            self._out.write(json.dumps(message) + "\n")
            self._out.flush()

    def run(self, request: Json) -> None:
        """Run one statement and say its result or its error."""
        try:
            answer = self._answer(request)
        except PySparkException as error:
            answer = {"error": error_of(str(error), error.getSqlState())}
        except ResultTooLargeError as error:
            answer = {"error": error_of(str(error), None)}
        except Exception as error:  # noqa: BLE001 - a statement without an answer would hang its caller
            traceback.print_exc()
            answer = {"error": error_of(str(error), None) | {"error_code": "INTERNAL_ERROR"}}
        self._running.discard(request["id"])
        self.say({"id": request["id"], **answer})

    def _answer(self, request: Json) -> Json:
        catalog = request.get("catalog") or CATALOGS[0]
        if catalog not in (*CATALOGS, "spark_catalog"):
            return {"error": unknown_catalog(catalog)}
        session = session_of(self._spark)
        self._spark.sparkContext.setJobGroup(
            request["id"], request["statement"][:200], interruptOnCancel=True
        )
        session.conf.set(ZONE, request["time_zone"])
        if request.get("schema"):
            session.sql(f"USE {quoted(request['schema'])}")
        given = {item["name"]: results.literal(session, item) for item in request.get("parameters", [])}
        frame = session.sql(request["statement"], given)
        found, truncated = results.rows(frame, request.get("row_limit"))
        return {"columns": results.columns(frame), "rows": found, "truncated": truncated}

    def cancel(self, statement_id: str) -> None:
        """End a statement's Spark jobs until it has ended: one that is being planned has none to end yet."""
        while statement_id in self._running:
            self._spark.sparkContext.cancelJobGroup(statement_id)
            time.sleep(CANCEL_SECONDS)


def session_of(spark: SparkSession) -> SparkSession:
    """A new session in which every catalog of the sandbox is its one metastore.

    Spark gives only `spark_catalog` a delegate. Delta's catalog class takes one in any place, so `main.sec.t`
    is resolved by Spark's own parser and analyzer, with no rewriting of SQL.
    """
    session = spark.newSession()
    # Catalogs are looked up in the settings of the thread's active session, and a new thread has none.
    jvm: Any = session._jvm
    jvm.org.apache.spark.sql.classic.SparkSession.setActiveSession(session._jsparkSession)
    manager = session._jsparkSession.sessionState().catalogManager()
    for name in CATALOGS:
        manager.catalog(name).setDelegateCatalog(manager.v2SessionCatalog())
    return session


def error_of(message: str, sql_state: str | None) -> dict[str, str]:
    """An error in the service's form, without the plan and the stack trace that Spark adds."""
    text = _PLAN.sub("", message).strip()
    unknown = re.match(r"\[REQUIRES_SINGLE_PART_NAMESPACE\][^`]*got identifier `([^`]+)`\.", text)
    if unknown:
        return unknown_catalog(unknown[1])
    return {"error_code": "BAD_REQUEST", "message": text, "sql_state": sql_state or ""}


def unknown_catalog(name: str) -> dict[str, str]:
    """The service's error for a catalog that it does not have."""
    return {
        "error_code": "BAD_REQUEST",
        "message": f"[NO_SUCH_CATALOG_EXCEPTION] Catalog '{name}' was not found. Please verify the catalog "
        "name and then retry the query or command again. SQLSTATE: 42704",
        "sql_state": "42704",
    }


def quoted(name: str) -> str:
    """A name as an identifier."""
    return "`" + name.replace("`", "``") + "`"


def main() -> None:
    """Serve until the input ends."""
    out = os.fdopen(os.dup(1), "w")
    # What Spark prints must not get between the lines of JSON.
    os.dup2(2, 1)
    spark = SparkSession.builder.appName("sandbox warehouse").getOrCreate()
    # Opens the metastore, a matter of seconds, before the first statement waits for it.
    spark.sql("SHOW SCHEMAS").collect()
    engine = Engine(spark, out)
    engine.say({"ready": True})
    pool = ThreadPoolExecutor(CONCURRENT_STATEMENTS)
    for line in sys.stdin:
        engine.take(json.loads(line), pool)
    # Not a tidy exit: that would wait for statements whose answers nobody reads any more.
    os._exit(0)


if __name__ == "__main__":
    main()
