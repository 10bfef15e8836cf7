"""The Spark session: the settings that the job needs, and reads that the session does not answer from memory.

Each setting was measured (docs/adr/0012-performance.md). The job never changes what the cluster's owner
has set. On Databricks it sets only the time zone: the runtime decides the rest by itself, and serverless
compute accepts no other setting.
"""

import uuid
from collections.abc import Iterator

from pyspark.sql import DataFrameReader, SparkSession

from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.limits import MAX_FILE_BYTES
from cloudtrail_jobs.shape import Type, parse_type
from cloudtrail_jobs.source import on_databricks

# These bytes are gzip; a task holds eight times as many. Its Python worker gets them in one Arrow batch.
PARTITION_BYTES = {"spark.sql.files.maxPartitionBytes": "33554432"}
OPEN_SOURCE = {
    # A larger file fails its batch before it is opened; see `refused`. Spark's own limit is 2 GiB.
    "spark.sql.sources.binaryFile.maxLength": str(MAX_FILE_BYTES),
    # Delta reads the state of a table in 50 tasks; the state of these tables fills one.
    "spark.databricks.delta.snapshotPartitions": "4",
    # Spark looks up a batch of 2,000 files in 2,000 tasks, and each task costs more than its file.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "32",
    # Log files are tiny: with 4 MB for opening one, thirty files fill a task.
    "spark.sql.files.openCostInBytes": "65536",
    **PARTITION_BYTES,
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "16m",
    # Parquet's writer uses 3, which makes such records larger.
    "parquet.compression.codec.zstd.level": "1",
}


def unrepeated_columns() -> list[str]:
    """Return the Parquet columns of all kinds whose values hardly repeat, sorted.

    They are the texts of records, the ids of events and requests, and the values of maps. Source: Apache
    Parquet, "Nested types" (`list.element`, `key_value.value`).
    """
    ids = {kind.key[1] for kind in KINDS.values()}
    columns = {column.name: column for kind in KINDS.values() for column in kind.table_columns}
    maps = {path for name, column in columns.items() for path in _map_values(parse_type(column.type), name)}
    return sorted({"raw", "requestID"} | ids | maps)


def _map_values(kind: Type, path: str) -> Iterator[str]:
    if kind.name == "MAP":
        yield f"{path}.key_value.value"
    elif kind.element is not None:
        yield from _map_values(kind.element, f"{path}.list.element")
    for name, child in kind.fields.items():
        yield from _map_values(child, f"{path}.{name}")


# Parquet's writer builds a dictionary of these values, finds it too large and discards it.
DICTIONARIES = {f"parquet.enable.dictionary#{path}": "false" for path in unrepeated_columns()}


def configure(spark: SparkSession) -> None:
    """Set what this job needs, for this session only."""
    # Days and instants are UTC wherever the cluster is.
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    if on_databricks():
        # Serverless compute has 1 GB for user code, and accepts this setting as one of few. Source:
        # Databricks, "Serverless compute limitations", "Set Spark configuration properties on Databricks".
        for name, value in PARTITION_BYTES.items():
            spark.conf.set(name, value)
        return
    chosen = spark.conf.getAll
    for name, value in {**OPEN_SOURCE, **DICTIONARIES}.items():
        # A cluster gets Hadoop's settings with Spark's prefix for them.
        if not {name, f"spark.hadoop.{name}"} & set(chosen):
            spark.conf.set(name, value)


def fresh(spark: SparkSession) -> DataFrameReader:
    """Return a reader whose plan equals no other plan, for paths that change between two reads.

    A Spark Connect server remembers resolved plans, with the files that they found, by the number that the
    client gave the plan. The process of `foreachBatch` is a client that counts from zero again. On Spark 4.2,
    a ledger of two files was read as it had been under a checkpoint that no longer existed. Sources ignore
    options that they do not know.
    """
    return spark.read.option("cloudtrailRead", uuid.uuid4().hex)
