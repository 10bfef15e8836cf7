"""A batch's commit in a Delta log: marked when it is written, found by its mark when it is checked.

Other commits may come between (OPTIMIZE, auto compaction, VACUUM): the newest commit is not the batch's.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

# The newest few commits nearly always have it, and each one is a file to read.
_LOOK_BACK = (5, 500)


@dataclass(frozen=True)
class Mark:
    """Whose commit it is: the checkpoint's stream and the micro-batch.

    `run` is whose run it was, as the job was told, `batch_id` what the rows call the batch.
    """

    stream: str
    batch: int
    run: str = ""
    batch_id: int | None = None

    def write(self, ingested_at: datetime) -> str:
        """The commit's `userMetadata`; `ingested_at` is that of the commit's rows.

        Others read it: `validate_rows` tells a run's rows by it.
        """
        return json.dumps(
            {
                "stream": self.stream,
                "batch": self.batch,
                "ingested_at": ingested_at.isoformat(),
                "run": self.run,
                "batch_id": self.batch_id,
            }
        )


@dataclass(frozen=True)
class Commit:
    """A commit that was found: its version, how many rows it wrote, and their `ingested_at`."""

    version: int
    rows: int
    ingested_at: datetime


def find(spark: SparkSession, path: str, mark: Mark) -> Commit | None:
    """The commit with this mark in the table's history, None when it is not in the last 500."""
    for limit in _LOOK_BACK:
        history = spark.sql(f"DESCRIBE HISTORY {table_at(path)} LIMIT {limit}")
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
    """A Delta table by its path, as SQL names it."""
    escaped = path.replace("`", "``")
    return f"delta.`{escaped}`"
