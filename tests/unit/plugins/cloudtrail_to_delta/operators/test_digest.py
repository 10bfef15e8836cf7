"""Which tables and which day a digest is about, and the params it refuses."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from cloudtrail_to_delta.digest.queries import day_query
from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.operators.digest import check_digest_params, digest_day, tables_of
from cloudtrail_to_delta.params.digest import digest_params

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
MIDNIGHT, ONE = "2026-11-22T00:00:00Z", "2026-11-22T01:00:00Z"


def event(name, hour=1, **extra):
    return SimpleNamespace(
        asset=SimpleNamespace(name=name), timestamp=NOW.replace(hour=hour), extra={"kind": "events"} | extra
    )


def test_each_table_is_taken_once_as_its_newest_event_has_it():
    (table,) = tables_of([event("t", 2, newest_event=ONE), event("t", 1, newest_event=MIDNIGHT)])
    assert (table.name, table.newest_event) == ("t", ONE)


def test_a_run_with_nothing_new_does_not_make_a_table_look_older():
    (table,) = tables_of([event("t", 1, newest_event=MIDNIGHT), event("t", 2, newest_event=None)])
    assert table.newest_event == MIDNIGHT


@pytest.mark.parametrize(
    "wrong", [event("t; DROP TABLE x"), event("`t`"), event("t", kind="aggregated"), event("t", rows=[])]
)
def test_what_is_no_table_of_ours_is_left_out(wrong):
    assert tables_of([wrong]) == []


@pytest.mark.parametrize(
    ("params", "day"), [({}, date(2026, 11, 21)), ({"day": "2026-10-01"}, date(2026, 10, 1))]
)
def test_the_day_is_the_one_before_the_run_unless_it_is_given(params, day):
    assert digest_day(params, NOW) == day


def test_the_defaults_of_the_form_are_accepted():
    check_digest_params({name: param.value for name, param in digest_params().items()})


def test_every_param_that_is_wrong_is_named():
    with pytest.raises(InvalidRequestError) as caught:
        check_digest_params({"day": "yesterday", "alert_conn_ids": ["slack://t0ken"], "warehouse_id": ""})
    assert [violation.partition("=")[0] for violation in caught.value.violations] == [
        "day",
        "warehouse_id",
        "alert_conn_ids",
    ]
    assert "t0ken" not in str(caught.value)


def test_a_warehouse_that_is_not_given_is_missing():
    with pytest.raises(InvalidRequestError) as caught:
        check_digest_params({"warehouse_id": None})
    (violation,) = caught.value.violations
    assert violation.startswith("warehouse_id is missing: give a SQL warehouse ID")


def test_a_statement_names_its_table_in_quotes_and_reads_one_day_and_those_before():
    (table,) = tables_of([event("main.security.trail")])
    statement = day_query(table, date(2026, 11, 21))
    assert "FROM `main`.`security`.`trail` WHERE date = DATE '2026-11-21')" in statement
    assert "date >= DATE '2026-10-22' AND date < DATE '2026-11-21'" in statement
