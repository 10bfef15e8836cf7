"""The checkpoint belongs to one logs path, Delta path and kind for ever: a marker beside it says which.

`<checkpoint path>/stream` is Spark's checkpoint, `<checkpoint path>/owner` the marker, a JSON data set of one
object that is written with the DataFrame API, since that is the one way every cluster can write a file.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from cloudtrail_jobs.errors import CheckpointConflictError
from cloudtrail_jobs.reading import fresh

_SCHEMA = "kind STRING, logs_path STRING, delta_path STRING, table STRING, created_at STRING"


@dataclass(frozen=True)
class Owner:
    """What a checkpoint belongs to. `table` is a name for messages and may change."""

    kind: str
    logs_path: str
    delta_path: str
    table: str

    def differences(self, other: "Owner") -> list[str]:
        """What of the other's does not fit, in words."""
        return [
            f"its {name.replace('_', ' ')} is {theirs!r}, not {ours!r}"
            for name in ("kind", "logs_path", "delta_path")
            if (theirs := getattr(other, name)) != (ours := getattr(self, name))
        ]


def stream_path(checkpoint_path: str) -> str:
    """Spark's own checkpoint."""
    return f"{checkpoint_path}/stream"


def claim(spark: SparkSession, checkpoint_path: str, owner: Owner) -> None:
    """Take an unused checkpoint for `owner`, or make sure that it is the owner's already.

    Raises:
        CheckpointConflictError: when it is another's, or holds something without a marker.
    """
    found = _read(spark, checkpoint_path)
    if found is not None:
        if differences := owner.differences(found):
            raise CheckpointConflictError(
                f"Checkpoint {checkpoint_path} belongs to another stream: {'; '.join(differences)}. A "
                "checkpoint knows which log files it has read, so another logs path needs another checkpoint."
            )
        return
    if (foreign := _any_file(spark, checkpoint_path)) is not None:
        raise CheckpointConflictError(
            f"Checkpoint {checkpoint_path} is in use by a stream that this job did not start (it holds "
            f"{foreign}). Give an empty or absent path."
        )
    created = {"created_at": datetime.now(timezone.utc).isoformat()}  # noqa: UP017  # Python 3.10 too
    row = asdict(owner) | created
    values = [tuple(row[name.split()[0]] for name in _SCHEMA.split(", "))]
    spark.createDataFrame(values, _SCHEMA).coalesce(1).write.mode("overwrite").json(
        f"{checkpoint_path}/owner"
    )


def stream_id(spark: SparkSession, checkpoint_path: str) -> str:
    """The id that Spark gave this checkpoint; a checkpoint that was deleted and made anew has another.

    It is what Delta remembers batches by: with an id of our own, the batches of the new checkpoint would pass
    for those of the old one and be left out.
    """
    first = fresh(spark).text(f"{stream_path(checkpoint_path)}/metadata").first()
    if first is None:
        raise CheckpointConflictError(
            f"{stream_path(checkpoint_path)}/metadata is empty: the checkpoint is damaged"
        )
    return str(json.loads(first[0])["id"])


def _read(spark: SparkSession, checkpoint_path: str) -> Owner | None:
    try:
        row = fresh(spark).schema(_SCHEMA).json(f"{checkpoint_path}/owner").first()
    except AnalysisException as error:
        if "PATH_NOT_FOUND" in str(error):
            return None
        raise
    if row is None:
        return None
    return Owner(row["kind"], row["logs_path"], row["delta_path"], row["table"])


def _any_file(spark: SparkSession, path: str) -> str | None:
    try:
        files = fresh(spark).format("binaryFile").option("recursiveFileLookup", "true").load(path)
        row = files.select("path").limit(1).first()
    except AnalysisException as error:
        if "PATH_NOT_FOUND" in str(error):
            return None
        raise
    return None if row is None else str(row[0])
