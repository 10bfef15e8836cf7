"""Delivery days as globs: exactly the days that were asked for, in few globs."""

import fnmatch
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudtrail_jobs.bounds import all_but_days_from, bounded, day_globs, takes_bounds

DAYS = st.dates(min_value=date(2013, 1, 1), max_value=date(2029, 12, 31))


def alternatives(part):
    return part[1:-1].split(",") if part.startswith("{") else [part]


def matches(glob, day):
    """Whether a glob of one to three levels matches the start of a day's folder, as Hadoop reads it."""
    parts = glob.split("/")
    return all(
        any(fnmatch.fnmatchcase(name, choice) for choice in alternatives(part))
        for part, name in zip(parts, f"{day:%Y/%m/%d}".split("/"), strict=False)
    )


@pytest.mark.parametrize(
    ("first", "last", "globs"),
    [
        (date(2026, 1, 31), date(2026, 1, 31), ["2026/01/31"]),
        (date(2026, 2, 1), date(2026, 2, 28), ["2026/02"]),
        (date(2026, 1, 1), date(2026, 12, 31), ["2026"]),
        (date(2025, 12, 31), date(2026, 1, 1), ["2025/12/31", "2026/01/01"]),
        (
            date(2024, 11, 30),
            date(2027, 2, 2),
            ["2024/11/30", "2024/12", "{2025,2026}", "2027/01", "2027/02/{01,02}"],
        ),
    ],
)
def test_whole_years_and_months_are_one_glob_each(first, last, globs):
    assert day_globs(first, last) == globs


@given(DAYS, DAYS, DAYS)
def test_a_day_matches_one_glob_when_it_is_inside_and_none_outside(one, other, day):
    first, last = sorted((one, other))
    edges = (first, last, first - timedelta(days=1), last + timedelta(days=1))
    for probe in (day, *edges):
        found = sum(matches(glob, probe) for glob in day_globs(first, last))
        assert found == (1 if first <= probe <= last else 0)


@given(DAYS, DAYS)
def test_there_are_never_more_than_five_listings(one, other):
    assert len(day_globs(*sorted((one, other)))) <= 5


def test_days_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="2026-01-02 is after 2026-01-01"):
        day_globs(date(2026, 1, 2), date(2026, 1, 1))


def test_without_bounds_the_path_is_left_alone():
    assert bounded("s3://b/AWSLogs/*/CloudTrail/*/*", None, None) == "s3://b/AWSLogs/*/CloudTrail/*/*"


def test_an_open_end_takes_every_later_year():
    path = bounded("s3://b/AWSLogs/*/CloudTrail/*/*", date(2026, 12, 31), None)
    base, _, globs = path.partition("{")
    assert base == "s3://b/AWSLogs/*/CloudTrail/*/"
    assert globs.startswith("2026/12/31,{2027,")
    assert globs.endswith("2099}}")


@pytest.mark.parametrize(
    ("first", "last", "globs"),
    [
        (None, date(2009, 7, 1), "2009/07/01"),
        (date(2199, 12, 31), None, "2199/12/31"),
        (date(9999, 12, 1), date.max, "9999/12"),
        (date(9999, 12, 2), date(9999, 12, 3), "9999/12/{02,03}"),
    ],
)
def test_bounds_where_no_log_file_can_be_are_a_glob_of_their_own_days(first, last, globs):
    assert bounded("/AWSLogs/*/CloudTrail/*/*", first, last) == f"/AWSLogs/*/CloudTrail/*/{globs}"


@pytest.mark.parametrize(
    ("path", "takes"),
    [
        *product(
            ["s3://b/AWSLogs/*/CloudTrail/us-east-1/*", "s3://b/p/AWSLogs/o-1/*/CloudTrail/*/*"], [True]
        ),
        *product(["s3://b/AWSLogs/*/CloudTrail/*/2026/*", "s3://b/AWSLogs/*/CloudTrail/*"], [False]),
    ],
)
def test_only_a_path_that_ends_where_the_days_begin_takes_bounds(path, takes):
    assert takes_bounds(path) is takes


def split(globs):
    """The alternatives of the outermost braces."""
    depth, found = 0, [""]
    for letter in globs[1:-1]:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return found


NAMES = st.text("0123456789a_", min_size=1, max_size=5)


@given(st.tuples(NAMES, NAMES), DAYS)
def test_what_lies_in_no_day_folder_is_left_to_the_days_before(names, first):
    first = first.replace(day=1) + timedelta(days=40)
    first = first.replace(day=1)
    globs = split(
        all_but_days_from("s3://b/AWSLogs/1/CloudTrail/r/*", first).removeprefix(
            "s3://b/AWSLogs/1/CloudTrail/r/"
        )
    )
    year, month = names
    dated = year.isdigit() and len(year) == 4 and 2013 <= int(year) <= 2099
    later = dated and month in MONTHS and (int(year), int(month)) >= (first.year, first.month)
    found = sum(
        all(
            any(fnmatch.fnmatchcase(name, choice) for choice in alternatives(part))
            for part, name in zip(glob.split("/"), names, strict=False)
        )
        for glob in globs
    )
    assert found == (0 if later else 1)


MONTHS = [f"{number:02d}" for number in range(1, 13)]


@given(DAYS, DAYS)
def test_a_day_from_then_on_is_not_among_them(one, other):
    first = one.replace(day=1) + timedelta(days=40)
    first = first.replace(day=1)
    globs = split(all_but_days_from("/logs/CloudTrail/r/*", first).removeprefix("/logs/CloudTrail/r/"))
    assert len(globs) <= 5
    assert sum(matches(glob, other) for glob in globs) == (1 if other < first else 0)
