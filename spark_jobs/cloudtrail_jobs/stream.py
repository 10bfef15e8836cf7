"""One kind's stream: the job prepares its tables, claims its checkpoint, and ingests its new log files."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial

from pyspark.sql import DataFrame, SparkSession

from cloudtrail_jobs import checkpoint, digests, discovery, refused, source, tables, upkeep, verification
from cloudtrail_jobs.args import Arguments
from cloudtrail_jobs.batches import write_batch
from cloudtrail_jobs.bounds import bounded, days
from cloudtrail_jobs.causes import innermost
from cloudtrail_jobs.checkpoint import Claim, Stream
from cloudtrail_jobs.driver_log import say
from cloudtrail_jobs.errors import CheckpointConflictError, JobError, LostTableError, StreamFailedError
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.read_again import read_again

CONTINUOUS_INTERVAL = "1 minute"
ROUND_SECONDS = 60.0
pause = time.sleep


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A kind whose tables exist and whose checkpoint is claimed.

    Attributes:
        arguments: the kind's arguments.
        claim: the claim on the checkpoint.
        version: the table's version before this run's first write.
        read_again: the files that the streams must skip, see `read_again`.
    """

    arguments: Arguments
    claim: Claim
    version: int
    read_again: Sequence[str] = ()


def prepare(spark: SparkSession, arguments: Arguments) -> Prepared:
    """Make sure that the tables exist and claim the checkpoint. Afterwards others see the table's Delta log.

    The claim comes last, so that a run which is refused leaves no mark on the checkpoint.

    Raises:
        JobError: if the checkpoint or the tables belong to something else, or do not belong together.
    """
    kind = KINDS[arguments.kind]
    owner = _owner(arguments, source.GLOBBER)
    claim = checkpoint.examine(spark, arguments.checkpoint_path, owner)
    if claim is not None:
        _refuse_other_days(spark, arguments, claim, owner)
    refuse = partial(_refuse_lost_table, spark, arguments, new=claim is None)
    if tables.prepare(spark, arguments.delta_path, kind, before_creating=refuse):
        _refuse_to_load_again(spark, arguments, new=claim is None)
    if kind.name == digests.KIND:
        verification.prepare(spark, arguments.delta_path)
    claim = claim or checkpoint.take(spark, arguments.checkpoint_path, owner)
    quarantine = tables.quarantine_path(arguments.delta_path)
    globber = {"globber": claim.globber} if source.on_databricks() else {}
    say("tables", kind=kind.name, table=arguments.delta_path, quarantine=quarantine, **globber)
    version = upkeep.newest_version(spark, arguments.delta_path)
    return Prepared(arguments=arguments, claim=claim, version=version)


def _owner(arguments: Arguments, globber: str) -> checkpoint.Owner:
    return checkpoint.Owner(
        kind=arguments.kind,
        logs_path=arguments.logs_path,
        delta_path=arguments.delta_path,
        table=arguments.table,
        source=source.name(),
        globber=globber,
        days=days(arguments.first_day, arguments.last_day),
    )


def _refuse_other_days(
    spark: SparkSession, arguments: Arguments, claim: Claim, owner: checkpoint.Owner
) -> None:
    """Refuse other bounds if only a listing would find the log files that they add.

    Source: Databricks, "Configure Auto Loader streams in file notification mode": when the path changes,
    files that are already there may be missed. File events are one way of that mode.
    """
    if arguments.discovery == "listing" or claim.days in (None, owner.days):
        return
    if checkpoint.has_progress(spark, arguments.checkpoint_path):
        raise CheckpointConflictError(
            f"Checkpoint {arguments.checkpoint_path} was read with the delivery days {claim.days!r}, not "
            f"{owner.days!r} (--from..--until). With --discovery={arguments.discovery}, Auto Loader may miss "
            "log files that are in the bucket already. The job wrote nothing. Run once with "
            f"--discovery=listing and these days; afterwards --discovery={arguments.discovery} accepts them. "
            "Or give the former days."
        )


def _refuse_lost_table(spark: SparkSession, arguments: Arguments, path: str, *, new: bool) -> None:
    """Refuse to create a table anew if the checkpoint knows log files: their records would be in no table."""
    if new or not checkpoint.has_progress(spark, arguments.checkpoint_path):
        return
    raise LostTableError(
        f"There is no Delta table at {path}, but checkpoint {arguments.checkpoint_path} records log files as "
        "read. A new table would lack their records. The job wrote nothing. Restore the folder from the "
        "bucket's versions or a backup. To load everything again, see "
        'docs/operations/wait_for_run.md, "LostTableError".'
    )


def _refuse_to_load_again(spark: SparkSession, arguments: Arguments, *, new: bool) -> None:
    """Refuse a checkpoint that records no log file, if the tables already have records of these logs.

    Its stream would read every log file again, and with `keep` the table would have each record twice.
    """
    if arguments.duplicates == "remove":
        return
    if not new and checkpoint.has_progress(spark, arguments.checkpoint_path):
        return
    for path in (arguments.delta_path, tables.quarantine_path(arguments.delta_path)):
        if (log_file := tables.any_log_file(spark, path, arguments.logs_path)) is not None:
            raise CheckpointConflictError(
                f"Checkpoint {arguments.checkpoint_path} records no log file, but {path} already has rows of "
                f"{arguments.logs_path}, such as those of {log_file}. This run would load every log file "
                "again, and with --duplicates=keep the table would have each record twice. Give the "
                "checkpoint of the run that wrote the table, another Delta path, or --duplicates=remove for "
                "this run."
            )


def ingest(spark: SparkSession, prepared: Prepared) -> None:
    """Read lost log files again, ingest the new ones, verify digests, then compact earlier days.

    With the continuous trigger the function does not return.

    Raises:
        StreamFailedError: if Spark stopped the stream.
    """
    arguments = prepared.arguments
    prepared = replace(prepared, read_again=_read_again(spark, arguments))
    if source.on_databricks() or not discovery.by_days(arguments):
        path = bounded(arguments.logs_path, arguments.first_day, arguments.last_listed_day)
        stream = checkpoint.only_stream(arguments.checkpoint_path)
        _stream(spark, prepared, path, stream, arguments.trigger)
        owner = _owner(arguments, prepared.claim.globber)
        if prepared.claim.days != owner.days:
            # Only now every log file of these days is read, whatever discovery the next run has.
            checkpoint.take(spark, arguments.checkpoint_path, owner)
    else:
        _round(spark, prepared)
        while arguments.trigger == "continuous":
            pause(ROUND_SECONDS)
            _round(spark, prepared)
    now = datetime.now(timezone.utc)  # noqa: UP017  # Python 3.10 too
    if arguments.kind == digests.KIND:
        evidence = verification.load_evidence(spark, arguments.public_keys)
        counts = verification.verify(spark, arguments.delta_path, evidence, now)
        say("verified", kind=arguments.kind, keys=len(evidence.keys), **counts)
    today = now.date()
    due = upkeep.due_since(spark, arguments.delta_path, today=today, since=prepared.version)
    if due is not None:
        for path in (arguments.delta_path, tables.quarantine_path(arguments.delta_path)):
            say("upkeep", table=path, since=str(due), **upkeep.compact(spark, path, due, today))
    say("end", kind=arguments.kind, table=arguments.table)


def _read_again(spark: SparkSession, arguments: Arguments) -> tuple[str, ...]:
    try:
        return read_again(spark, arguments)
    except JobError:
        raise
    except Exception as error:  # a Py4JJavaError or a PySparkException, as Spark and Spark Connect have it
        raise StreamFailedError(
            f"Log files of {arguments.logs_path} cannot be read again: {innermost(str(error))} Everything "
            "that was written is safe. Fix the error and start the same run again."
        ) from error


def _round(spark: SparkSession, prepared: Prepared) -> None:
    """List the days that are due, and read their new log files, one stretch of days after the other."""
    arguments = prepared.arguments
    now = datetime.now(timezone.utc)  # noqa: UP017  # Python 3.10 too
    plan = discovery.plan(spark, arguments, prepared.claim.created_at, now)
    for listing in plan.listings:
        say("listing", path=listing.path, everything=plan.sweep)
        stream = checkpoint.stretch_stream(arguments.checkpoint_path, listing.stretch, listing.first_batch)
        _stream(spark, prepared, listing.path, stream, "available_now")
    discovery.remember(spark, arguments, plan, now)


def _stream(spark: SparkSession, prepared: Prepared, path: str, stream: Stream, trigger: str) -> None:
    try:
        _run_stream(spark, prepared, path, stream, trigger, names_only=False)
    except JobError:
        raise
    except Exception as error:  # a Py4JJavaError or a PySparkException, as Spark and Spark Connect have it
        if not refused.blames_a_file(error):
            raise _stopped(prepared, error) from error
        say("refused", kind=prepared.arguments.kind, error=innermost(str(error)))
        try:
            _run_stream(spark, prepared, path, stream, trigger, names_only=True)
        except Exception as again:
            raise _stopped(prepared, again) from again


def _run_stream(
    spark: SparkSession, prepared: Prepared, path: str, stream: Stream, trigger: str, *, names_only: bool
) -> None:
    arguments = prepared.arguments
    files = source.read_files(spark, arguments, path, prepared.claim.globber, names_only=names_only)
    write = partial(_write, prepared, stream, names_only)
    writer = files.writeStream.foreachBatch(write).option("checkpointLocation", stream.path)
    if trigger == "continuous":
        writer = writer.trigger(processingTime=CONTINUOUS_INTERVAL)
    else:
        writer = writer.trigger(availableNow=True)
    writer.start().awaitTermination()


def _stopped(prepared: Prepared, error: Exception) -> StreamFailedError:
    return StreamFailedError(
        f"Spark stopped the stream of {prepared.arguments.logs_path}: {innermost(str(error))} Everything "
        "that was written is safe. Fix the error and start another run, which resumes with the failed batch."
    )


def _write(prepared: Prepared, stream: Stream, names_only: bool, files: DataFrame, batch_id: int) -> None:
    arguments, skipped = prepared.arguments, prepared.read_again
    counts = write_batch(arguments, stream, files, batch_id, read_again=skipped, names_only=names_only)
    say("batch", kind=arguments.kind, **counts)
