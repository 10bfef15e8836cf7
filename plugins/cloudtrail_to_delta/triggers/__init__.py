"""Triggers of the ingest pipeline: what the triggerer polls while no worker slot is held."""
