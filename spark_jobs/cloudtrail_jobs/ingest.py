"""The job: CloudTrail log files → tables and quarantines, exactly once, of one kind of records or of several.

Several kinds share the process and its Spark session. All tables are prepared and all checkpoints claimed
first, so that who waits for a table does not wait for another kind's load; then one kind follows the other.
A kind that fails keeps none of the others from being ingested.
"""

import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TypeVar

from pyspark.sql import SparkSession

from cloudtrail_jobs import __version__, accelerators, session, source, stream
from cloudtrail_jobs.args import Arguments, parse_arguments
from cloudtrail_jobs.errors import ArgumentsError, JobError, KindsFailedError
from cloudtrail_jobs.progress import say

Done = TypeVar("Done")


def main() -> None:
    """The entry point of the wheel task: arguments from the command line, errors as exit code and message."""
    try:
        run(parse_arguments(sys.argv[1:]))
    except JobError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201  # the driver's log
        raise


def run(asked: Sequence[Arguments]) -> None:
    """Ingest what is new of each kind; with the continuous trigger, of the one, until the run is cancelled.

    Raises:
        JobError: see `cloudtrail_jobs.errors`; of several kinds a `KindsFailedError` with every failure.
    """
    spark = _start(asked[0])
    if len(asked) == 1:
        stream.ingest(spark, stream.prepare(spark, asked[0]))
        return
    failures: dict[str, Exception] = {}
    prepared = {one.kind: _attempt(failures, one.kind, stream.prepare, spark, one) for one in asked}
    for kind, ready in prepared.items():
        if ready is not None:
            _attempt(failures, kind, stream.ingest, spark, ready)
    if failures:
        raise KindsFailedError(failures, len(asked)) from next(iter(failures.values()))


def _start(arguments: Arguments) -> SparkSession:
    """The session, by what is the same for every kind."""
    if arguments.discovery != "listing" and not source.on_databricks():
        raise ArgumentsError(
            [f"--discovery={arguments.discovery} needs Auto Loader, and this is no Databricks cluster"]
        )
    if not source.on_databricks():
        say("limits", max_bytes=arguments.max_bytes_per_trigger, max_files="not used by Spark's file source")
    spark = SparkSession.builder.getOrCreate()
    session.configure(spark)
    say("start", version=__version__, spark=spark.version, accelerators=accelerators.versions())
    return spark


def _attempt(
    failures: dict[str, Exception], kind: str, step: Callable[..., Done], *arguments: object
) -> Done | None:
    """What a kind's step gives; when it fails, None, and the failure is kept for the end of the run."""
    try:
        return step(*arguments)
    except Exception as error:  # noqa: BLE001  # whatever it is, the other kinds have no part in it
        traceback.print_exception(error)
        failures[kind] = error
        say("failed", kind=kind, error=f"{type(error).__name__}: {error}")
        return None


if __name__ == "__main__":
    main()
