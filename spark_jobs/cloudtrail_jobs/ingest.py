"""The job: CloudTrail log files → tables and quarantines, exactly once, for one kind of records or several.

Several kinds share the process and its Spark session. The job first prepares all tables and claims all
checkpoints, so that nobody who waits for a table waits for another kind's load. Then it ingests one kind
after the other. If a kind fails, the job still ingests the others.
"""

import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TypeVar

from pyspark.sql import SparkSession

from cloudtrail_jobs import accelerators, release, session, source, stream
from cloudtrail_jobs.args import Arguments, parse_arguments
from cloudtrail_jobs.driver_log import say, shown_error
from cloudtrail_jobs.errors import ArgumentsError, KindsFailedError

Done = TypeVar("Done")


def main() -> None:
    """Run the job with the command line's arguments; the entry point of the wheel task."""
    with shown_error():
        run(parse_arguments(sys.argv[1:]))


def run(asked: Sequence[Arguments]) -> None:
    """Ingest the new log files of each kind. The continuous trigger runs one kind until it is canceled.

    Raises:
        JobError: see `cloudtrail_jobs.errors`; for several kinds a `KindsFailedError` with every failure.
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
    """Return the session, configured by the arguments that all kinds share."""
    release.require(arguments.expected_version)
    if arguments.discovery != "listing" and not source.on_databricks():
        raise ArgumentsError(
            [
                f"--discovery={arguments.discovery} needs Auto Loader, and this is not a Databricks cluster: "
                "use --discovery=listing"
            ]
        )
    if not source.on_databricks():
        say("limits", max_bytes=arguments.max_bytes_per_trigger, max_files="not used by Spark's file source")
    spark = SparkSession.builder.getOrCreate()
    session.configure(spark)
    say("start", version=release.VERSION, spark=spark.version, accelerators=accelerators.versions())
    return spark


def _attempt(
    failures: dict[str, Exception], kind: str, step: Callable[..., Done], *arguments: object
) -> Done | None:
    """Return the result of a kind's step; if the step fails, record the failure and return None."""
    try:
        return step(*arguments)
    except Exception as error:  # noqa: BLE001  # no error of one kind may stop the others
        traceback.print_exception(error)
        failures[kind] = error
        say("failed", kind=kind, error=f"{type(error).__name__}: {error}")
        return None


if __name__ == "__main__":
    main()
