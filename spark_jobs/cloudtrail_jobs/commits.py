"""A batch's commit in a Delta log: the write marks it, and the check finds it by its mark.

Other commits may follow it (OPTIMIZE, auto compaction, VACUUM): the newest commit need not be the batch's.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs import accelerators, release

# How many commits to search: each one is a file to read, and the batch's is nearly always among the newest.
RECENT = (5, 500)
ANYWHERE = (*RECENT, None)


@dataclass(frozen=True)
class Mark:
    """What identifies a commit: the checkpoint's stream and the micro-batch.

    `run` is the caller's name for the run, and `batch_id` the batch's number in the rows.
    """

    stream: str
    batch: int
    run: str = ""
    batch_id: int | None = None

    def write(self, ingested_at: datetime) -> str:
        """Return the commit's `userMetadata`; `ingested_at` is that of the commit's rows.

        The plugin's `validate_rows` finds a run's rows by it, and reports the version and the accelerators
        that the driver found.
        """
        return json.dumps(
            {
                "stream": self.stream,
                "batch": self.batch,
                "ingested_at": ingested_at.isoformat(),
                "run": self.run,
                "batch_id": self.batch_id,
                "version": release.VERSION,
                "accelerators": accelerators.versions(),
            }
        )


@dataclass(frozen=True)
class Commit:
    """A commit: its version, the number of rows that it wrote, and their `ingested_at`."""

    version: int
    rows: int
    ingested_at: datetime


def find(
    spark: SparkSession, path: str, mark: Mark, *, limits: Sequence[int | None] = RECENT
) -> Commit | None:
    """Return the commit with this mark in the table's history, None if it is not there.

    `limits` says how many of the newest commits to search, one attempt after the other; None is all that the
    log has. A batch that Delta skipped, because it was already written, may be followed by any number.
    """
    for limit in limits:
        newest = "" if limit is None else f" LIMIT {limit}"
        history = spark.sql(f"DESCRIBE HISTORY {table_at(path)}{newest}")
        metadata = F.col("userMetadata")
        row = (
            history.where(F.get_json_object(metadata, "$.stream") == mark.stream)
            .where(F.get_json_object(metadata, "$.batch") == str(mark.batch))
            .select("version", "userMetadata", F.col("operationMetrics")["numOutputRows"].alias("written"))
            .first()
        )
        if row is not None:
            ingested_at = datetime.fromisoformat(json.loads(row["userMetadata"])["ingested_at"])
            return Commit(int(row["version"]), int(row["written"] or 0), ingested_at)
    return None


def table_at(path: str) -> str:
    """Return the SQL name of the Delta table at a path."""
    escaped = path.replace("`", "``")
    return f"delta.`{escaped}`"
