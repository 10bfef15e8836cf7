"""The table of faults names tests that exist, each once, and its page is up to date."""

import ast
from pathlib import Path

import pytest

from tests.reliability import CASES, Case, file_of, page

ROOT = Path(__file__).resolve().parents[3]
ALL = [case for cases in CASES.values() for case in cases]


def test_there_are_enough_cases_and_each_has_a_test_of_its_own() -> None:
    assert len(ALL) >= 60
    assert len({case.test for case in ALL}) == len(ALL)
    assert len({case.happens for case in ALL}) == len(ALL)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.happens)
def test_each_case_has_an_outcome_and_a_test_that_exists(case: Case) -> None:
    file, _, name = case.test.partition("::")
    tree = ast.parse((ROOT / file_of(case)).read_text(encoding="utf-8"))
    tests = {one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}

    assert case.outcome
    assert file.startswith("tests/")
    assert name in tests


def test_the_page_is_made_of_the_table() -> None:
    written = (ROOT / "docs/reference/reliability.md").read_text(encoding="utf-8")

    assert written == page(), "docs/reference/reliability.md is stale: run `make reliability`"
