"""The Delta tables: what their logs and columns say, their views, and the proof that nothing is missing."""
