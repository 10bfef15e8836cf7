"""The source's ledger: which log files it gave to a batch. The job checks its own count against the ledger.

Spark's file source writes every file that it lists to `<checkpoint>/sources/0`, before the batch reads the
files. The batch then skips objects of zero bytes: they are in the ledger, but in no row. Auto Loader's ledger
cannot be read this way, so Databricks does without this check. Source: Spark, FileStreamSource and
FileStreamSourceLog; docs/adr/0008-exactly-once.md.
"""

import re

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs.checkpoint import Notes
from cloudtrail_jobs.session import fresh

_SCHEME = "^([a-z0-9]+):/+"
_OFFSET = re.compile(r'logOffset\\*"\s*:\s*(-?\d+)')


def listed_files(spark: SparkSession, stream: str, notes: Notes, batch_id: int) -> DataFrame | None:
    """Return the files of a batch, as `log_file` and `delivered_at`; None if the ledger does not have it.

    `stream` is the path of Spark's checkpoint.
    """
    offsets = {-1: -1} | _offsets(notes)
    if batch_id not in offsets or batch_id - 1 not in offsets:
        return None
    start, end = offsets[batch_id - 1], offsets[batch_id]
    # Every tenth file of the ledger is a compact one, which includes all earlier entries.
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
    # Among several files, a compact one may repeat the entries of the others.
    return files if end - start == 1 else files.distinct()


def same_file(path: Column) -> Column:
    """Return a path in one spelling: `file:///a` and `file:/a` are the same file."""
    return F.regexp_replace(path, _SCHEME, "$1:/")


def one_spelling(path: str) -> str:
    """Return the same of a path that is not a column."""
    return re.sub(_SCHEME, r"\1:/", path)


def _decoded(path: Column) -> Column:
    # The ledger has URLs; url_decode would turn a plus sign into a space.
    return F.url_decode(F.replace(path, F.lit("+"), F.lit("%2B")))


def _offsets(notes: Notes) -> dict[int, int]:
    """Return batch → the number of its newest ledger file, for this batch and the previous one."""
    found = [(batch, int(number)) for batch, line in notes.offsets for number in _OFFSET.findall(line)]
    # A stream of two sources has two offsets in a batch: it is not a stream of this job.
    return dict(found) if len(dict(found)) == len(found) else {}
