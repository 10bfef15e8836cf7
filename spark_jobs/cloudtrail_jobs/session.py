"""The session's settings: UTC everywhere, and on open-source Spark what its defaults cost a job of this sort.

Each value has been measured (docs/adr/0046-session-settings.md); whatever the cluster's owner has set stays.
On Databricks nothing but the time zone is set: its runtime decides these by itself, and serverless compute
takes no other setting.
"""

from pyspark.sql import SparkSession

from cloudtrail_jobs.parquet_columns import unrepeated_columns
from cloudtrail_jobs.source import on_databricks

OPEN_SOURCE = {
    # Delta reads the state of a table in 50 tasks, of which these tables fill one.
    "spark.databricks.delta.snapshotPartitions": "4",
    # A batch of 2,000 files is looked up in 2,000 tasks: each costs more than its file.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "32",
    # Tiny files: 4 MB for opening one makes a task of every thirty.
    "spark.sql.files.openCostInBytes": "65536",
    # These are bytes of gzip, eight times as much when a task has them.
    "spark.sql.files.maxPartitionBytes": "33554432",
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "16m",
    # Parquet's writer has 3, which makes such records larger.
    "parquet.compression.codec.zstd.level": "1",
}

# A dictionary of values that hardly repeat is built, found too large and thrown away.
DICTIONARIES = {f"parquet.enable.dictionary#{path}": "false" for path in unrepeated_columns()}


def configure(spark: SparkSession) -> None:
    """Set what this job needs, for this session only."""
    # Days and instants are UTC wherever the cluster is.
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    if on_databricks():
        return
    chosen = spark.conf.getAll
    for name, value in {**OPEN_SOURCE, **DICTIONARIES}.items():
        # What is Hadoop's is given to a cluster with Spark's prefix for such.
        if not {name, f"spark.hadoop.{name}"} & set(chosen):
            spark.conf.set(name, value)
