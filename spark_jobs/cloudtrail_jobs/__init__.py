"""CloudTrail log files to Delta tables: the Spark job, and nothing that knows who starts it."""

__version__ = "0.1.0"
