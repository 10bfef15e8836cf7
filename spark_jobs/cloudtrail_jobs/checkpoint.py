"""The checkpoint: it belongs to one logs path, Delta path and kind for ever, and a marker names them.

`<checkpoint path>/stream` is Spark's checkpoint. On open-source Spark each stretch of delivery days has one,
`<checkpoint path>/streams/<stretch>` (see `discovery`). `<checkpoint path>/owner` is the marker, a JSON data
set. The job writes it with the DataFrame API, because every cluster can write files that way. Its first
object is the claim. The job appends another one when it has read other delivery days; overwriting would leave
no marker if the job were killed meanwhile.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from operator import itemgetter

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from cloudtrail_jobs.errors import CheckpointConflictError
from cloudtrail_jobs.session import fresh

_SCHEMA = (
    "kind STRING, logs_path STRING, delta_path STRING, table STRING, source STRING, globber STRING, "
    "days STRING, created_at STRING"
)
# The globber of every checkpoint from before the marker stated it.
UNSTATED_GLOBBER = "default"


@dataclass(frozen=True)
class Owner:
    """The stream that a checkpoint belongs to. `table` is a name for messages and may change.

    `source` lists the files: Auto Loader cannot continue a stream of Spark's file source, nor the reverse.
    `globber` is how the source reads the logs path; a stream keeps the globber that it began with.
    `days` are the delivery days that it was read with, see `bounds.days`; empty if the marker does not say.
    """

    kind: str
    logs_path: str
    delta_path: str
    table: str
    source: str
    globber: str
    days: str = ""

    def differences(self, other: "Owner") -> list[str]:
        """Return the fields in which the other owner differs, in words."""
        return [
            f"its {name.replace('_', ' ')} is {theirs!r}, not {ours!r}"
            for name in ("kind", "logs_path", "delta_path", "source")
            if (theirs := getattr(other, name)) != (ours := getattr(self, name))
        ]


@dataclass(frozen=True)
class Claim:
    """A checkpoint that the run may use.

    Attributes:
        created_at: when it was first claimed (aware).
        globber: its stream's globber.
        days: the delivery days that it was last read with; None if an earlier release read it.
    """

    created_at: datetime
    globber: str
    days: str | None


@dataclass(frozen=True)
class Stream:
    """A stream: `path` is Spark's checkpoint, `first_batch` the `batch_id` of its first micro-batch."""

    path: str
    first_batch: int = 0


@dataclass(frozen=True)
class Notes:
    """What Spark's checkpoint says about a stream.

    Attributes:
        stream_id: the id that Spark gave its checkpoint. A checkpoint that was deleted and created again has
            another id. Delta remembers batches by it: if the job chose the id, Delta would mistake the new
            checkpoint's batches for those of the old one and skip them.
        offsets: the lines of a batch's offsets and of the previous batch's, each with its batch's number.
    """

    stream_id: str
    offsets: list[tuple[int, str]]


def only_stream(checkpoint_path: str) -> Stream:
    """Return the stream of a checkpoint that has only one."""
    return Stream(f"{checkpoint_path}/stream")


def stretch_stream(checkpoint_path: str, stretch: str, first_batch: int) -> Stream:
    """Return the stream of a stretch of delivery days."""
    return Stream(f"{checkpoint_path}/streams/{stretch}", first_batch)


def examine(spark: SparkSession, checkpoint_path: str, owner: Owner) -> Claim | None:
    """Make sure that a checkpoint is the owner's or unused, without writing anything.

    Returns:
        the claim of the run that first took the checkpoint; None if it is unused.

    Raises:
        CheckpointConflictError: if another stream owns the checkpoint, or it holds files without a marker.
    """
    found = _read(spark, checkpoint_path)
    if found is not None:
        owned, created_at = found
        if differences := owner.differences(owned):
            remedy = (
                "A checkpoint records which log files it has read, so another stream needs another "
                "checkpoint: give another checkpoint path."
                if has_progress(spark, checkpoint_path)
                else f"It has read nothing yet. If no other stream needs it, delete {checkpoint_path}/owner "
                "and run again; otherwise give another checkpoint path."
            )
            raise CheckpointConflictError(
                f"Checkpoint {checkpoint_path} belongs to another stream: {'; '.join(differences)}. {remedy}"
            )
        return Claim(created_at, owned.globber, owned.days or None)
    if (foreign := _any_file(spark, checkpoint_path)) is not None:
        raise CheckpointConflictError(
            f"Checkpoint {checkpoint_path} belongs to a stream that this job did not start: it holds "
            f"{foreign}. Give an empty or absent path."
        )
    return None


def has_progress(spark: SparkSession, checkpoint_path: str) -> bool:
    """Return whether a stream has begun with this checkpoint; if not, it records no log file."""
    try:
        ids = fresh(spark).text(f"{checkpoint_path}/{{stream,streams/*}}/metadata")
    except AnalysisException as error:
        if "PATH_NOT_FOUND" in str(error):
            return False
        raise
    return ids.first() is not None


def take(spark: SparkSession, checkpoint_path: str, owner: Owner) -> Claim:
    """Claim an unused checkpoint by writing its marker, or note that its owner has read other days."""
    now = datetime.now(timezone.utc)  # noqa: UP017  # Python 3.10 too
    row = asdict(owner) | {"created_at": now.isoformat()}
    values = [tuple(row[name.split()[0]] for name in _SCHEMA.split(", "))]
    spark.createDataFrame(values, _SCHEMA).coalesce(1).write.mode("append").json(f"{checkpoint_path}/owner")
    return Claim(now, owner.globber, owner.days)


def read_notes(spark: SparkSession, stream: Stream, batch_id: int) -> Notes:
    """Read, in one go, what Spark wrote into its checkpoint when a batch began.

    Raises:
        CheckpointConflictError: if the stream has no id.
    """
    path = f"{stream.path}/{{metadata,offsets/{batch_id - 1},offsets/{batch_id}}}"
    lines = fresh(spark).text(path).select("value", "_metadata.file_name").collect()
    ids = [line[0] for line in lines if line[1] == "metadata"]
    if not ids:
        raise CheckpointConflictError(
            f"{stream.path}/metadata is empty: the checkpoint is damaged. Restore the file, or continue with "
            "a new checkpoint and --duplicates=remove."
        )
    offsets = [(int(line[1]), line[0]) for line in lines if line[1] != "metadata"]
    return Notes(str(json.loads(ids[0])["id"]), offsets)


def _read(spark: SparkSession, checkpoint_path: str) -> tuple[Owner, datetime] | None:
    try:
        rows = fresh(spark).schema(_SCHEMA).json(f"{checkpoint_path}/owner").collect()
    except AnalysisException as error:
        if "PATH_NOT_FOUND" in str(error):
            return None
        raise
    if not rows:
        return None
    row, newest = (choose(rows, key=itemgetter("created_at")) for choose in (min, max))
    owner = Owner(
        kind=row["kind"],
        logs_path=row["logs_path"],
        delta_path=row["delta_path"],
        table=row["table"],
        source=row["source"],
        globber=row["globber"] or UNSTATED_GLOBBER,
        days=newest["days"] or "",
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
