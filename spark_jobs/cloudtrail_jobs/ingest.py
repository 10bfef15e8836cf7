"""The job: CloudTrail log files → table and quarantine, exactly once. Each step is a module of its own."""

import json
import sys
import threading
from datetime import datetime, timezone
from functools import partial
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs import __version__, accelerators, checkpoint, source, tables
from cloudtrail_jobs.args import Arguments, parse_arguments
from cloudtrail_jobs.errors import ArgumentsError, BatchImbalanceError, JobError, StreamFailedError
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.transforms import is_sound, to_quarantine, to_table, unpack_files, with_batch

# How long a write's counts may take to arrive after the write; a batch that Delta left out never has any.
COUNTS_SECONDS = 20.0
CONTINUOUS_INTERVAL = "1 minute"


def main() -> None:
    """The entry point of the wheel task: arguments from the command line, errors as exit code and message."""
    try:
        run(parse_arguments(sys.argv[1:]))
    except JobError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201  # the driver's log
        raise


def run(arguments: Arguments) -> None:
    """Ingest what is new; with the continuous trigger, until the run is cancelled.

    Raises:
        JobError: see `cloudtrail_jobs.errors`.
    """
    if arguments.discovery != "listing" and not source.on_databricks():
        raise ArgumentsError(
            [f"--discovery={arguments.discovery} needs Auto Loader, and this is no Databricks cluster"]
        )
    if not source.on_databricks():
        _say("limits", max_bytes=arguments.max_bytes_per_trigger, max_files="not used by Spark's file source")
    spark = SparkSession.builder.getOrCreate()
    # Days and instants are UTC wherever the cluster is.
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    _say("start", version=__version__, spark=spark.version, accelerators=accelerators.versions())
    kind = KINDS[arguments.kind]
    owner = checkpoint.Owner(kind.name, arguments.logs_path, arguments.delta_path, arguments.table)
    checkpoint.claim(spark, arguments.checkpoint_path, owner)
    tables.prepare(spark, arguments.delta_path, kind)
    _say("tables", table=arguments.delta_path, quarantine=tables.quarantine_path(arguments.delta_path))
    _stream(spark, arguments)
    _say("end", table=arguments.table)


def _stream(spark: SparkSession, arguments: Arguments) -> None:
    writer = source.read_files(spark, arguments).writeStream.foreachBatch(partial(write_batch, arguments))
    writer = writer.option("checkpointLocation", checkpoint.stream_path(arguments.checkpoint_path))
    if arguments.trigger == "continuous":
        writer = writer.trigger(processingTime=CONTINUOUS_INTERVAL)
    else:
        writer = writer.trigger(availableNow=True)
    try:
        query = writer.start()
        query.awaitTermination()
    except PySparkException as error:
        raise StreamFailedError(
            f"Spark stopped the stream of {arguments.logs_path}: {_short(error)} Nothing that was written is "
            "lost; another run goes on with the batch that failed."
        ) from error


def write_batch(arguments: Arguments, files: DataFrame, batch_id: int) -> None:
    """Write one micro-batch: sound rows, then, when the first pass counted any, the defects.

    A batch is read once when it is sound. The two writes are separate commits, each remembered by Delta under
    this checkpoint's id and the batch's number: a batch that was killed between them is repeated by the next
    run, whose first write Delta leaves out.
    """
    spark = files.sparkSession
    kind = KINDS[arguments.kind]
    stream = checkpoint.stream_id(spark, arguments.checkpoint_path)
    now = datetime.now(timezone.utc)  # noqa: UP017  # Python 3.10 too
    rows = with_batch(unpack_files(files, kind), batch_id=batch_id, ingested_at=now)
    counts = Observation(f"batch_{batch_id}")
    seen = rows.observe(
        counts,
        F.count(F.lit(1)).alias("seen"),
        F.count_if(is_sound()).alias("kept"),
        F.count_if(~is_sound()).alias("defects"),
    )
    tables.append(to_table(seen, kind), arguments.delta_path, stream_id=stream, batch_id=batch_id)
    counted = _counted(counts)
    if counted is None or counted["defects"]:
        path = tables.quarantine_path(arguments.delta_path)
        tables.append(to_quarantine(rows), path, stream_id=stream, batch_id=batch_id)
    if counted is not None:
        _check_written(spark, arguments, batch_id, counted)
    _say("batch", batch_id=batch_id, repeated=counted is None, **(counted or {}))


def _counted(counts: Observation) -> dict[str, Any] | None:
    """What the write counted; None when Delta left the batch out, since it was there already."""
    found: list[dict[str, Any]] = []
    waiter = threading.Thread(target=lambda: found.append(counts.get), daemon=True)
    waiter.start()
    waiter.join(COUNTS_SECONDS)
    return (found[0] or None) if found else None


def _check_written(spark: SparkSession, arguments: Arguments, batch_id: int, counted: dict[str, Any]) -> None:
    """Hold what was read against what Delta says it has committed; the tables have one writer."""
    expected = {arguments.delta_path: counted["kept"]}
    if counted["defects"]:
        expected[tables.quarantine_path(arguments.delta_path)] = counted["defects"]
    for path, rows in expected.items():
        metrics = spark.sql(f"DESCRIBE HISTORY delta.`{path}` LIMIT 1").select("operationMetrics").first()
        written = int(metrics[0].get("numOutputRows", 0)) if metrics else 0
        if written != rows:
            raise BatchImbalanceError(
                f"Batch {batch_id} had {rows} rows for {path}, and Delta's last commit has {written}. Is "
                "another program writing to that table? Nothing was deleted; compare log_file and "
                "record_index."
            )


def _say(step: str, **facts: Any) -> None:
    """One JSON line in the driver's log."""
    print(json.dumps({"step": step, **facts}, default=str), flush=True)  # noqa: T201  # the driver's log


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:2000]


if __name__ == "__main__":
    main()
