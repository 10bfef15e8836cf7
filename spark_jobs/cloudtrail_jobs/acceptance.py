"""The acceptance run's job: does this compute do what the ingest relies on?

    cloudtrail-acceptance --scratch=s3://lake/delta/acceptance/probe --kind=events --logs-path=…

Its other arguments are those of an ingest, which is its last question. It asks one question after the other
with the ingest's own functions, and prints each answer as a line of JSON, which
`cloudtrail-to-delta acceptance databricks` reads. A question that fails does not end the job. The job removes
nothing.
"""

import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta, timezone
from importlib import metadata
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from cloudtrail_jobs import accelerators, commits, release, session, source, stream, tables, upkeep
from cloudtrail_jobs.args import Arguments, parse_arguments
from cloudtrail_jobs.causes import innermost
from cloudtrail_jobs.driver_log import say, shown_error
from cloudtrail_jobs.errors import ArgumentsError
from cloudtrail_jobs.kinds import KINDS

STEP = "acceptance"
KIND = KINDS["events"]
_DAY = date(2026, 1, 1)
_SCRATCH = "--scratch="
# What a question gives: facts that identify nobody.
Facts = dict[str, Any]


class Unmet(Exception):  # noqa: N818  # an answer, not a failure of this job
    """Raised by a question whose answer is not the expected one."""


def main() -> None:
    """Ask every question; the entry point of the wheel task."""
    with shown_error():
        scratch, arguments = parse(sys.argv[1:])
        spark = SparkSession.builder.getOrCreate()
        session.configure(spark)
        ask(spark, scratch, arguments)


def parse(argv: Sequence[str]) -> tuple[str, Arguments]:
    """Return the scratch folder, which only this run uses, and the arguments of the ingest.

    Raises:
        ArgumentsError: with everything that is wrong with them.
        VersionError: if another version of the job was submitted.
    """
    own = [word for word in argv if word.startswith(_SCRATCH)]
    (arguments,) = parse_arguments([word for word in argv if word not in own])
    release.require(arguments.expected_version)
    if len(own) != 1:
        raise ArgumentsError([f"{_SCRATCH}PLACE must be given once"])
    return own[0].removeprefix(_SCRATCH).rstrip("/"), arguments


def ask(spark: SparkSession, scratch: str, arguments: Arguments) -> None:
    """Ask every question and print each answer: its facts, and the problem, empty if there is none."""
    table = f"{scratch}/table"
    questions: dict[str, Callable[[], Facts]] = {
        "runtime": lambda: runtime(spark),
        "accelerators": lambda: accelerated(spark),
        "imports": lambda: imports(spark),
        "path_ddl": lambda: path_ddl(spark, table),
        "append": lambda: append_twice(spark, table),
        "optimize": lambda: optimize(spark, table),
        "ingest": lambda: ingest(spark, arguments),
    }
    for name, question in questions.items():
        facts: Facts = {}
        problem = ""
        try:
            facts = question()
        except Exception as error:  # noqa: BLE001  # any error of Spark, Java or gRPC is an answer
            problem = innermost(f"{type(error).__name__}: {error}")
        say(STEP, question=name, problem=problem, facts=facts)


def runtime(spark: SparkSession) -> Facts:
    """Return the versions of what runs here, and the source of log files."""
    return {
        "version": release.VERSION,
        "spark": spark.version,
        "python": platform.python_version(),
        "pyarrow": metadata.version("pyarrow"),
        "runtime": os.environ.get("DATABRICKS_RUNTIME_VERSION", "none"),
        "source": source.name(),
    }


def accelerated(spark: SparkSession) -> Facts:
    """Require the accelerators on the driver and in a Python worker."""
    found = {"driver": accelerators.versions(), "worker": _in_worker(spark, _accelerators)}
    missing = [f"{name} on the {where}" for where, some in found.items() for name in some if not some[name]]
    if missing:
        raise Unmet(f"missing: {', '.join(missing)}")
    return found


def imports(spark: SparkSession) -> Facts:
    """Require this build in a Python worker of `mapInArrow`."""
    (version,) = _in_worker(spark, _version).values()
    if version != release.VERSION:
        raise Unmet(f"a Python worker has loaded version {version}, the driver {release.VERSION}")
    return {"version": version}


def path_ddl(spark: SparkSession, table: str) -> Facts:
    """Create the tables by path, as an ingest does first."""
    tables.prepare(spark, table, KIND)
    return {"columns": len(session.fresh(spark).format("delta").load(table).columns)}


def append_twice(spark: SparkSession, table: str) -> Facts:
    """Append one micro-batch twice: Delta must skip the second, and the history must show the mark."""
    now = datetime.now(timezone.utc)  # noqa: UP017  # Python 3.10 too
    mark = commits.Mark("acceptance", 0, "acceptance", 0)
    columns = "date DATE, raw STRING, log_file STRING, batch_id BIGINT, ingested_at TIMESTAMP"
    rows = spark.createDataFrame([(_DAY, str(number), "acceptance", 0, now) for number in range(2)], columns)
    for _ in range(2):
        tables.append(rows, table, mark, now)
    count = session.fresh(spark).format("delta").load(table).count()
    if count != 2:
        raise Unmet(f"a micro-batch of 2 rows that was appended twice left {count} rows")
    if commits.find(spark, table, mark) is None:
        raise Unmet("DESCRIBE HISTORY does not show the mark of the commit (userMetadata)")
    return {"rows": count}


def optimize(spark: SparkSession, table: str) -> Facts:
    """Compact one day, as the upkeep does."""
    done = upkeep.compact(spark, table, _DAY, _DAY + timedelta(days=1))
    if "failed" in done:
        raise Unmet(str(done["failed"]))
    return done


def ingest(spark: SparkSession, arguments: Arguments) -> Facts:
    """Read the planted log files by the ingest's own stream; return its rows by the layout of their keys.

    With `foreachBatch`, `mapInArrow` inside it, and the source of this compute.
    """
    stream.ingest(spark, stream.prepare(spark, arguments))
    table = session.fresh(spark).format("delta").load(arguments.delta_path)
    quarantine = session.fresh(spark).format("delta").load(tables.quarantine_path(arguments.delta_path))
    return {
        "rows": table.count(),
        "of_organizations": table.where("log_file LIKE '%/AWSLogs/o-%'").count(),
        "files": table.select("log_file").distinct().count(),
        "reasons": _counts(quarantine, "reason"),
    }


def _counts(rows: DataFrame, column: str) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in rows.groupBy(column).count().collect()}


def _in_worker(spark: SparkSession, look: Callable[[], dict[str, str | None]]) -> dict[str, str | None]:
    """Return what a function gives in a Python worker of `mapInArrow`."""
    rows = spark.range(1).mapInArrow(_asked(look), "name STRING, value STRING").collect()
    return {row["name"]: row["value"] for row in rows}


def _asked(look: Callable[[], dict[str, str | None]]) -> Callable[[Any], Iterator[Any]]:
    def answer(batches: Any) -> Iterator[Any]:
        import pyarrow as pa

        for _ in batches:
            found = look()
            values = [pa.array(some, pa.string()) for some in (list(found), list(found.values()))]
            yield pa.RecordBatch.from_arrays(values, names=["name", "value"])

    return answer


def _accelerators() -> dict[str, str | None]:
    return accelerators.versions()


def _version() -> dict[str, str | None]:
    return {"version": release.VERSION}


if __name__ == "__main__":
    main()
