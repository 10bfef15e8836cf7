"""The Delta tables: their logs, columns and views, and the validation that no record is missing."""
