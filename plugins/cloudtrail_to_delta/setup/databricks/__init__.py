"""The Databricks part of the set-up: its params, its section of the form, its resources."""
