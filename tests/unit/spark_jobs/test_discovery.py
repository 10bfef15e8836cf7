"""Which delivery days a run lists: everything now and then, else back to 30 days before the last listing."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.bounds import FIRST_DAY, month_after
from cloudtrail_jobs.discovery import BLOCK, LOOK_BACK, Note, decide, noted
from tests.unit.spark_jobs.test_bounds import matches, split

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


def test_digests_are_listed_as_long_as_one_may_prove_the_last_day():
    kind = {"kind": "digests", "logs-path": f"{BASE}*".replace("CloudTrail", "CloudTrail-Digest")}
    assert arguments(until="2026-10-10").last_listed_day == date(2026, 10, 10)
    assert arguments(**kind).last_listed_day is None
    plan = decide(arguments(until="2026-10-10", **kind), NOW, None, NOW)
    listed = {one.stretch: one.path.partition("/*/")[2] for one in plan.listings}
    assert (listed["2026-10"], listed["2026-11"]) == ("2026/10", f"2026/11/{days(1, 10)}")


def test_a_last_day_alone_leaves_later_days_out():
    listings, _ = planned(None, until="2026-10-15")
    assert list(listings) == ["before-2026-10-01", "2026-10"]
    assert listings["2026-10"] == f"2026/10/{days(1, 15)}"


def test_the_batches_of_a_month_are_counted_after_its_name():
    plan = decide(arguments(), NOW, None, NOW)
    assert [listing.first_batch for listing in plan.listings] == [0, 202610 * BLOCK, 202611 * BLOCK]


def test_a_day_that_is_asked_for_in_the_future_is_a_plan_of_nothing():
    assert planned(None, **{"from": str(date(2027, 6, 1))})[0] == {}


ASKED = st.none() | st.dates(min_value=date(2009, 1, 1)) | st.dates(date(2026, 1, 1), date(2027, 12, 31))
AGO = st.integers(0, 800)


def listed(plan, day):
    """How many globs of the plan's listings match a day's folder, as Hadoop reads them."""
    globs = [listing.path.removeprefix(BASE) for listing in plan.listings]
    assert all(globs), "a glob of nothing lists nothing, or everything"
    return sum(matches(glob, day) for path in globs for glob in (split(path) if _nested(path) else [path]))


def _nested(path):
    """Whether the outermost braces hold whole globs, and not one part of one."""
    return path.startswith("{") and "/" in path


def should_be_listed(day, first, last, note, now):
    """The rule in plain words: what is asked for, to the newest month, from 30 days back unless it sweeps."""
    newest = month_after((now + 2 * DAY).date()) - DAY
    if not (first or FIRST_DAY) <= day <= min(last or newest, newest):
        return False
    sweeps = note is None or now - note.swept_at >= 7 * DAY
    return sweeps or day >= (note.listed_at - LOOK_BACK).date()


@given(
    one=ASKED,
    other=ASKED,
    today=st.integers(0, 40_000).map(lambda hours: NOW - 300 * DAY + hours * HOUR),
    age=AGO,
    swept=st.none() | st.integers(0, 10),
    idle=st.integers(0, 10),
    day=st.dates(FIRST_DAY, date(2031, 12, 31)),
)
# `until` lies in the month of "30 days back", before that day: this stretch of days is empty.
@example(one=None, other=date(2026, 10, 20), today=NOW, age=0, swept=1, idle=0, day=date(2026, 10, 20))
@example(one=None, other=date(2009, 1, 1), today=NOW, age=0, swept=None, idle=0, day=date(2013, 1, 1))
@example(one=NOW.date(), other=date.max, today=NOW, age=0, swept=None, idle=0, day=NOW.date())
def test_every_day_that_is_due_is_listed_once_and_no_other_day(one, other, today, age, swept, idle, day):
    first, last = sorted((one, other)) if one and other else (one, other)
    note = None
    if swept is not None:
        listed_at = today - min(idle, age) * DAY
        note = Note(swept_at=listed_at - swept * DAY, listed_at=listed_at)
    bounds = {name: str(bound) for name, bound in (("from", first), ("until", last)) if bound}
    plan = decide(arguments(**bounds), today - age * DAY, note, today)
    edges = {first, last, day, today.date(), (today - LOOK_BACK).date(), (today + 40 * DAY).date()}
    for edge in sorted(edge for edge in edges if edge and FIRST_DAY <= edge <= date(2090, 1, 1)):
        for probe in (edge - DAY, edge, edge + DAY):
            if probe >= FIRST_DAY:
                expected = should_be_listed(probe, first, last, note, today)
                assert listed(plan, probe) == expected, f"{probe}: {plan.listings}"


@pytest.mark.parametrize("ahead", [timedelta(hours=2), 60 * DAY])
def test_a_note_from_the_future_is_ignored_and_everything_is_listed(ahead):
    listings, sweep = planned(Note(swept_at=NOW - DAY, listed_at=NOW + ahead), created_at=NOW - 60 * DAY)
    assert sweep
    assert listings["2026-11"] == "2026/11"
    assert not planned(Note(NOW - DAY, NOW + HOUR / 2))[1], "clocks differ by minutes"


JUMPS = st.sampled_from([-400, -40, -8, -1, 0, 0, 1, 8, 40, 400]).map(lambda days: days * DAY)


@given(
    runs=st.lists(st.tuples(st.integers(1, 200).map(lambda hours: hours * HOUR), JUMPS), max_size=8),
    late=st.integers(0, 30),
    delivered=st.integers(0, 60),
    created=JUMPS,
)
def test_whatever_a_clock_says_a_run_with_the_right_time_has_listed_each_file(runs, late, delivered, created):
    start = NOW - 90 * DAY
    day = start + delivered * DAY
    note, moment, listed_since = None, start, False
    for gap, wrong in (*runs, (DAY, 0 * DAY)):
        moment += gap
        plan = decide(arguments(), start + created, note, moment + wrong)
        listed_since |= moment >= day + late * DAY and listed(plan, day.date()) > 0
        note = noted(plan, moment + wrong) or note
    assert listed_since or moment < day + late * DAY


def test_a_checkpoint_from_the_future_is_listed_back_30_days_by_every_run():
    note = Note(swept_at=NOW - DAY, listed_at=NOW - HOUR)
    plan = decide(arguments(), NOW + 60 * DAY, note, NOW)
    assert not plan.sweep
    assert all(listed(plan, (NOW - ago * DAY).date()) == 1 for ago in range(30))
    until = decide(arguments(until="2026-10-01"), NOW + 60 * DAY, note, NOW)
    assert until.listings == ()
