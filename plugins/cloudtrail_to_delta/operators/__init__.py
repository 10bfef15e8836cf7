"""Operators of the ingest pipeline: lifecycle only; HTTP is in hooks, rules are in the library modules."""
