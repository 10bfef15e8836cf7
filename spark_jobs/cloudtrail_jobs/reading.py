"""Reading what changes between two reads of the same path: a checkpoint, a Delta table."""

import uuid

from pyspark.sql import DataFrameReader, SparkSession


def fresh(spark: SparkSession) -> DataFrameReader:
    """A reader whose plan is like no other.

    A Spark Connect server remembers resolved plans, with the files that were there, under the number that
    the client gave them, and the process of `foreachBatch` is a client that counts from zero again. Seen on
    Spark 4.2: a ledger of two files was read as the one it had been under a checkpoint that was deleted.
    Sources ignore options that they do not know.
    """
    return spark.read.option("cloudtrailRead", uuid.uuid4().hex)
