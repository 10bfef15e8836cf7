"""One row per param: what the form, the contract and the editors have is made of it."""

import pytest

from cloudtrail_to_delta.params.declaration import (
    REQUIRED,
    Declaration,
    check_params,
    form_of,
    in_section,
)
from cloudtrail_to_delta.params.digest import DIGEST_PARAMS
from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.setup import SETUP_PARAMS
from cloudtrail_to_delta.params.values import day, each, matches, number, one_of, or_empty, or_none

WORD = matches("[a-z]+", "a word")
ROWS = [
    pytest.param(row, id=f"{dag}-{name}")
    for dag, rows in (("ingest", PARAMS), ("set-up", SETUP_PARAMS), ("digest", DIGEST_PARAMS))
    for name, row in rows.items()
]


def field(check, default=REQUIRED, **more):
    return form_of({"x": Declaration(check, default, title="X", **more)})["x"]


def test_the_form_shows_the_default_unless_the_row_has_an_example():
    assert field(WORD, "a").value == "a"
    assert field(WORD, "a", example="b").value == "b"


def test_without_examples_only_what_has_no_default_shows_its_example():
    rows = {
        "given": Declaration(WORD, "a", title="X", example="b"),
        "empty": Declaration(or_empty(WORD), "", title="X", example="b"),
        "required": Declaration(WORD, title="X", example="b"),
    }
    shown = {name: param.value for name, param in form_of(rows, with_examples=False).items()}
    assert shown == {"given": "a", "empty": None, "required": "b"}


@pytest.mark.parametrize(
    ("check", "default", "empty"), [(or_empty(WORD), "", None), (or_none(each(WORD)), [], [])]
)
def test_a_field_that_may_be_empty_takes_null_and_another_does_not(check, default, empty):
    found = field(check, default)
    assert found.value == empty
    assert found.resolve(None) is None
    with pytest.raises(ValueError, match="Failed validating"):
        field(WORD, "a").resolve(None)


def test_a_list_offers_the_words_that_it_may_hold_and_leaves_them_to_the_contract():
    found = field(each(one_of("a", "b")), ["a"])
    assert found.schema["examples"] == ["a", "b"]
    assert found.resolve(["c"]) == ["c"]


def test_the_form_holds_people_to_choices_limits_and_dates_and_to_no_pattern():
    assert field(one_of("a", "b"), "a").schema["enum"] == ["a", "b"]
    assert field(number(1, 3), 2).schema.items() >= {"type": "number", "minimum": 1, "maximum": 3}.items()
    assert field(or_empty(day), "").schema["format"] == "date"
    assert "pattern" not in field(WORD, "a").schema


def test_a_row_of_another_table_takes_its_section_and_leaves_the_other_as_it_is():
    (moved,) = in_section("Other", {"kinds": PARAMS["kinds"]}).values()
    assert (moved.section, PARAMS["kinds"].section) == ("Other", "Log files")
    assert (moved.check, moved.title) == (PARAMS["kinds"].check, PARAMS["kinds"].title)


def test_two_forms_share_no_list_that_one_of_them_could_change():
    left, right = form_of(PARAMS)["kinds"], form_of(PARAMS)["kinds"]
    left.value.append("x")
    assert "x" not in right.value
    assert "x" not in PARAMS["kinds"].default


def test_violations_come_in_the_order_of_the_form():
    rows = {name: Declaration(number(0, 1), 0, title=name) for name in ("a", "b")}
    _, found = check_params({"b": 7, "c": 7, "a": 7}, rows)
    assert [said.partition(":")[0] for said in found] == ["unknown param 'c'", "a=7", "b=7"]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_whole(row):
    assert row.title
    # What the form shows at first is sound, and says more than the default does.
    shown = row.default if row.example is None else row.example
    assert shown is not REQUIRED
    assert row.check(shown) is None
    assert row.default is REQUIRED or row.check(row.default) is None
    assert row.example is None or row.example != row.default
    # The labels are those of the choices.
    assert set(row.labels) in ({*()}, {*row.check.schema.get("enum", [])})


@pytest.mark.parametrize("row", ROWS)
def test_a_check_says_itself_whether_it_takes_what_is_empty(row):
    assert row.check.may_be_empty == (row.check("") is None or row.check([]) is None)
