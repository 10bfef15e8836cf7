"""The Delta tables: created empty with their full schema, appended to exactly once per micro-batch."""

from collections.abc import Sequence

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from cloudtrail_jobs.errors import TableConflictError
from cloudtrail_jobs.kinds import Kind
from cloudtrail_jobs.schemas import QUARANTINE, Column, ddl

PARTITION = "date"
# zstd is 57 % of snappy's size on these records, see docs/adr/0014-table-layout.md.
CODEC = "zstd"


def quarantine_path(delta_path: str) -> str:
    """Where the quarantine of the table at `delta_path` is."""
    return f"{delta_path}_quarantine"


def prepare(spark: SparkSession, delta_path: str, kind: Kind) -> None:
    """Make sure that table and quarantine exist with every column; creates, never changes a column.

    Raises:
        TableConflictError: when a path holds something else, or a column of another type.
    """
    _ensure(spark, delta_path, kind.table_columns, kind.indexed)
    _ensure(spark, quarantine_path(delta_path), QUARANTINE, ("reason", "log_file", "ingested_at", "batch_id"))


def append(rows: DataFrame, path: str, *, stream_id: str, batch_id: int) -> None:
    """Append the rows of a micro-batch; a batch that is already there is left out by Delta.

    Source: Delta Lake, "Idempotent table writes in foreachBatch" (`txnAppId`, `txnVersion`).
    """
    (
        rows.write.format("delta")
        .mode("append")
        .option("txnAppId", stream_id)
        .option("txnVersion", str(batch_id))
        .option("compression", CODEC)
        .save(path)
    )


def _ensure(spark: SparkSession, path: str, columns: Sequence[Column], indexed: Sequence[str]) -> None:
    name = f"delta.`{path}`"
    properties = {
        "delta.dataSkippingStatsColumns": ",".join(indexed),
        # A batch reaches few days, from many tasks: without it each task would write a file for each day.
        "delta.autoOptimize.optimizeWrite": "true",
    }
    listed = ", ".join(f"'{key}' = '{value}'" for key, value in properties.items())
    try:
        spark.sql(
            f"CREATE TABLE IF NOT EXISTS {name} ({ddl(tuple(columns))}) USING DELTA "
            f"PARTITIONED BY ({PARTITION}) TBLPROPERTIES ({listed})"
        )
        found = spark.read.format("delta").load(path).schema
    except AnalysisException as refused:
        raise TableConflictError(
            f"{path} cannot become a Delta table for CloudTrail records: {_first_line(refused)} "
            "Give a path that is empty, absent, or a table that this job has made."
        ) from refused
    wanted = spark.createDataFrame([], ddl(tuple(columns))).schema
    types = {field.name: field.dataType for field in found.fields}
    differing = [
        f"{field.name} is {types[field.name].simpleString()}, not {field.dataType.simpleString()}"
        for field in wanted.fields
        if field.name in types and types[field.name] != field.dataType
    ]
    foreign = sorted(set(types) - {column.name for column in columns})
    if differing or not {"raw", "log_file", "batch_id"} <= set(types):
        reason = "; ".join(differing) or f"it has the columns {', '.join(foreign[:10]) or 'none'}"
        raise TableConflictError(
            f"{path} is a Delta table that these records cannot be appended to: {reason}. "
            "Give another Delta path; the guide's own tables cannot be continued."
        )
    if missing := [column for column in columns if column.name not in types]:
        spark.sql(f"ALTER TABLE {name} ADD COLUMNS ({ddl(tuple(missing))})")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
