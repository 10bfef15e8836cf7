"""The checkpoint belongs to one logs path, Delta path and kind for ever: a marker beside it says which.

`<checkpoint path>/stream` is Spark's checkpoint; on open-source Spark there is one for each stretch of
delivery days, `<checkpoint path>/streams/<stretch>` (see `discovery`). `<checkpoint path>/owner` is the
marker, a JSON data set of one object that is written with the DataFrame API, since that is the one way every
cluster can write a file.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from cloudtrail_jobs.errors import CheckpointConflictError
from cloudtrail_jobs.session import fresh

_SCHEMA = (
    "kind STRING, logs_path STRING, delta_path STRING, table STRING, source STRING, globber STRING, "
    "created_at STRING"
)
# What Auto Loader read every checkpoint with before the marker stated it.
UNSTATED_GLOBBER = "default"


@dataclass(frozen=True)
class Owner:
    """What a checkpoint belongs to. `table` is a name for messages and may change.

    `source` is who lists the files: Auto Loader cannot go on where Spark's file source has ended, nor the
    reverse. `globber` is how it reads the logs path; a stream keeps the one that it began with.
    """

    kind: str
    logs_path: str
    delta_path: str
    table: str
    source: str
    globber: str

    def differences(self, other: "Owner") -> list[str]:
        """What of the other's does not fit, in words."""
        return [
            f"its {name.replace('_', ' ')} is {theirs!r}, not {ours!r}"
            for name in ("kind", "logs_path", "delta_path", "source")
            if (theirs := getattr(other, name)) != (ours := getattr(self, name))
        ]


@dataclass(frozen=True)
class Claim:
    """A checkpoint that is ours: when it was first taken (an aware datetime), and its stream's globber."""

    created_at: datetime
    globber: str


@dataclass(frozen=True)
class Stream:
    """`path` is Spark's own checkpoint, `first_batch` what its first micro-batch is called in `batch_id`."""

    path: str
    first_batch: int = 0


@dataclass(frozen=True)
class Notes:
    """Spark's own notes of a stream.

    Attributes:
        stream_id: the id that Spark gave its checkpoint; one that was deleted and made anew has another. It
            is what Delta remembers batches by: with an id of our own, the batches of the new checkpoint
            would pass for those of the old one and be left out.
        offsets: lines of the offsets of a batch and of the one before, each with the number of its batch.
    """

    stream_id: str
    offsets: list[tuple[int, str]]


def only_stream(checkpoint_path: str) -> Stream:
    """The stream of a checkpoint that has one."""
    return Stream(f"{checkpoint_path}/stream")


def stretch_stream(checkpoint_path: str, stretch: str, first_batch: int) -> Stream:
    """The stream of a stretch of delivery days."""
    return Stream(f"{checkpoint_path}/streams/{stretch}", first_batch)


def examine(spark: SparkSession, checkpoint_path: str, owner: Owner) -> Claim | None:
    """Make sure that a checkpoint is the owner's, or nobody's; nothing is written.

    Returns:
        the claim of the run that took it; None when it is nobody's.

    Raises:
        CheckpointConflictError: when it is another's, or holds something without a marker.
    """
    found = _read(spark, checkpoint_path)
    if found is not None:
        owned, created_at = found
        if differences := owner.differences(owned):
            remedy = (
                "A checkpoint knows which log files it has read, so another logs path needs another "
                "checkpoint."
                if has_progress(spark, checkpoint_path)
                else "It has read nothing yet. If no other stream is to use it, delete "
                f"{checkpoint_path}/owner and run again; otherwise give another checkpoint path."
            )
            raise CheckpointConflictError(
                f"Checkpoint {checkpoint_path} belongs to another stream: {'; '.join(differences)}. {remedy}"
            )
        return Claim(created_at, owned.globber)
    if (foreign := _any_file(spark, checkpoint_path)) is not None:
        raise CheckpointConflictError(
            f"Checkpoint {checkpoint_path} is in use by a stream that this job did not start (it holds "
            f"{foreign}). Give an empty or absent path."
        )
    return None


def has_progress(spark: SparkSession, checkpoint_path: str) -> bool:
    """Whether a stream has begun with this checkpoint: without one, it knows no log file."""
    try:
        ids = fresh(spark).text(f"{checkpoint_path}/{{stream,streams/*}}/metadata")
    except AnalysisException as error:
        if "PATH_NOT_FOUND" in str(error):
            return False
        raise
    return ids.first() is not None


def take(spark: SparkSession, checkpoint_path: str, owner: Owner) -> Claim:
    """Write the marker of a checkpoint that is nobody's."""
    now = datetime.now(timezone.utc)  # noqa: UP017  # Python 3.10 too
    row = asdict(owner) | {"created_at": now.isoformat()}
    values = [tuple(row[name.split()[0]] for name in _SCHEMA.split(", "))]
    spark.createDataFrame(values, _SCHEMA).coalesce(1).write.mode("overwrite").json(
        f"{checkpoint_path}/owner"
    )
    return Claim(now, owner.globber)


def read_notes(spark: SparkSession, stream: Stream, batch_id: int) -> Notes:
    """What Spark has written into its checkpoint when a batch begins, in one read.

    Raises:
        CheckpointConflictError: when the stream has no id.
    """
    path = f"{stream.path}/{{metadata,offsets/{batch_id - 1},offsets/{batch_id}}}"
    lines = fresh(spark).text(path).select("value", "_metadata.file_name").collect()
    ids = [line[0] for line in lines if line[1] == "metadata"]
    if not ids:
        raise CheckpointConflictError(f"{stream.path}/metadata is empty: the checkpoint is damaged")
    offsets = [(int(line[1]), line[0]) for line in lines if line[1] != "metadata"]
    return Notes(str(json.loads(ids[0])["id"]), offsets)


def _read(spark: SparkSession, checkpoint_path: str) -> tuple[Owner, datetime] | None:
    try:
        row = fresh(spark).schema(_SCHEMA).json(f"{checkpoint_path}/owner").first()
    except AnalysisException as error:
        if "PATH_NOT_FOUND" in str(error):
            return None
        raise
    if row is None:
        return None
    owner = Owner(
        kind=row["kind"],
        logs_path=row["logs_path"],
        delta_path=row["delta_path"],
        table=row["table"],
        source=row["source"],
        globber=row["globber"] or UNSTATED_GLOBBER,
    )
    return owner, datetime.fromisoformat(row["created_at"])


def _any_file(spark: SparkSession, path: str) -> str | None:
    try:
        files = fresh(spark).format("binaryFile").option("recursiveFileLookup", "true").load(path)
        row = files.select("path").limit(1).first()
    except AnalysisException as error:
        if "PATH_NOT_FOUND" in str(error):
            return None
        raise
    return None if row is None else str(row[0])
