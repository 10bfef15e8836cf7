"""The package that Spark's lookup of Python data sources finds. Source: Spark, `lookup_data_sources.py`."""

from .source import CloudFiles as DefaultSource

__all__ = ["DefaultSource"]
