"""The inputs that fuzzing by coverage has kept (`tests/fuzz`), each with another outcome."""

from pathlib import Path

import pytest

from tests.fuzz.holds import must_hold

CORPUS = sorted((Path(__file__).parents[2] / "fuzz/corpus").iterdir())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_no_bytes_raise_and_accelerators_change_nothing(path):
    must_hold(path.read_bytes())
