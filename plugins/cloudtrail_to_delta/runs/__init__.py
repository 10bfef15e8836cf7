"""A Databricks run of the ingest: its wheel, payload, name, pool and metrics."""
