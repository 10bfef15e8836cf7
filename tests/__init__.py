"""Tests: unit, integration, end to end; benchmarks beside them."""
