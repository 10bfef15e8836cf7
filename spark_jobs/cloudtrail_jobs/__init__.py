"""The Spark job that ingests CloudTrail log files into Delta tables. It does not know who starts it."""

__version__ = "0.1.0"
