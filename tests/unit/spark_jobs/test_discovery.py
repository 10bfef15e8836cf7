"""Which delivery days a run lists: everything now and then, else back to 30 days before the last listing."""

from datetime import UTC, date, datetime, timedelta

import pytest

from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.discovery import BLOCK, Note, decide

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BASE = "s3://trail/AWSLogs/111122223333/CloudTrail/*/"


def arguments(**more):
    values = {
        "kind": "events",
        "logs-path": f"{BASE}*",
        "delta-path": "s3://lake/delta",
        "checkpoint-path": "s3://lake/checkpoint",
        "table": "events",
        "region": "us-east-1",
    } | more
    (arguments,) = parse_arguments([f"--{name}={value}" for name, value in values.items()])
    return arguments


def planned(note, *, created_at=NOW, **more):
    plan = decide(arguments(**more), created_at, note, NOW)
    return {listing.stretch: listing.path.removeprefix(BASE) for listing in plan.listings}, plan.sweep


def days(first, last):
    return "{" + ",".join(f"{day:02d}" for day in range(first, last + 1)) + "}"


def test_the_first_run_lists_everything_and_the_months_whose_files_may_still_come_by_themselves():
    listings, sweep = planned(None)
    assert sweep
    assert list(listings) == ["before-2026-10-01", "2026-10", "2026-11"]
    assert (listings["2026-10"], listings["2026-11"]) == ("2026/10", "2026/11")


def test_a_run_soon_after_lists_30_days_back_and_the_rest_of_the_month():
    listings, sweep = planned(Note(swept_at=NOW - DAY, listed_at=NOW - HOUR), created_at=NOW - DAY)
    assert not sweep
    assert listings == {"2026-10": f"2026/10/{days(25, 31)}", "2026-11": "2026/11"}


def test_after_years_a_run_has_the_same_streams_to_look_at():
    listings, _ = planned(Note(swept_at=NOW - DAY, listed_at=NOW - HOUR), created_at=NOW - 2000 * DAY)
    assert list(listings) == ["2026-10", "2026-11"]


def test_after_a_pause_nothing_of_the_pause_is_left_out():
    paused = Note(swept_at=NOW - 6 * DAY, listed_at=NOW - 5 * DAY)
    listings, _ = planned(paused, created_at=NOW - 30 * DAY)
    assert listings["2026-10"] == f"2026/10/{days(20, 31)}"


def test_every_seven_days_everything_is_listed():
    assert not planned(Note(NOW - 7 * DAY + HOUR, NOW - HOUR))[1]
    listings, sweep = planned(Note(NOW - 7 * DAY, NOW - HOUR), created_at=NOW - 60 * DAY)
    assert sweep
    assert list(listings) == ["before-2026-08-01", "2026-08", "2026-09", "2026-10", "2026-11"]


def test_the_next_month_begins_before_the_clock_says_so():
    end = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
    plan = decide(arguments(), NOW, Note(end - DAY, end - HOUR), end)
    assert [listing.stretch for listing in plan.listings] == ["2026-10", "2026-11", "2026-12"]


@pytest.mark.parametrize(("first", "expected"), [("2026-11-20", "2026-11"), ("2020-01-01", "2026-10")])
def test_a_bound_that_is_asked_for_still_holds(first, expected):
    listings, _ = planned(Note(NOW - DAY, NOW - HOUR), **{"from": first})
    assert next(iter(listings)) == expected


def test_bounds_of_the_past_have_nothing_to_list_until_the_next_sweep():
    past = {"from": "2025-01-01", "until": "2025-03-31"}
    assert planned(Note(NOW - DAY, NOW - HOUR), **past) == ({}, False)
    assert planned(None, **past)[0] == {"before-2026-10-01": "2025/{01,02,03}"}


def test_a_last_day_alone_leaves_later_days_out():
    listings, _ = planned(None, until="2026-10-15")
    assert list(listings) == ["before-2026-10-01", "2026-10"]
    assert listings["2026-10"] == f"2026/10/{days(1, 15)}"


def test_the_batches_of_a_month_are_counted_after_its_name():
    plan = decide(arguments(), NOW, None, NOW)
    assert [listing.first_batch for listing in plan.listings] == [0, 202610 * BLOCK, 202611 * BLOCK]
    assert plan.first_day is None


def test_a_day_that_is_asked_for_in_the_future_is_a_plan_of_nothing():
    assert planned(None, **{"from": str(date(2027, 6, 1))})[0] == {}
