"""Where new log files come from: Auto Loader on Databricks, Spark's file source elsewhere.

Both read files whole (`binaryFile`), so that a damaged file is a row and not the stream's end.
"""

import os
from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession

from cloudtrail_jobs.args import Arguments

# How a new stream reads the logs path: `*` is one folder's name, as in Spark's own globs. By Auto Loader's
# default it spans folders, so that `AWSLogs/*/CloudTrail` is an organization's folder too. Source:
# Databricks, "Common data loading patterns"; docs/adr/0084-globber.md.
GLOBBER = "strict"
FILES = "path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY"


def on_databricks(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a Databricks cluster or serverless compute. Source: Databricks Runtime, environment."""
    return "DATABRICKS_RUNTIME_VERSION" in environment


def name() -> str:
    """Who lists the files here, as a checkpoint remembers it."""
    return "Auto Loader" if on_databricks() else "Spark's file source"


def auto_loader_options(arguments: Arguments, globber: str) -> dict[str, str]:
    """The options of the `cloudFiles` source. Source: Databricks, "Auto Loader options".

    `globber` is what the stream began with. Files are never moved or deleted (`cleanSource` stays off): that
    would break digest validation.
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
        # Delivery of events is not guaranteed: the daily backfill finds what was missed.
        return options | {
            "cloudFiles.useNotifications": "true",
            "cloudFiles.region": arguments.region,
            "cloudFiles.backfillInterval": "1 day",
        }
    return options


def file_source_options(arguments: Arguments) -> dict[str, str]:
    """The options of Spark's file source. Source: Spark, "Structured Streaming", file source."""
    return {
        # The guide's path ends above the day folders.
        "recursiveFileLookup": "true",
        # Its default passes over files a week older than the newest one seen: late deliveries would be lost.
        "maxFileAge": "36500d",
        # A file that is gone or cannot be read fails the batch, whatever the cluster's settings are.
        "ignoreMissingFiles": "false",
        "ignoreCorruptFiles": "false",
        # It takes one limit only, and bytes are what memory depends on: see docs/adr/0016-batch-limits.md.
        "maxBytesPerTrigger": str(arguments.max_bytes_per_trigger),
    }


def read_files(spark: SparkSession, arguments: Arguments, path: str, globber: str) -> DataFrame:
    """The stream of the log files at `path`, a glob: `path`, `modificationTime`, `length`, `content`."""
    databricks = on_databricks()
    options = auto_loader_options(arguments, globber) if databricks else file_source_options(arguments)
    reader = spark.readStream.format("cloudFiles" if databricks else "binaryFile").schema(FILES)
    return reader.options(**options).load(path)
