"""Charts: what is drawn, where, and what it says to who cannot see it."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from cloudtrail_to_delta.ui.charts import (
    LEFT,
    RIGHT,
    WIDTH,
    Axis,
    bars,
    duration_scale,
    line,
    nice_scale,
    sparkline,
)

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
WEEK = Axis(start=NOW - timedelta(days=7), end=NOW)


def heights(svg):
    return [float(height) for height in re.findall(r'<rect[^>]* height="([\d.]+)"', svg)]


def test_a_sparkline_has_a_bar_for_each_hour_that_added_something():
    svg = sparkline((0, 5, 0, 10), "rows")
    assert heights(svg) == [9.0, 18.0]
    assert 'role="img"' in svg
    assert 'aria-label="rows"' in svg


def test_a_small_hour_beside_a_large_one_is_still_seen():
    assert min(heights(sparkline((1, 100_000), "rows"))) == 1.5


def test_nothing_added_draws_nothing():
    assert heights(sparkline((0,) * 24, "rows")) == []


def test_bars_outside_the_axis_are_left_out_and_each_says_its_number():
    values = [(NOW - timedelta(days=8), 7), (NOW - timedelta(hours=1), 1234)]
    svg = bars(WEEK, values, css="rows", label="l", unit="rows")
    assert len(heights(svg)) == 1
    assert "2026-11-25 02:00 UTC: 1,234 rows" in svg


def test_the_axis_reaches_from_edge_to_edge():
    assert WEEK.x(WEEK.start) == LEFT
    assert WEEK.x(WEEK.end) == WIDTH - RIGHT


def test_a_line_marks_the_runs_that_failed():
    svg = line(WEEK, [(NOW - timedelta(hours=2), 60)], [NOW - timedelta(hours=1)], label="lag")
    assert svg.count("the run failed") == 1
    assert "2026-11-25 01:00 UTC: 1 min" in svg


def test_a_label_is_no_markup():
    assert "<b>" not in bars(WEEK, [], css="rows", label='"<b>', unit="rows")


@pytest.mark.parametrize(("top", "end"), [(0, 1), (1, 1), (7, 8), (23, 30), (19_226, 20_000)])
def test_a_scale_ends_on_a_round_number_that_nothing_exceeds(top, end):
    assert nice_scale(top)[0] == end
    assert nice_scale(top)[1][0] == 0


@pytest.mark.parametrize(("top", "end"), [(0, 1), (420, 480), (7000, 7200), (86_400 * 700, 86_400 * 800)])
def test_a_scale_of_durations_has_steps_that_clocks_have(top, end):
    assert duration_scale(top)[0] == end
