"""One kind's stream: its checkpoint claimed and its tables prepared, then what is new ingested."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from cloudtrail_jobs import checkpoint, discovery, source, tables, upkeep
from cloudtrail_jobs.args import Arguments
from cloudtrail_jobs.batches import write_batch
from cloudtrail_jobs.bounds import bounded
from cloudtrail_jobs.checkpoint import Stream
from cloudtrail_jobs.errors import StreamFailedError
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.progress import say

CONTINUOUS_INTERVAL = "1 minute"
ROUND_SECONDS = 60.0
pause = time.sleep


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A kind whose checkpoint is ours and whose tables are there.

    Attributes:
        arguments: what is asked for.
        created_at: when the checkpoint was first taken.
        version: the table's version before this run has written to it.
    """

    arguments: Arguments
    created_at: datetime
    version: int


def prepare(spark: SparkSession, arguments: Arguments) -> Prepared:
    """Claim the checkpoint and make sure of the tables: after it others see the table's Delta log.

    Raises:
        JobError: when checkpoint or tables are something else's.
    """
    kind = KINDS[arguments.kind]
    owner = checkpoint.Owner(
        kind.name, arguments.logs_path, arguments.delta_path, arguments.table, source.name()
    )
    created_at = checkpoint.examine(spark, arguments.checkpoint_path, owner)
    if created_at is None:
        with ThreadPoolExecutor(1) as beside:
            taken = beside.submit(checkpoint.take, spark, arguments.checkpoint_path, owner)
            tables.prepare(spark, arguments.delta_path, kind)
        created_at = taken.result()
    else:
        tables.prepare(spark, arguments.delta_path, kind)
    quarantine = tables.quarantine_path(arguments.delta_path)
    say("tables", kind=kind.name, table=arguments.delta_path, quarantine=quarantine)
    version = upkeep.newest_version(spark, arguments.delta_path)
    return Prepared(arguments=arguments, created_at=created_at, version=version)


def ingest(spark: SparkSession, prepared: Prepared) -> None:
    """Ingest what is new, then compact what earlier days have left.

    With the continuous trigger it does not return.

    Raises:
        StreamFailedError: when Spark stopped the stream.
    """
    arguments = prepared.arguments
    if source.on_databricks() or not discovery.by_days(arguments):
        path = bounded(arguments.logs_path, arguments.first_day, arguments.last_day)
        _stream(spark, arguments, path, checkpoint.only_stream(arguments.checkpoint_path), arguments.trigger)
    else:
        _round(spark, prepared)
        while arguments.trigger == "continuous":
            pause(ROUND_SECONDS)
            _round(spark, prepared)
    today = datetime.now(timezone.utc).date()  # noqa: UP017  # Python 3.10 too
    due = upkeep.due_since(spark, arguments.delta_path, today=today, since=prepared.version)
    if due is not None:
        for path in (arguments.delta_path, tables.quarantine_path(arguments.delta_path)):
            say("upkeep", table=path, since=str(due), **upkeep.compact(spark, path, due, today))
    say("end", kind=arguments.kind, table=arguments.table)


def _round(spark: SparkSession, prepared: Prepared) -> None:
    """List the days that are due, and read what is new in them, one stretch of days after the other."""
    arguments = prepared.arguments
    now = datetime.now(timezone.utc)  # noqa: UP017  # Python 3.10 too
    plan = discovery.plan(spark, arguments, prepared.created_at, now)
    for listing in plan.listings:
        say("listing", path=listing.path, everything=plan.sweep)
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
    say("batch", kind=arguments.kind, **write_batch(arguments, stream, files, batch_id))


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:2000]
