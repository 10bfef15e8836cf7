"""The job: CloudTrail log files → table and quarantine, exactly once. Each step is a module of its own."""

import json
import sys
import time
from datetime import datetime, timezone
from functools import partial
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from cloudtrail_jobs import __version__, accelerators, checkpoint, discovery, session, source, tables, upkeep
from cloudtrail_jobs.args import Arguments, parse_arguments
from cloudtrail_jobs.batches import write_batch
from cloudtrail_jobs.bounds import bounded
from cloudtrail_jobs.checkpoint import Stream
from cloudtrail_jobs.errors import ArgumentsError, JobError, StreamFailedError
from cloudtrail_jobs.kinds import KINDS

CONTINUOUS_INTERVAL = "1 minute"
ROUND_SECONDS = 60.0
pause = time.sleep


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
    session.configure(spark)
    _say("start", version=__version__, spark=spark.version, accelerators=accelerators.versions())
    kind = KINDS[arguments.kind]
    owner = checkpoint.Owner(
        kind.name, arguments.logs_path, arguments.delta_path, arguments.table, source.name()
    )
    created_at = checkpoint.claim(spark, arguments.checkpoint_path, owner)
    existed = tables.prepare(spark, arguments.delta_path, kind)
    _say("tables", table=arguments.delta_path, quarantine=tables.quarantine_path(arguments.delta_path))
    today = datetime.now(timezone.utc).date()  # noqa: UP017  # Python 3.10 too
    due = upkeep.due_since(spark, arguments.delta_path, today) if existed else None
    if source.on_databricks() or not discovery.by_days(arguments):
        path = bounded(arguments.logs_path, arguments.first_day, arguments.last_day)
        _stream(spark, arguments, path, checkpoint.only_stream(arguments.checkpoint_path), arguments.trigger)
    else:
        _round(spark, arguments, created_at)
        while arguments.trigger == "continuous":
            pause(ROUND_SECONDS)
            _round(spark, arguments, created_at)
    # A run that has written nothing leaves the tables to one that will.
    if due is not None and upkeep.due_since(spark, arguments.delta_path, today) is None:
        for path in (arguments.delta_path, tables.quarantine_path(arguments.delta_path)):
            _say("upkeep", table=path, since=str(due), **upkeep.compact(spark, path, due, today))
    _say("end", table=arguments.table)


def _round(spark: SparkSession, arguments: Arguments, created_at: datetime) -> None:
    """List the days that are due, and read what is new in them, one stretch of days after the other."""
    now = datetime.now(timezone.utc)  # noqa: UP017  # Python 3.10 too
    plan = discovery.plan(spark, arguments, created_at, now)
    for listing in plan.listings:
        _say("listing", path=listing.path, everything=plan.sweep)
        stream = checkpoint.stretch_stream(arguments.checkpoint_path, listing.stretch, listing.first_batch)
        _stream(spark, arguments, listing.path, stream, "available_now")
    discovery.remember(spark, arguments, plan, now)


def _stream(spark: SparkSession, arguments: Arguments, path: str, stream: Stream, trigger: str) -> None:
    files = source.read_files(spark, arguments, path)
    writer = files.writeStream.foreachBatch(partial(_write, arguments, stream))
    writer = writer.option("checkpointLocation", stream.path)
    if trigger == "continuous":
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


def _write(arguments: Arguments, stream: Stream, files: DataFrame, batch_id: int) -> None:
    _say("batch", **write_batch(arguments, stream, files, batch_id))


def _say(step: str, **facts: Any) -> None:
    """One JSON line in the driver's log."""
    print(json.dumps({"step": step, **facts}, default=str), flush=True)  # noqa: T201  # the driver's log


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:2000]


if __name__ == "__main__":
    main()
