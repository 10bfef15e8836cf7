"""The log files that the source listed for a batch and that the batch did not read: empty or missing ones.

Spark's file source lists a batch's files before it reads them. It skips objects of zero bytes, and (with
`ignoreMissingFiles`) objects that somebody has deleted in between. Both end in the quarantine, with different
reasons: an empty object loses nothing. Source: Spark, PartitioningAwareFileIndex and FileScanRDD;
docs/adr/0008-exactly-once.md.
"""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs.ledger import same_file
from cloudtrail_jobs.quality import Reason
from cloudtrail_jobs.session import fresh
from cloudtrail_jobs.unpacking import ROWS

# How many objects to look up at the same time.
LOOKUPS = 16
DETAILS = {
    Reason.EMPTY_FILE: "the object has no bytes: Spark's file source lists it and does not read it",
    Reason.MISSING_FILE: "the object was listed, but somebody deleted it before the job read it",
}


@dataclass(frozen=True)
class Unread:
    """A file that was listed and not read; `delivered_at` is its modification time when it was listed."""

    log_file: str
    delivered_at: datetime
    reason: Reason
    detail: str


def find(listed: DataFrame, rows: DataFrame, written: DataFrame | None) -> list[Unread]:
    """Return the listed files that are neither in the batch's rows nor in `written`, each with its reason.

    Args:
        listed: the source's list, as `ledger.listed_files` returns it.
        rows: the rows of the files that the batch read.
        written: the files (`log_file`) that an earlier attempt of the batch wrote, if there was one.
    """
    read = rows.where("file_row").select("log_file")
    known = read if written is None else read.unionByName(written)
    left = listed.join(
        known.select(same_file(F.col("log_file")).alias("known")),
        same_file(F.col("log_file")) == F.col("known"),
        "left_anti",
    )
    found = [(row["log_file"], row["delivered_at"]) for row in left.collect()]
    reasons = _reasons(rows.sparkSession, [path for path, _ in found])
    return [
        Unread(path, at, reason, DETAILS[reason]) for (path, at), reason in zip(found, reasons, strict=True)
    ]


def to_rows(spark: SparkSession, unread: Sequence[Unread]) -> DataFrame:
    """Return one row per file, with the columns of `unpacking.ROWS`."""
    known = [(one.log_file, one.delivered_at, one.reason.value, one.detail) for one in unread]
    given = spark.createDataFrame(
        known, "log_file STRING, delivered_at TIMESTAMP, reason STRING, detail STRING"
    )
    fixed = {"log_file_records": F.lit(0), "file_row": F.lit(True)}
    columns = (column.split() for column in ROWS.split(", "))
    return given.select(
        *(
            (F.col(name) if name in given.columns else fixed.get(name, F.lit(None))).cast(kind).alias(name)
            for name, kind in columns
        )
    )


def _reasons(spark: SparkSession, paths: Sequence[str]) -> list[Reason]:
    there = set(existing(spark, paths))
    return [Reason.EMPTY_FILE if path in there else Reason.MISSING_FILE for path in paths]


def existing(spark: SparkSession, paths: Sequence[str]) -> list[str]:
    """Return those of the paths that exist."""
    if not paths or _all_exist(spark, paths):
        return list(paths)
    with ThreadPoolExecutor(LOOKUPS) as together:
        there = together.map(partial(_all_exist, spark), ([path] for path in paths))
        return [path for path, exists in zip(paths, there, strict=True) if exists]


def exact(path: str) -> str:
    """Return the glob that matches only this path: names may have characters of globs."""
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", path)


def _all_exist(spark: SparkSession, paths: Sequence[str]) -> bool:
    try:
        fresh(spark).format("binaryFile").load([exact(path) for path in paths]).select("path").first()
    except AnalysisException as error:
        if "PATH_NOT_FOUND" in str(error):
            return False
        raise
    return True
