"""Rows as a person reads them."""

from sandbox.tables import WIDEST, render


def test_columns_are_beneath_their_names_and_null_is_no_text() -> None:
    shown = render(["eventName", "calls"], [["GetObject", "6196"], [None, "2"]])

    assert shown.splitlines() == ["eventName  calls", "---------  -----", "GetObject  6196", "NULL       2"]


def test_a_long_text_of_many_lines_is_one_short_line() -> None:
    (_, _, row) = render(["raw"], [["{\n  " + "x" * 500]]).splitlines()

    assert row.startswith("{ xxx")
    assert len(row) == WIDEST
    assert row.endswith("…")


def test_two_columns_of_one_name_are_both_shown() -> None:
    assert render(["n", "n"], [["1", "2"]]).splitlines()[-1] == "1  2"
