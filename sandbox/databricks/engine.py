"""The process of the SQL warehouse: one Spark with Delta and a metastore on disk, which speaks JSON lines.

The stand-in starts it as `python -m sandbox.databricks.engine`, with its settings. Input lines are `{"id",
"statement", "time_zone", "catalog", "schema", "parameters", "row_limit"}` or `{"cancel": id}`. Output lines
are `{"ready": true}` once, then for each statement `{"id", "columns", "rows", "truncated"}` or `{"id",
"error": {"error_code", "message", "sql_state"}}`. The process ends when its input ends, so it never outlives
the stand-in.

As on the service, each statement has a separate session, so a `USE` affects no other statement.
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
from sandbox.databricks.named import SYNC, made
from sandbox.databricks.payloads import Json
from sandbox.databricks.results import ResultTooLargeError
from sandbox.databricks.settings import CATALOGS

CONCURRENT_STATEMENTS = 4
CANCEL_SECONDS = 0.2
ZONE = "spark.sql.session.timeZone"
# The plan that Spark appends to a message, and the JVM's stack trace.
_PLAN = re.compile(r";\n('|[^\n]*\n\+- )[\s\S]*\Z|\n+JVM stacktrace:[\s\S]*\Z")


class Engine:
    """The Spark session that runs statements and reports their results."""

    def __init__(self, spark: SparkSession, out: TextIO) -> None:
        self._spark, self._out = spark, out
        self._lock = threading.Lock()
        self._running: set[str] = set()

    def take(self, request: Json, pool: Executor) -> None:
        """Start or cancel a statement without waiting for it."""
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
        """Run one statement and write its result or its error."""
        try:
            answer = self._answer(request)
        except PySparkException as error:
            answer = {"error": error_of(str(error), error.getSqlState())}
        except ResultTooLargeError as error:
            answer = {"error": error_of(str(error), None)}
        except Exception as error:  # noqa: BLE001 - without an answer the caller would wait forever
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
        statement = request["statement"]
        frame = session.range(0) if SYNC.fullmatch(statement) else session.sql(statement, given)
        found, truncated = results.rows(frame, request.get("row_limit"))
        _, what, name = made(statement, catalog=request.get("catalog", ""), schema=request.get("schema", ""))
        named = {name: described(session, what, name)} if name else {}
        return {"columns": results.columns(frame), "rows": found, "truncated": truncated, "named": named}

    def cancel(self, statement_id: str) -> None:
        """Cancel a statement's Spark jobs repeatedly until it ends: during planning it has no jobs yet."""
        while statement_id in self._running:
            self._spark.sparkContext.cancelJobGroup(statement_id)
            time.sleep(CANCEL_SECONDS)


def described(session: SparkSession, what: str, name: str) -> Json | None:
    """Return what the REST API shows of a schema, table or view; None if there is none of this name."""
    catalog = session.catalog
    if what == "SCHEMA":
        return {"name": name.rpartition(".")[2]} if catalog.databaseExists(name) else None
    if not catalog.tableExists(name):
        return None
    full = ".".join(map(quoted, name.split(".")))
    rows = session.sql(f"DESCRIBE TABLE EXTENDED {full}").collect()
    facts = {row["col_name"]: row["data_type"] for row in rows}
    if facts.get("Type") == "VIEW":
        listed = session.sql(f"SHOW TBLPROPERTIES {full}").collect()
        properties = {row["key"]: row["value"] for row in listed}
        return {"name": name.rpartition(".")[2], "table_type": "VIEW", "properties": properties}
    return {
        "name": name.rpartition(".")[2],
        "table_type": facts.get("Type", "EXTERNAL"),
        "storage_location": facts.get("Location", ""),
        # As in the service, a statement on the path does not change them.
        "columns": [{"name": column.name} for column in catalog.listColumns(name)],
    }


def session_of(spark: SparkSession) -> SparkSession:
    """Return a new session in which every catalog of the sandbox uses its one metastore.

    Spark gives only `spark_catalog` a delegate. Delta's catalog class accepts one for any catalog. So Spark's
    parser and analyzer resolve `main.sec.t`, and the SQL need not be rewritten.
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
    """Return an error in the service's format, without the plan and the stack trace that Spark adds."""
    text = _PLAN.sub("", message).strip()
    unknown = re.match(r"\[REQUIRES_SINGLE_PART_NAMESPACE\][^`]*got identifier `([^`]+)`\.", text)
    if unknown:
        return unknown_catalog(unknown[1])
    return {"error_code": "BAD_REQUEST", "message": text, "sql_state": sql_state or ""}


def unknown_catalog(name: str) -> dict[str, str]:
    """Return the service's error for an unknown catalog."""
    return {
        "error_code": "BAD_REQUEST",
        "message": f"[NO_SUCH_CATALOG_EXCEPTION] Catalog '{name}' was not found. Please verify the catalog "
        "name and then retry the query or command again. SQLSTATE: 42704",
        "sql_state": "42704",
    }


def quoted(name: str) -> str:
    """Return a name as a quoted identifier."""
    return "`" + name.replace("`", "``") + "`"


def main() -> None:
    """Serve until the input ends."""
    out = os.fdopen(os.dup(1), "w")
    # Spark's output must not appear between the lines of JSON.
    os.dup2(2, 1)
    spark = SparkSession.builder.appName("sandbox warehouse").getOrCreate()
    # Open the metastore now, which takes seconds, so that the first statement does not wait for it.
    spark.sql("SHOW SCHEMAS").collect()
    engine = Engine(spark, out)
    engine.say({"ready": True})
    pool = ThreadPoolExecutor(CONCURRENT_STATEMENTS)
    for line in sys.stdin:
        engine.take(json.loads(line), pool)
    # Exit at once: a normal exit would wait for statements whose answers nobody reads any more.
    os._exit(0)


if __name__ == "__main__":
    main()
