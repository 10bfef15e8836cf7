"""The Delta tables: the job creates them with all columns, and appends each micro-batch exactly once."""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from cloudtrail_jobs.commits import Mark, table_at
from cloudtrail_jobs.errors import TableConflictError
from cloudtrail_jobs.kinds import SEARCHED_SINCE, Kind
from cloudtrail_jobs.schemas import QUARANTINE, Column, ddl
from cloudtrail_jobs.session import fresh

PARTITION = "date"
# With zstd these records take 57 % of their size with snappy, see docs/adr/0011-tables-on-s3.md.
CODEC = "zstd"
# The columns whose minimum and maximum Delta keeps for each file. Source: Delta Lake, "Data skipping".
STATISTICS = "delta.dataSkippingStatsColumns"
# Delta refuses to delete and to change rows of a table with the first property. The second remembers that
# somebody chose it with the upkeep's action `lock`: docs/adr/0039-deletion.md.
DELTA_APPEND_ONLY, APPEND_ONLY = "delta.appendOnly", "cloudtrail.append_only"


def quarantine_path(delta_path: str) -> str:
    """Return the path of the quarantine that belongs to the table at `delta_path`."""
    return f"{delta_path}_quarantine"


def prepare(
    spark: SparkSession,
    delta_path: str,
    kind: Kind,
    *,
    before_creating: Callable[[str], None] = lambda _: None,
) -> bool:
    """Make sure that the table and its quarantine exist with every column; never change a column.

    Args:
        spark: the session.
        delta_path: the table's path.
        kind: the kind of its records.
        before_creating: called with the path of a table that does not exist; it raises if the job must not
            create one there.

    Returns:
        whether one of the two existed before.

    Raises:
        TableConflictError: if a path holds something else, or a column has another type.
    """
    indexed = ("reason", "log_file", "ingested_at", "batch_id")
    columns = {delta_path: kind.table_columns, quarantine_path(delta_path): QUARANTINE}
    statistics = {delta_path: kind.indexed, quarantine_path(delta_path): indexed}
    with ThreadPoolExecutor(2) as both:
        found = dict(zip(columns, both.map(partial(_existing, spark), columns), strict=True))
        for path in columns:
            if found[path] is None:
                before_creating(path)
        done = [both.submit(_ensure, spark, at, columns[at], statistics[at], found[at]) for at in columns]
    for one in done:
        one.result()
    return any(schema is not None for schema in found.values())


def properties(spark: SparkSession, path: str) -> dict[str, str]:
    """Return the properties of the Delta table at a path.

    `SHOW TBLPROPERTIES` does not do: Spark redacts a value that contains "accessKey", and the list of
    columns with statistics does. Source: Apache Spark, `spark.redaction.regex`.
    """
    row = spark.sql(f"DESCRIBE DETAIL {table_at(path)}").select("properties").first()
    return dict(row[0] or {}) if row else {}


def any_log_file(spark: SparkSession, path: str, logs_path: str) -> str | None:
    """Return a log file of these logs of which the table has rows; None if there is none.

    A log file belongs to these logs if its path contains the logs path up to its first glob.
    """
    folder = re.split(r"[*?\[{\\]", logs_path, maxsplit=1)[0]
    # The same place may be written as s3a:// or file:///.
    place = folder.partition("://")[2] or folder
    rows = fresh(spark).format("delta").load(path).where(F.contains("log_file", F.lit(place)))
    row = rows.select("log_file").first()
    return None if row is None else str(row[0])


def append(rows: DataFrame, path: str, mark: Mark, ingested_at: datetime) -> None:
    """Append the rows of a micro-batch. Delta skips a batch that the table already has.

    Source: Delta Lake, "Idempotent table writes in foreachBatch" (`txnAppId`, `txnVersion`).
    """
    (
        rows.write.format("delta")
        .mode("append")
        .option("txnAppId", mark.stream)
        .option("txnVersion", str(mark.batch))
        .option("userMetadata", mark.write(ingested_at))
        .option("compression", CODEC)
        # The rows of a day are already in few tasks.
        .option("optimizeWrite", "false")
        .save(path)
    )


def _existing(spark: SparkSession, path: str) -> StructType | None:
    """Return the schema of the Delta table at a path; None if there is none that can be read."""
    try:
        return _schema(spark, path)
    except AnalysisException:
        return None


def _ensure(
    spark: SparkSession,
    path: str,
    columns: Sequence[Column],
    indexed: Sequence[str],
    existing: StructType | None,
) -> None:
    name = table_at(path)
    if existing is not None:
        _restore_properties(spark, path, indexed)
    found = _create(spark, path, columns, indexed) if existing is None else existing
    wanted = spark.createDataFrame([], ddl(tuple(columns))).schema
    missing, differing = compare_types(wanted, found)
    if differing or not {"raw", "log_file", "batch_id"} <= set(found.names):
        foreign = sorted(set(found.names) - set(wanted.names))
        reason = "; ".join(differing) or f"it has the columns {', '.join(foreign[:10]) or 'none'}"
        raise TableConflictError(
            f"{path} is a Delta table to which the job cannot append these records: {reason}. Give another "
            "Delta path. The job cannot continue the tables of the original Databricks guide (2020)."
        )
    if missing:
        comments = {column.name: column for column in columns}
        added = ", ".join(
            comments[where].ddl if where in comments else f"{_quoted(where)} {kind.simpleString()}"
            for where, kind in missing
        )
        spark.sql(f"ALTER TABLE {name} ADD COLUMNS ({added})")


def _restore_properties(spark: SparkSession, path: str, indexed: Sequence[str]) -> None:
    """Set what an existing table should have, and lacks.

    A table of an earlier release gets statistics on more columns for its new files. What somebody else has
    chosen stays. A table that was locked is append-only again if a deletion was killed before it could set
    that. No deletion runs at the same time as an ingest.
    """
    found = properties(spark, path)
    wanted = {}
    if found.get(STATISTICS) == ",".join(column for column in indexed if column not in SEARCHED_SINCE):
        wanted[STATISTICS] = ",".join(indexed)
    if found.get(APPEND_ONLY) == "true":
        wanted[DELTA_APPEND_ONLY] = "true"
    changed = ", ".join(f"'{key}' = '{value}'" for key, value in wanted.items() if found.get(key) != value)
    if changed:
        spark.sql(f"ALTER TABLE {table_at(path)} SET TBLPROPERTIES ({changed})")


def _create(spark: SparkSession, path: str, columns: Sequence[Column], indexed: Sequence[str]) -> StructType:
    properties = {
        STATISTICS: ",".join(indexed),
        # For other writers, such as a manual repair. The job's rows of a day are already in few tasks.
        "delta.autoOptimize.optimizeWrite": "true",
    }
    listed = ", ".join(f"'{key}' = '{value}'" for key, value in properties.items())
    try:
        spark.sql(
            f"CREATE TABLE IF NOT EXISTS {table_at(path)} ({ddl(tuple(columns))}) USING DELTA "
            f"PARTITIONED BY ({PARTITION}) TBLPROPERTIES ({listed})"
        )
        return _schema(spark, path)
    except AnalysisException as refused:
        raise TableConflictError(
            f"The job cannot create a Delta table for CloudTrail records at {path}: {_first_line(refused)} "
            "Give a path that is empty or absent, or the path of a table that this job created."
        ) from refused


def _schema(spark: SparkSession, path: str) -> StructType:
    return fresh(spark).format("delta").load(path).schema


def compare_types(
    wanted: DataType, found: DataType, path: str = ""
) -> tuple[list[tuple[str, DataType]], list[str]]:
    """Return the fields of `wanted` that `found` lacks, with their types, and the differences in words.

    Comments, nullability, the order of fields, and fields that only `found` has are no difference. Paths have
    `element` for arrays and `value` for maps, as in ALTER TABLE.
    """
    if isinstance(wanted, StructType) and isinstance(found, StructType):
        theirs = {field.name: field.dataType for field in found.fields}
        missing: list[tuple[str, DataType]] = []
        differing: list[str] = []
        for field in wanted.fields:
            below = f"{path}.{field.name}" if path else field.name
            if field.name not in theirs:
                missing.append((below, field.dataType))
                continue
            more, other = compare_types(field.dataType, theirs[field.name], below)
            missing += more
            differing += other
        return missing, differing
    if isinstance(wanted, ArrayType) and isinstance(found, ArrayType):
        return compare_types(wanted.elementType, found.elementType, f"{path}.element")
    if isinstance(wanted, MapType) and isinstance(found, MapType) and wanted.keyType == found.keyType:
        return compare_types(wanted.valueType, found.valueType, f"{path}.value")
    if type(wanted) is type(found):
        return [], []
    return [], [f"{path} is {found.simpleString()}, not {wanted.simpleString()}"]


def _quoted(path: str) -> str:
    return ".".join(f"`{part}`" for part in path.split("."))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
