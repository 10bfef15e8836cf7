"""Upkeep of the tables: once a day the files of the days before are brought together.

An hourly run adds a file or two to each table, and a table of tiny files is slow to query. The first run of a
UTC day that finds the tables as an earlier day has left them compacts what has been written since. The newest
commit says which day that was: nothing else has to be remembered, and a run that is killed before leaves its
part to the next. Source: Delta Lake, "Optimizations"; docs/adr/0049-upkeep.md.
"""

from datetime import date, timedelta
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs.commits import table_at

# What is delivered late belongs to days before, and an upkeep that was missed is made up for.
LOOK_BACK = timedelta(days=3)


def due_since(spark: SparkSession, path: str, today: date) -> date | None:
    """The first day whose files are to be compacted; None when the table was written to today already."""
    history = spark.sql(f"DESCRIBE HISTORY {table_at(path)} LIMIT 1")
    newest = history.select(F.unix_millis("timestamp")).first()
    if newest is None:
        return None
    written = date(1970, 1, 1) + timedelta(milliseconds=newest[0])
    return written - LOOK_BACK if written < today else None


def compact(spark: SparkSession, path: str, first: date, today: date) -> dict[str, Any]:
    """Bring the files of the days from `first` to yesterday together; no row is changed.

    Returns:
        `files_removed` and `files_added`; or `failed` with the reason, since the records are in the table
        whatever becomes of its files.
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
