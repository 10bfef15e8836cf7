"""Which log files the source gave to a batch, by its own ledger: the count that the job's reading is held to.

Spark's file source notes every file it has listed under `<checkpoint>/sources/0`, before the batch reads
them, and passes over objects of zero bytes when it does: they are in the ledger and in no row. Auto Loader's
ledger cannot be read this way, so on Databricks this check is left out. Source: Spark, FileStreamSource and
FileStreamSourceLog; docs/adr/0017-source-ledger.md.
"""

import re

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs.checkpoint import Notes
from cloudtrail_jobs.session import fresh

_OFFSET = re.compile(r'logOffset\\*"\s*:\s*(-?\d+)')


def listed_files(spark: SparkSession, stream: str, notes: Notes, batch_id: int) -> DataFrame | None:
    """The files of a batch, as `log_file` and `delivered_at`; None when there is no such ledger.

    `stream` is the path of Spark's own checkpoint.
    """
    offsets = {-1: -1} | _offsets(notes)
    if batch_id not in offsets or batch_id - 1 not in offsets:
        return None
    start, end = offsets[batch_id - 1], offsets[batch_id]
    # Every tenth file of the ledger is a compact one, with everything before it.
    names = ",".join(f"{number},{number}.compact" for number in range(start + 1, end + 1))
    if not names:
        return None
    lines = fresh(spark).text(f"{stream}/sources/0/{{{names}}}")
    entry = F.from_json("value", "path STRING, timestamp BIGINT, batchId BIGINT").alias("entry")
    entries = lines.select(entry).where(
        F.col("entry.path").isNotNull() & F.col("entry.batchId").between(start + 1, end)
    )
    files = entries.select(
        _decoded(F.col("entry.path")).alias("log_file"),
        F.timestamp_millis("entry.timestamp").alias("delivered_at"),
    )
    # Of several files a compact one may repeat the others.
    return files if end - start == 1 else files.distinct()


def same_file(path: Column) -> Column:
    """A path in the one form that two spellings of it share: `file:///a` and `file:/a` are one."""
    return F.regexp_replace(path, "^([a-z0-9]+):/+", "$1:/")


def _decoded(path: Column) -> Column:
    # The ledger has URLs; url_decode would take a plus sign for a space.
    return F.url_decode(F.replace(path, F.lit("+"), F.lit("%2B")))


def _offsets(notes: Notes) -> dict[int, int]:
    """Batch → the number of the newest ledger file that it includes; for this batch and the one before."""
    found = [(batch, int(number)) for batch, line in notes.offsets for number in _OFFSET.findall(line)]
    # Two sources in one stream would be two offsets: that is not this job's stream.
    return dict(found) if len(dict(found)) == len(found) else {}
