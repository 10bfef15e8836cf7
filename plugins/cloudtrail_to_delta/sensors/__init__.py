"""Sensors of the ingest pipeline. They poke once, then defer."""
