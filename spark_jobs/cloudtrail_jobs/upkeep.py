"""Upkeep of the tables: once a day the job compacts the files of earlier days.

An hourly run adds a file or two to each table, and a table of tiny files is slow to query. The first run of a
UTC day that writes records also compacts the days before. Each compaction's commit says up to which day it
went. The job remembers nothing else: neither other writers' commits nor a commit's time of day matter.
Source: Delta Lake, "Optimizations" and "Retrieve Delta table history"; docs/adr/0011-tables-on-s3.md.
"""

import re
from datetime import date, timedelta
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs.commits import table_at

# Late deliveries add files to earlier days, so a compaction starts this much before the end of the last one.
LOOK_BACK = timedelta(days=3)
# How many commits to search: each one is a file to read, and the newest nearly always include a compaction.
_HISTORY = (50, 2000)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def newest_version(spark: SparkSession, path: str) -> int:
    """Return the table's newest version."""
    newest = spark.sql(f"DESCRIBE HISTORY {table_at(path)} LIMIT 1").select("version").first()
    return int(newest[0]) if newest else -1


def due_since(spark: SparkSession, path: str, *, today: date, since: int) -> date | None:
    """Return the first day whose files the job should compact.

    None if the days before `today` are compacted, or if no micro-batch was written after version `since`: a
    run that writes nothing does not compact.
    """
    if newest_version(spark, path) == since:
        return None
    for limit in _HISTORY:
        history = spark.sql(f"DESCRIBE HISTORY {table_at(path)} LIMIT {limit}")
        commits = history.select(
            F.col("version") > since,
            F.get_json_object("userMetadata", "$.batch").isNotNull(),
            F.when(F.col("operation") == "OPTIMIZE", F.col("operationParameters")["predicate"]),
            F.unix_millis("timestamp"),
        ).collect()
        if not any(new and batch for new, batch, _, _ in commits):
            return None
        ends = [_end(predicate) for _, _, predicate, _ in commits if predicate]
        if end := next((end for end in ends if end is not None), None):
            break
        if len(commits) < limit:
            break
    # For a table that was never compacted, the first day is that of its oldest commit.
    begin = end or date(1970, 1, 1) + timedelta(milliseconds=min(millis for *_, millis in commits))
    return begin - LOOK_BACK if begin < today else None


def compact(spark: SparkSession, path: str, first: date, today: date) -> dict[str, Any]:
    """Compact the files of the days from `first` to yesterday, without changing a row.

    Returns:
        `files_removed` and `files_added`; or `failed` with the reason. A failure is not an error: the table
        has its records either way.
    """
    days = f"date >= DATE '{first}' AND date < DATE '{today}'"
    try:
        row = spark.sql(f"OPTIMIZE {table_at(path)} WHERE {days}").select("metrics").first()
    except PySparkException as refused:
        return {"failed": str(refused).strip().splitlines()[0][:500]}
    metrics = row[0] if row else None
    return {
        "files_removed": int(metrics["numFilesRemoved"]) if metrics else 0,
        "files_added": int(metrics["numFilesAdded"]) if metrics else 0,
    }


def _end(predicate: str) -> date | None:
    """Return the day before which the job's compaction ended, by its condition; None for another writer's."""
    days = _DAY.findall(predicate)
    return date.fromisoformat(days[1]) if "date" in predicate and len(days) == 2 else None
