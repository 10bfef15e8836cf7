"""The tests (unit, integration, end to end, install) and the benchmarks."""
