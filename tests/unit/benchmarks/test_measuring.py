"""One measured run: what comes back, and what a program that fails or never ends leads to."""

import pytest

from tests.benchmarks.measuring import MeasuringError, Program, measure

PROGRAM = Program("tests.unit.benchmarks.odd_programs")


def test_what_a_program_says_of_itself_comes_back_with_its_memory(tmp_path):
    found = measure(PROGRAM, "counts", folder=tmp_path)

    assert found.facts == {"records": 3}
    assert found.peaks["python driver"] == found.peak_bytes > 0


def test_a_program_that_fails_is_an_error_with_what_it_said(tmp_path):
    with pytest.raises(MeasuringError, match=r"(?s)ended before it was done.*no such column"):
        measure(PROGRAM, "fails", folder=tmp_path)


def test_a_program_that_does_not_end_is_ended(tmp_path):
    with pytest.raises(MeasuringError, match="ended before it was done"):
        measure(PROGRAM, "hangs", folder=tmp_path, timeout_seconds=2)
