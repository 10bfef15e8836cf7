"""The source of new log files: Auto Loader on Databricks, Spark's file source elsewhere.

Both read whole files (`binaryFile`), so that a damaged file becomes a row and does not end the stream.
"""

import os
from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession

from cloudtrail_jobs.args import Arguments

# How a new stream reads the logs path: `*` matches one folder's name, as in Spark's globs. With Auto Loader's
# default it spans folders, so that `AWSLogs/*/CloudTrail` also matches an organization's folder. Source:
# Databricks, "Common data loading patterns"; docs/adr/0010-discovery.md.
GLOBBER = "strict"
FILES = "path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY"


def on_databricks(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether this is Databricks (cluster or serverless). Source: Databricks Runtime, environment."""
    return "DATABRICKS_RUNTIME_VERSION" in environment


def name() -> str:
    """Return the name of the source that lists the files here; a checkpoint records it."""
    return "Auto Loader" if on_databricks() else "Spark's file source"


def auto_loader_options(arguments: Arguments, globber: str) -> dict[str, str]:
    """Return the options of the `cloudFiles` source. Source: Databricks, "Auto Loader options".

    `globber` is the one that the stream began with. Auto Loader never moves or deletes files (`cleanSource`
    stays off), because that would break digest validation.
    """
    options = {
        "cloudFiles.format": "binaryFile",
        "cloudFiles.includeExistingFiles": "true",
        "cloudFiles.validateOptions": "true",
        "cloudFiles.useStrictGlobber": "true" if globber == GLOBBER else "false",
        "cloudFiles.maxFilesPerTrigger": str(arguments.max_files_per_trigger),
        "cloudFiles.maxBytesPerTrigger": f"{arguments.max_bytes_per_trigger}b",
    }
    if arguments.discovery == "file_events":
        # Excludes useNotifications and backfillInterval.
        return options | {"cloudFiles.useManagedFileEvents": "true"}
    if arguments.discovery == "notifications":
        # The delivery of notifications is not guaranteed: the daily backfill finds the missed files.
        return options | {
            "cloudFiles.useNotifications": "true",
            "cloudFiles.region": arguments.region,
            "cloudFiles.backfillInterval": "1 day",
        }
    return options


def file_source_options(arguments: Arguments, *, names_only: bool = False) -> dict[str, str]:
    """Return the options of Spark's file source. Source: Spark, "Structured Streaming", file source."""
    # The source accepts only one limit. Memory depends on bytes (docs/adr/0008-exactly-once.md), but the job
    # holds names in its own memory.
    limit = {"maxBytesPerTrigger": str(arguments.max_bytes_per_trigger)}
    if names_only:
        limit = {"maxFilesPerTrigger": str(arguments.max_files_per_trigger)}
    return {
        # The logs path usually ends above the day folders.
        "recursiveFileLookup": "true",
        # By default the source ignores files a week older than the newest one: late deliveries would be lost.
        "maxFileAge": "36500d",
        # A file that was deleted after it was listed must not stop the others. The job compares the files
        # that it has read with the list, and quarantines the missing ones as `missing_file`.
        "ignoreMissingFiles": "true",
        # An unreadable file must fail the batch, even if the cluster's settings say otherwise.
        "ignoreCorruptFiles": "false",
        **limit,
    }


def read_files(
    spark: SparkSession, arguments: Arguments, path: str, globber: str, *, names_only: bool = False
) -> DataFrame:
    """Return the stream of the log files at `path`, a glob, with the columns of `FILES`.

    With `names_only` they have no content, and Spark opens no file. Source: Spark, BinaryFileFormat.
    """
    databricks = on_databricks()
    if databricks:
        options = auto_loader_options(arguments, globber)
    else:
        options = file_source_options(arguments, names_only=names_only)
    reader = spark.readStream.format("cloudFiles" if databricks else "binaryFile").schema(FILES)
    files = reader.options(**options).load(path)
    return files.drop("content") if names_only else files
