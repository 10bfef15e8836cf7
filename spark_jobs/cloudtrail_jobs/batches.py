"""One micro-batch → table and quarantine, exactly once; every count is checked against an independent one.

The job reads a batch without defects only once. The two writes are separate commits, and Delta remembers each
by the checkpoint's id and the batch's number. If the job is killed between them, the next run repeats the
batch, and Delta skips the first write. Source: docs/adr/0008-exactly-once.md.
"""

import contextlib
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from functools import partial
from typing import Any

from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs import commits, passed_over, refused, repeated, source, tables
from cloudtrail_jobs.args import Arguments
from cloudtrail_jobs.checkpoint import Stream, read_notes
from cloudtrail_jobs.commits import Commit, Mark
from cloudtrail_jobs.duplicates import mark_duplicates
from cloudtrail_jobs.errors import BatchImbalanceError
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.ledger import listed_files, same_file
from cloudtrail_jobs.quality import Reason
from cloudtrail_jobs.transforms import is_sound, to_quarantine, to_table, unpack_files, with_batch

# How long the job waits, after a write, for the write's counts; then it reads the batch again to count it.
COUNTS_SECONDS = 20.0


def write_batch(
    arguments: Arguments,
    stream: Stream,
    files: DataFrame,
    batch_id: int,
    *,
    read_again: Sequence[str] = (),
    names_only: bool = False,
) -> dict[str, Any]:
    """Write a micro-batch of a stream, without the files that `read_again` names.

    With `names_only` the files come without their content, because one of them cannot be read. Returns and
    raises as `write_files`.
    """
    spark = files.sparkSession
    notes = read_notes(spark, stream, batch_id)
    mark = Mark(notes.stream_id, batch_id, arguments.run, stream.first_batch + batch_id)
    listed = None if source.on_databricks() else listed_files(spark, stream.path, notes, batch_id)
    if read_again:
        files = _without(files, "path", read_again)
        listed = None if listed is None else _without(listed, "log_file", read_again)
    return write_files(arguments, mark, files, listed, names_only=names_only)


def _without(files: DataFrame, name: str, paths: Sequence[str]) -> DataFrame:
    skipped = files.sparkSession.createDataFrame([(path,) for path in paths], "path STRING")
    spelled = F.broadcast(skipped.select(same_file(F.col("path")).alias("skipped")))
    return files.join(spelled, same_file(F.col(name)) == F.col("skipped"), "left_anti")


def write_files(
    arguments: Arguments, mark: Mark, files: DataFrame, listed: DataFrame | None, *, names_only: bool = False
) -> dict[str, Any]:
    """Write a micro-batch: first the sound rows, then the defects, if the first pass found any.

    Args:
        arguments: the kind's arguments.
        mark: what identifies the batch. Delta skips a batch that it already has.
        files: the files as the source gives them.
        listed: the files that the source has listed for the batch, as `ledger.listed_files` returns them.
        names_only: whether the files come without their content, because one of them cannot be read.

    Returns:
        the batch's counts: `files`; `records`, counted when the files were cut; `kept`, the table's rows;
        `defects`, the quarantine's rows; `removed`, the duplicates among the defects; `odd`, rows with
        misfits or unknown fields. Also whether the batch was `repeated`, and whether the source's ledger of
        `listed` files could be read.

    Raises:
        BatchImbalanceError: if two counts that must agree differ.
        LogsRefusedError: if the store refuses most of the files.
    """
    spark = files.sparkSession
    kind = KINDS[arguments.kind]
    batch_id, number = mark.batch, mark.batch if mark.batch_id is None else mark.batch_id
    now = datetime.now(timezone.utc)  # noqa: UP017  # Python 3.10 too
    in_batch = partial(with_batch, batch_id=number, ingested_at=now)
    files, refused_files = refused.read(files) if names_only else (files, [])
    rows = unpack_files(files, kind)
    if arguments.duplicates == "remove":
        before = commits.find(spark, arguments.delta_path, mark)
        own = {now} if before is None else {now, before.ingested_at}
        rows = mark_duplicates(rows, kind, arguments.delta_path, batch_id=number, own=own)
    if refused_files:
        rows = rows.unionByName(passed_over.to_rows(spark, refused_files))
    observation = Observation(f"batch_{batch_id}")
    observed = in_batch(rows).observe(observation, *_counts())
    with ThreadPoolExecutor(1) as beside:
        counting = None if listed is None else beside.submit(listed.count)
        tables.append(to_table(observed, kind), arguments.delta_path, mark, now)
    path = arguments.delta_path
    commit, observed_counts = _written(spark, path, mark, observation, now)
    counts = observed_counts or rows.agg(*_counts()).collect()[0].asDict()
    is_repeated = _is_earlier(commit, now)
    if listed is not None and counting is not None and counting.result() != counts["files"]:
        written = repeated.files_of(spark, path, number) if is_repeated else None
        unread = passed_over.find(listed, rows, written)
        rows = rows.unionByName(passed_over.to_rows(spark, unread))
        counts |= {"files": counts["files"] + len(unread), "defects": counts["defects"] + len(unread)}
        if not is_repeated:
            _check_files(batch_id, counting.result(), counts["files"])
    _check_written(rows.where(is_sound()), path, mark, commit, rows=counts["kept"], now=now)
    if counts["defects"]:
        path = tables.quarantine_path(arguments.delta_path)
        tables.append(to_quarantine(in_batch(rows)), path, mark, now)
        commit = commits.find(spark, path, mark, limits=commits.ANYWHERE)
        _check_written(rows.where(~is_sound()), path, mark, commit, rows=counts["defects"], now=now)
    _check_records(batch_id, counts)
    return {"batch_id": number, "repeated": is_repeated, "listed": listed is not None, **counts}


def _written(
    spark: SparkSession, path: str, mark: Mark, counts: Observation, now: datetime
) -> tuple[Commit | None, dict[str, Any] | None]:
    """Return the batch's commit, and the counts of its write if it made that commit."""
    commit = commits.find(spark, path, mark)
    # A write that Delta skipped ran no job, so it counted nothing.
    observed = None if _is_earlier(commit, now) else _observed(counts)
    if observed is None and commit is None:
        commit = commits.find(spark, path, mark, limits=commits.ANYWHERE)
    return commit, observed


def _is_earlier(commit: Commit | None, now: datetime) -> bool:
    """Return whether an earlier attempt of the batch made the commit, so that Delta skipped this one."""
    return commit is not None and commit.ingested_at != now


def _counts() -> list[Column]:
    first = F.col("file_row")
    return [
        F.count_if(first).alias("files"),
        F.coalesce(F.sum(F.when(first, F.col("log_file_records"))), F.lit(0)).alias("records"),
        F.count("record_index").alias("placed"),
        F.count_if(is_sound()).alias("kept"),
        F.count_if(~is_sound()).alias("defects"),
        F.count_if(F.col("reason") == Reason.DUPLICATE.value).alias("removed"),
        F.count_if(F.col("misfits").isNotNull() | F.col("unknown_fields").isNotNull()).alias("odd"),
    ]


def _observed(counts: Observation) -> dict[str, Any] | None:
    """Return the write's counts; None if they do not arrive."""
    found: list[dict[str, Any]] = []

    def wait() -> None:
        # If there is no row to write, Spark drops the counting plan, and then fails to build a row from it.
        with contextlib.suppress(Exception):
            found.append(counts.get)

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    waiter.join(COUNTS_SECONDS)
    return (found[0] or None) if found else None


def _check_files(batch_id: int, listed: int, read: int) -> None:
    if listed != read:
        raise BatchImbalanceError(
            f"The source listed {listed} log files for batch {batch_id}, but the job read {read}. Nothing "
            "was deleted. Compare the log files in the bucket with log_file in the tables."
        )


def _check_records(batch_id: int, counts: dict[str, Any]) -> None:
    if counts["records"] != counts["placed"]:
        raise BatchImbalanceError(
            f"The log files of batch {batch_id} have {counts['records']} records, but the job made "
            f"{counts['placed']} rows of them. Nothing was deleted. Compare log_file_records with the number "
            "of rows of each log_file."
        )


def _check_written(
    given: DataFrame, path: str, mark: Mark, commit: Commit | None, *, rows: int, now: datetime
) -> None:
    """Compare the rows that were read with the rows that Delta committed.

    The commit of an earlier attempt is compared by file: other files can have as many rows.
    """
    if commit is not None and _is_earlier(commit, now):
        repeated.check(given, path, mark, commit)
    elif (0 if commit is None else commit.rows) != rows:
        raise BatchImbalanceError(
            f"Batch {mark.batch} has {rows} rows for {path}, but Delta committed "
            f"{commit or 'nothing with its mark'}. Nothing was deleted. Compare log_file and record_index in "
            "the table with the log files."
        )
