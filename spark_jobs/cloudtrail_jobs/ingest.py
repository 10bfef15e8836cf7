"""The job: CloudTrail log files → table and quarantine, exactly once. Each step is a module of its own."""

import json
import sys
from functools import partial
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from cloudtrail_jobs import __version__, accelerators, checkpoint, source, tables
from cloudtrail_jobs.args import Arguments, parse_arguments
from cloudtrail_jobs.batches import write_batch
from cloudtrail_jobs.errors import ArgumentsError, JobError, StreamFailedError
from cloudtrail_jobs.kinds import KINDS

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
    writer = source.read_files(spark, arguments).writeStream.foreachBatch(partial(_write, arguments))
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


def _write(arguments: Arguments, files: DataFrame, batch_id: int) -> None:
    _say("batch", **write_batch(arguments, files, batch_id))


def _say(step: str, **facts: Any) -> None:
    """One JSON line in the driver's log."""
    print(json.dumps({"step": step, **facts}, default=str), flush=True)  # noqa: T201  # the driver's log


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:2000]


if __name__ == "__main__":
    main()
