"""Operators of the ingest pipeline. They handle the lifecycle; hooks do HTTP, other modules have rules."""
