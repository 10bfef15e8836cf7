"""The Databricks part of the set-up: its resources and the job that verifies access."""
