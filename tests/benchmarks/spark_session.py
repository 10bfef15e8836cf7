"""The Spark that the contenders share: two cores, 3 GB for the JVM, Delta, and else the defaults of Spark."""

from pathlib import Path
from typing import Any

from sandbox.spark import DELTA, JARS, resolve_jars, spark_environment, write_defaults

SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.memory": "3g",
    "spark.driver.extraClassPath": f"{JARS}/classpath/*",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    **DELTA,
}


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """The environment of a process that runs Spark so."""
    resolve_jars()
    return spark_environment(write_defaults(folder, SETTINGS | settings))


def start() -> Any:
    """A session that has run its first job: starting it is in nobody's figures."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark.range(1).collect()
    return spark
