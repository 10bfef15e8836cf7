"""What is known of a table is kept from run to run, and an outcome of any release is read."""

from datetime import UTC, datetime

import pytest

from cloudtrail_to_delta.records.fields import Fields
from cloudtrail_to_delta.records.outcome import Drift, Known, Outcome, merge_known
from cloudtrail_to_delta.records.table_event import TableEvent

NOON, ONE = (datetime(2026, 11, 22, hour, tzinfo=UTC) for hour in (12, 13))


def delivery(**changed):
    return {"region": None, "hour": None, "newest_delivery": "2026-11-22T12:00:00Z"} | changed


def test_a_first_run_knows_what_it_found():
    newest = {"newest_event": "2026-11-22T12:00:00Z", "newest_delivery": "2026-11-22T13:00:00Z"}
    rows = [newest, delivery(region="us-east-1"), delivery(hour="2026-11-22T12:00:00Z")]
    known = merge_known(Known.of_row(row) for row in rows)
    assert known == Known(newest_event=NOON, newest_delivery=ONE, regions={"us-east-1": NOON})


def test_a_run_that_found_nothing_keeps_what_was_known():
    before = Known(newest_event=NOON, newest_delivery=ONE, regions={"us-east-1": ONE})
    assert merge_known([before, Known()]) == before
    assert merge_known([]) == Known()


def test_what_is_known_is_the_same_in_whatever_order_runs_are_read():
    one = Known(newest_event=ONE, newest_delivery=ONE, regions={"eu-west-1": ONE, "us-east-1": NOON})
    other = Known(newest_event=NOON, newest_delivery=NOON, regions={"eu-west-1": NOON, "sa-east-1": ONE})
    assert merge_known([one, other]) == merge_known([other, one])
    assert merge_known([one, other]).regions == {"eu-west-1": ONE, "sa-east-1": ONE, "us-east-1": NOON}


@pytest.mark.parametrize("regions", [None, {"us-east-1": 7}, {"us-east-1": None}, {"us-east-1": "soon"}])
def test_a_moment_in_another_form_is_passed_over(regions):
    assert Known.read_fields(Fields({"newest_event": 1790000000, "regions": regions})) == Known()


def test_an_earlier_releases_event_knows_its_newest_delivery_by_its_regions():
    extra = {"newest_event": None, "regions": {"a": "2026-11-22T12:00:00Z", "b": "2026-11-22T13:00:00Z"}}
    assert TableEvent.from_dict(extra).known.newest_delivery == ONE


def test_the_event_of_a_table_says_what_the_outcome_knows_of_it():
    known = Known(newest_event=NOON, newest_delivery=ONE, regions={"us-east-1": ONE})
    event = TableEvent.of_outcome(Outcome(kind="events", version=7, row_count=9, run_rows=2, known=known))
    assert TableEvent.from_dict(event.to_dict()) == event
    assert (event.rows, event.new_rows, event.version, event.known) == (9, 2, 7, known)


def test_moments_are_left_as_utc_text_and_sqls_numbers_are_read_from_text():
    left = Outcome(kind="events", newest_event=NOON).to_dict()
    assert left["newest_event"] == "2026-11-22T12:00:00Z"
    row = {"field": "f", "problem": "unknown_field", "records": "7", "first_seen": None, "example": None}
    assert Drift.read_fields(Fields(row)) == Drift(field="f", problem="unknown_field", records=7)


def test_the_newest_delivery_is_the_tables_of_whichever_run():
    assert Outcome(newest_file=NOON, known=Known(newest_delivery=ONE)).latest_delivery == ONE
    assert Outcome(newest_file=ONE, newest_delivery=NOON).latest_delivery == ONE
    assert Outcome().latest_delivery is None
