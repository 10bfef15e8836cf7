"""One Databricks run of the ingest: the wheel it runs, its payload, its name, its pool, its metrics."""
