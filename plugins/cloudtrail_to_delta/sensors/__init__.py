"""Sensors of the ingest pipeline: poke once, then defer."""
