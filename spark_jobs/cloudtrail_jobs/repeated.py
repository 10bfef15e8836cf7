"""A batch that an earlier attempt has written: does the table hold the files that the batch has now?

Delta skips the second write of a batch, by the batch's number alone. If the batch no longer has the files
that it had, the new ones would be in no table: after a checkpoint was rolled back, or after an object was
overwritten. Equal counts prove nothing, so the files are compared by name, hash and number of rows. A file
that was written and is gone now is no loss, and a record that was deleted on purpose since then counts as
written. Source: docs/adr/0008-exactly-once.md.
"""

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs import tables
from cloudtrail_jobs.commits import Commit, Mark
from cloudtrail_jobs.errors import BatchChangedError
from cloudtrail_jobs.ledger import same_file
from cloudtrail_jobs.quality import TOMBSTONES
from cloudtrail_jobs.session import fresh

SHOWN = 5


def files_of(spark: SparkSession, delta_path: str, number: int) -> DataFrame:
    """Return the files (`log_file`) of which table or quarantine have rows of the batch with this number."""
    both = (
        fresh(spark).format("delta").load(path).where(F.col("batch_id") == number).select("log_file")
        for path in (delta_path, tables.quarantine_path(delta_path))
    )
    return next(both).unionByName(next(both)).distinct()


def check(given: DataFrame, path: str, mark: Mark, commit: Commit) -> None:
    """Compare the rows that the batch has now with those that the commit wrote to `path`, file by file.

    Raises:
        BatchChangedError: if a file has rows that the commit has not.
    """
    written = _written(given.sparkSession, path, mark, commit)
    ours, theirs = _by_file(given, "given"), _by_file(written, "written")
    changed = (
        ours.join(theirs, "file", "left")
        .where("NOT (given_rows <=> written_rows AND given_hash <=> written_hash)")
        .select("*", F.expr("COUNT(*) OVER ()").alias("files"))
    )
    if found := changed.orderBy("file").limit(SHOWN).collect():
        raise BatchChangedError(
            f"Batch {mark.batch} was written to {path} by an earlier run (version {commit.version}), but "
            f"{found[0]['files']} of its log files are not as they were then: "
            f"{'; '.join(_difference(row) for row in found)}. Delta does not write a batch twice, so the job "
            "stopped before these records were lost. Nothing was deleted. For the way out, see "
            'docs/operations/wait_for_run.md, "BatchChangedError".'
        )


def _written(spark: SparkSession, path: str, mark: Mark, commit: Commit) -> DataFrame:
    """Return the commit's rows, `log_file` and `log_file_sha256`, with those that were deleted since then."""
    micros = round(commit.ingested_at.timestamp() * 1_000_000)
    of_commit = (F.col("batch_id") == mark.batch_id) & (
        F.col("ingested_at") == F.timestamp_micros(F.lit(micros).cast("bigint"))
    )
    rows = fresh(spark).format("delta").load(path).where(of_commit)
    if "reason" in rows.columns:
        return rows.where(~F.col("reason").isin(*TOMBSTONES))
    columns = ("log_file", "log_file_sha256", "record_index")
    left = fresh(spark).format("delta").load(tables.quarantine_path(path)).where(of_commit)
    deleted = left.where(F.col("reason").isin(*TOMBSTONES)).select(*columns)
    # Between the two writes of a deletion, a record is in both.
    return rows.select(*columns).unionByName(deleted).distinct()


def _by_file(rows: DataFrame, side: str) -> DataFrame:
    return rows.groupBy(same_file(F.col("log_file")).alias("file")).agg(
        F.count("*").alias(f"{side}_rows"), F.max("log_file_sha256").alias(f"{side}_hash")
    )


def _difference(row: Row) -> str:
    if row["written_rows"] is None:
        return f"{row['file']} was not in the batch"
    if row["given_hash"] != row["written_hash"]:
        return (
            f"{row['file']} was overwritten (SHA-256 {row['written_hash'] or 'unknown'} then, "
            f"{row['given_hash'] or 'unknown'} now)"
        )
    return f"{row['file']} has {row['given_rows']} rows, and the table {row['written_rows']}"
