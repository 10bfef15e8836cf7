"""Reads log files again that the tables have lost, once, without a new checkpoint.

The source never gives a log file twice, so after a RESTORE of a table nothing would read the lost log files.
A run with `--read-again` lists the delivery days that it names. It takes the log files of which neither the
table nor the quarantine has a row, and writes them as micro-batches of a stream of their own. A row that only
says that the store refused the file, or no longer had it, does not count: the store may give it now. What the
tables hold is never read again.

`<checkpoint path>/again/plans/<stream id>` lists the files before the first of them is written. If the run is
killed, the next run of the checkpoint first writes the same batches again, and Delta skips those that it has.
`<checkpoint path>/again/done` has a mark for each finished plan. The ordinary streams skip the files of all
plans, because they may not have seen them yet. Source: docs/adr/0034-read-again.md.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import NamedTuple, TypeVar
from urllib.parse import unquote

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs import passed_over, refused, source, tables
from cloudtrail_jobs.args import Arguments
from cloudtrail_jobs.batches import write_files
from cloudtrail_jobs.bounds import bounded
from cloudtrail_jobs.causes import innermost
from cloudtrail_jobs.commits import Mark
from cloudtrail_jobs.driver_log import say
from cloudtrail_jobs.errors import JobError
from cloudtrail_jobs.ledger import one_spelling, same_file
from cloudtrail_jobs.session import fresh

_PLAN = "stream STRING, batch INT, number BIGINT, path STRING, length BIGINT, micros BIGINT"
# The rows of a plan's batches have numbers from seconds since 1970 times this on. No month's stream reaches
# them (see `discovery.BLOCK`), and no other plan does.
_BLOCK = 10_000
Found = TypeVar("Found")


def read_again(spark: SparkSession, arguments: Arguments) -> tuple[str, ...]:
    """Finish the plans that a killed run has left, then read what the tables lack of the days asked for.

    Returns:
        the paths of all plans' files, which the ordinary streams must skip.
    """
    known = _plans(spark, arguments)
    # An ordinary run has no plans, and then asks for nothing more.
    done = {row["stream"] for row in _read(spark, _done(arguments), "stream STRING")} if known else set()
    for stream in sorted({row["stream"] for row in known} - done):
        try:
            _write_plan(spark, arguments, [row for row in known if row["stream"] == stream])
        except Exception as error:
            # One object that cannot be read must not keep the ordinary streams from reading new ones. Spark's
            # error is a Py4JJavaError or a PySparkException.
            if arguments.read_again:
                raise
            say("again", kind=arguments.kind, failed=stream, error=f"{type(error).__name__}: {error}"[:2000])
    if arguments.read_again:
        lost = _lost(spark, arguments)
        say("again", days=[str(day) for day in arguments.read_again], lost=len(lost))
        if lost:
            stream = f"again-{uuid.uuid4()}"
            _save(spark, _plan(stream, lost, arguments), _PLAN, f"{_root(arguments)}/plans/{stream}")
            planned = [row for row in _plans(spark, arguments) if row["stream"] == stream]
            _write_plan(spark, arguments, planned)
            known += planned
    return tuple(sorted({row["path"] for row in known}))


class Listed(NamedTuple):
    """An object of the bucket: its path, its bytes, and when it was written, µs since 1970."""

    path: str
    length: int
    micros: int | None


def _lost(spark: SparkSession, arguments: Arguments) -> list[Listed]:
    """Return the log files of the days that neither table nor quarantine has."""
    listed = [
        one for day in arguments.read_again for one in _list(spark, bounded(arguments.logs_path, day, day))
    ]
    if not listed:
        return []
    days = [F.col("log_file").contains(f"{day:/%Y/%m/%d/}") for day in arguments.read_again]
    of_days = days[0]
    for one in days[1:]:
        of_days = of_days | one
    table = fresh(spark).format("delta").load(arguments.delta_path)
    quarantine = fresh(spark).format("delta").load(tables.quarantine_path(arguments.delta_path))
    read = quarantine.where(~refused.may_be_given_now())
    held = table.where(of_days).select("log_file").unionByName(read.where(of_days).select("log_file"))
    files = {row[0] for row in held.select(same_file(F.col("log_file"))).distinct().collect()}
    return [one for one in listed if one_spelling(one.path) not in files]


def _list(spark: SparkSession, path: str) -> list[Listed]:
    """Return the objects at a path, a glob; those of zero bytes have no time.

    Spark makes no row of an object of zero bytes, and names it among the input files alone. Source: Spark,
    PartitioningAwareFileIndex, `listFiles` and `inputFiles`.
    """
    micros = F.unix_micros("modificationTime")

    def read() -> list[Listed]:
        files = fresh(spark).format("binaryFile").option("recursiveFileLookup", "true").load(path)
        rows = [Listed(*row) for row in files.select("path", "length", micros).collect()]
        known = {one_spelling(row.path) for row in rows}
        # They are URLs.
        named = {unquote(name) for name in files.inputFiles()}
        return rows + [Listed(name, 0, None) for name in named if one_spelling(name) not in known]

    return sorted(_if_exists(read))


def _plan(stream: str, lost: Sequence[Listed], arguments: Arguments) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a plan; a batch has as many files and bytes as the arguments allow a micro-batch."""
    first = int(datetime.now(timezone.utc).timestamp()) * _BLOCK  # noqa: UP017  # Python 3.10 too
    batch = files = size = 0
    for one in lost:
        if files == arguments.max_files_per_trigger or (
            files and size + one.length > arguments.max_bytes_per_trigger
        ):
            batch, files, size = batch + 1, 0, 0
        files, size = files + 1, size + one.length
        yield stream, batch, first + batch, *one


def _write_plan(spark: SparkSession, arguments: Arguments, planned: Sequence[Row]) -> None:
    """Write the batches of one plan, then mark the plan as done."""
    stream = str(planned[0]["stream"])
    for batch, number in sorted({(row["batch"], row["number"]) for row in planned}):
        files = [row for row in planned if row["batch"] == batch]
        _write_batch(spark, arguments, Mark(stream, batch, arguments.run, number), files)
    _save(spark, [(stream,)], "stream STRING", f"{_done(arguments)}/{stream}")


def _write_batch(spark: SparkSession, arguments: Arguments, mark: Mark, planned: Sequence[Row]) -> None:
    rows = [(row["path"], row["micros"]) for row in planned]
    listed = spark.createDataFrame(rows, "log_file STRING, micros BIGINT").select(
        "log_file", F.timestamp_micros("micros").alias("delivered_at")
    )
    files = _open(spark, [row["path"] for row in planned])
    try:
        counts = write_files(arguments, mark, files, listed)
    except Exception as error:  # a Py4JJavaError or a PySparkException, as Spark and Spark Connect have it
        if isinstance(error, JobError) or not refused.blames_a_file(error):
            raise
        say("refused", kind=arguments.kind, error=innermost(str(error)))
        counts = write_files(arguments, mark, files.drop("content"), listed, names_only=True)
    say("again", kind=arguments.kind, **counts)


def _open(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    """Return exactly these files, as the source gives them. One that is gone by now is left out."""
    there = passed_over.existing(spark, paths)
    reader = fresh(spark).format("binaryFile").schema(source.FILES).option("ignoreMissingFiles", "true")
    if not there:
        return spark.createDataFrame([], source.FILES)
    return reader.load([passed_over.exact(path) for path in there])


def _plans(spark: SparkSession, arguments: Arguments) -> list[Row]:
    return _read(spark, f"{_root(arguments)}/plans", _PLAN)


def _read(spark: SparkSession, path: str, schema: str) -> list[Row]:
    reader = fresh(spark).schema(schema).option("recursiveFileLookup", "true")
    return _if_exists(lambda: list(reader.json(path).collect()))


def _if_exists(read: Callable[[], list[Found]]) -> list[Found]:
    """Return what is read; nothing if its path does not exist."""
    try:
        return read()
    except AnalysisException as error:
        if "PATH_NOT_FOUND" in str(error):
            return []
        raise


def _save(spark: SparkSession, rows: object, schema: str, path: str) -> None:
    spark.createDataFrame(list(rows), schema).coalesce(1).write.mode("overwrite").json(path)  # type: ignore[call-overload] # rows of any kind


def _root(arguments: Arguments) -> str:
    return f"{arguments.checkpoint_path}/again"


def _done(arguments: Arguments) -> str:
    return f"{_root(arguments)}/done"
