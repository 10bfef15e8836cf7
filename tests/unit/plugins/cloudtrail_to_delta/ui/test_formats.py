"""Numbers, durations and ages as a person reads them."""

from datetime import UTC, datetime, timedelta

import pytest

from cloudtrail_to_delta.ui.formats import age, decimal, duration, number, short_number

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),  # noqa: RUF001
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (11_100, "3 h 5 min"),
        (40_000, "11 h"),
        (86_400, "1 d"),
        (100_000, "1 d 3 h"),
        (300_000, "3 d"),
        (172_800_000, "2,000 d"),
    ],
)
def test_a_duration_is_written_in_its_largest_units(seconds, text):
    assert duration(seconds) == text


def test_an_age_says_whether_it_was_or_will_be():
    assert age(NOW - timedelta(minutes=12), NOW) == "12 min ago"
    assert age(NOW + timedelta(hours=2), NOW) == "in 2 h"
    assert age(None, NOW) == "–"  # noqa: RUF001


def test_numbers_are_readable_at_every_size():
    assert (number(1234567), number(0), number(None)) == ("1,234,567", "0", "–")  # noqa: RUF001
    assert [short_number(n) for n in (0, 950, 1200, 3_000_000)] == ["0", "950", "1.2k", "3M"]
    assert [decimal(n) for n in (0, 1.5e-5, 0.02, 4.25, 212.0)] == ["0", "< 0.001", "0.02", "4.25", "212"]
