"""The Delta tables: created empty with their full schema, appended to exactly once per micro-batch."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from cloudtrail_jobs.commits import Mark, table_at
from cloudtrail_jobs.errors import TableConflictError
from cloudtrail_jobs.kinds import Kind
from cloudtrail_jobs.schemas import QUARANTINE, Column, ddl
from cloudtrail_jobs.session import fresh

PARTITION = "date"
# zstd is 57 % of snappy's size on these records, see docs/adr/0014-table-layout.md.
CODEC = "zstd"


def quarantine_path(delta_path: str) -> str:
    """Where the quarantine of the table at `delta_path` is."""
    return f"{delta_path}_quarantine"


def prepare(spark: SparkSession, delta_path: str, kind: Kind) -> bool:
    """Make sure that table and quarantine exist with every column; creates, never changes a column.

    Returns:
        whether one of them was there before.

    Raises:
        TableConflictError: when a path holds something else, or a column of another type.
    """
    indexed = ("reason", "log_file", "ingested_at", "batch_id")
    with ThreadPoolExecutor(2) as both:
        table = both.submit(_ensure, spark, delta_path, kind.table_columns, kind.indexed)
        quarantine = both.submit(_ensure, spark, quarantine_path(delta_path), QUARANTINE, indexed)
    return any([table.result(), quarantine.result()])


def any_log_file(spark: SparkSession, path: str, logs_path: str) -> str | None:
    """A log file of these logs that the table has rows of; None when it has none.

    Held against are the folders of the logs path before its first glob: what may lie among them is theirs.
    """
    folder = re.split(r"[*?\[{\\]", logs_path, maxsplit=1)[0]
    # The same place may be spelled s3a:// or file:///.
    place = folder.partition("://")[2] or folder
    rows = fresh(spark).format("delta").load(path).where(F.contains("log_file", F.lit(place)))
    row = rows.select("log_file").first()
    return None if row is None else str(row[0])


def append(rows: DataFrame, path: str, mark: Mark, ingested_at: datetime) -> None:
    """Append the rows of a micro-batch; a batch that is already there is left out by Delta.

    Source: Delta Lake, "Idempotent table writes in foreachBatch" (`txnAppId`, `txnVersion`).
    """
    (
        rows.write.format("delta")
        .mode("append")
        .option("txnAppId", mark.stream)
        .option("txnVersion", str(mark.batch))
        .option("userMetadata", mark.write(ingested_at))
        .option("compression", CODEC)
        # The rows come together by day already.
        .option("optimizeWrite", "false")
        .save(path)
    )


def _ensure(spark: SparkSession, path: str, columns: Sequence[Column], indexed: Sequence[str]) -> bool:
    name, existed = table_at(path), True
    try:
        found = _schema(spark, path)
    except AnalysisException:
        found, existed = _create(spark, path, columns, indexed), False
    wanted = spark.createDataFrame([], ddl(tuple(columns))).schema
    missing, differing = compare_types(wanted, found)
    if differing or not {"raw", "log_file", "batch_id"} <= set(found.names):
        foreign = sorted(set(found.names) - set(wanted.names))
        reason = "; ".join(differing) or f"it has the columns {', '.join(foreign[:10]) or 'none'}"
        raise TableConflictError(
            f"{path} is a Delta table that these records cannot be appended to: {reason}. "
            "Give another Delta path; the guide's own tables cannot be continued."
        )
    if missing:
        comments = {column.name: column for column in columns}
        added = ", ".join(
            comments[where].ddl if where in comments else f"{_quoted(where)} {kind.simpleString()}"
            for where, kind in missing
        )
        spark.sql(f"ALTER TABLE {name} ADD COLUMNS ({added})")
    return existed


def _create(spark: SparkSession, path: str, columns: Sequence[Column], indexed: Sequence[str]) -> StructType:
    properties = {
        "delta.dataSkippingStatsColumns": ",".join(indexed),
        # For writes of others, such as a repair by hand: the job's own come together by day.
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
            f"{path} cannot become a Delta table for CloudTrail records: {_first_line(refused)} "
            "Give a path that is empty, absent, or a table that this job has made."
        ) from refused


def _schema(spark: SparkSession, path: str) -> StructType:
    return fresh(spark).format("delta").load(path).schema


def compare_types(
    wanted: DataType, found: DataType, path: str = ""
) -> tuple[list[tuple[str, DataType]], list[str]]:
    """Fields of `wanted` that are missing in `found`, with their types, and differences in words.

    Comments, the order of fields, what may be null, and fields that only `found` has make no difference.
    Inside arrays the path has `element`, inside maps `value`, as ALTER TABLE names them.
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
