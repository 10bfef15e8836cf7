"""Run an entry point of the job's wheel, as a `python_wheel_task` on serverless compute would.

That compute refuses most settings. Source: Databricks, "Set Spark configuration properties on Databricks"
(serverless notebooks and jobs). The client is where this stand-in refuses them.

Usage: client.py ENTRY_POINT ARGUMENT…
"""

import sys
from importlib.metadata import entry_points

from pyspark.errors import AnalysisException
from pyspark.sql.connect.conf import RuntimeConf

SETTABLE = (
    "spark.databricks.execution.timeout",
    "spark.sql.ansi.enabled",
    "spark.sql.files.maxPartitionBytes",
    "spark.sql.legacy.timeParserPolicy",
    "spark.sql.session.timeZone",
    "spark.sql.shuffle.partitions",
)
_set = RuntimeConf.set


def refuse_most(self, key, value):
    """Set a setting that serverless compute accepts.

    Raises:
        AnalysisException: for any other one.
    """
    if key not in SETTABLE:
        raise AnalysisException(f"[CONFIG_NOT_AVAILABLE] Configuration {key} is not available.")
    _set(self, key, value)


RuntimeConf.set = refuse_most

if __name__ == "__main__":
    name = sys.argv.pop(1)
    if name == "set":
        from pyspark.sql import SparkSession

        SparkSession.builder.getOrCreate().conf.set(sys.argv[1], "1")
    else:
        (task,) = entry_points(group="console_scripts", name=name)
        task.load()()
