"""Fuzzing by coverage. `tests/unit/spark_jobs/test_fuzzed_inputs.py` holds what was found."""
