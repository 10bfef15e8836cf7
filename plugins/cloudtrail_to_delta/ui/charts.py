"""Charts as inline SVG, drawn on the server. The stylesheet sets the colors for both themes.

Each chart describes in words what it shows (`aria-label`). A table on the page has its numbers.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from cloudtrail_to_delta.ui.formats import DAY, HOUR, MINUTE, clock, duration, number, short_number

WIDTH, HEIGHT = 1100, 170
# The scale is on both sides, because a narrow window shows the newest days at the right.
LEFT, RIGHT, TOP, BOTTOM = 52, 52, 10, 24
# Natural steps for a scale of durations.
DURATION_STEPS = (
    *(1, 5, 10, 15, 30),
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 4, 6, 12)),
    *(n * DAY for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)),
)


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The period that a chart covers."""

    start: datetime
    end: datetime

    def x(self, moment: datetime) -> float:
        """Return the x coordinate of a time."""
        share = (moment - self.start) / (self.end - self.start)
        return LEFT + share * (WIDTH - LEFT - RIGHT)


def sparkline(values: Sequence[int], label: str) -> Markup:
    """Draw a bar for each of 24 hours, 3 units wide. Hours without rows have no bar."""
    top = max(values, default=0)
    bars = "".join(
        f'<rect x="{index * 4}" y="{18 - height:.1f}" width="3" height="{height:.1f}"/>'
        for index, value in enumerate(values)
        if value and (height := max(1.5, 18 * value / top))
    )
    return Markup(  # noqa: S704 - numbers, and an escaped label
        '<svg class="spark" viewBox="0 0 96 19" role="img" aria-label="{}">'
        '<path class="base" d="M0 18.5H96"/>' + bars + "</svg>"
    ).format(label)


def bars(axis: Axis, values: Sequence[tuple[datetime, int]], *, css: str, label: str, unit: str) -> Markup:
    """Draw one bar per hour."""
    top, ticks = nice_scale(max((value for _, value in values), default=0))
    width = max(1.0, axis.x(axis.start + timedelta(hours=1)) - LEFT - 0.8)
    drawn = [
        Markup(
            '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
        ).format(
            css,
            axis.x(at),
            _y(value, top),
            width,
            HEIGHT - BOTTOM - _y(value, top),
            f"{clock(at)} UTC: {number(value)} {unit}",
        )
        for at, value in values
        if value and axis.start <= at < axis.end
    ]
    return _frame(axis, ticks, top, short_number, Markup("").join(drawn), label)


def line(
    axis: Axis, values: Sequence[tuple[datetime, int]], marks: Sequence[datetime], *, label: str
) -> Markup:
    """Draw durations over time, with a mark at the bottom for each failed run."""
    shown = [(at, value) for at, value in values if axis.start <= at <= axis.end]
    top, ticks = duration_scale(max((value for _, value in shown), default=0))
    points = [(axis.x(at), _y(value, top)) for at, value in shown]
    path = " ".join(f"{'M' if not index else 'L'}{x:.1f} {y:.1f}" for index, (x, y) in enumerate(points))
    drawn = [Markup('<path class="line" d="{}"/>').format(path)] if len(points) > 1 else []
    drawn += [
        Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="{}"><title>{}</title></circle>').format(
            x, y, 3 if len(points) < 40 else 1.8, f"{clock(at)} UTC: {duration(value)}"
        )
        for (x, y), (at, value) in zip(points, shown, strict=True)
    ]
    drawn += [
        Markup('<path class="mark" d="M{0:.1f} {1}l-4 8h8z"><title>{2}</title></path>').format(
            axis.x(at), HEIGHT - BOTTOM - 8, f"{clock(at)} UTC: the run failed"
        )
        for at in marks
        if axis.start <= at <= axis.end
    ]
    return _frame(axis, ticks, top, duration, Markup("").join(drawn), label)


def nice_scale(top: float, steps: int = 4) -> tuple[float, list[float]]:
    """Return the maximum of a scale and its ticks, in whole steps of 1, 2 or 5 times a power of ten."""
    raw = max(top, 1) / steps
    power = 10 ** math.floor(math.log10(raw))
    step = max(1, next(n * power for n in (1, 2, 5, 10) if n * power >= raw))
    count = max(1, math.ceil(top / step))
    return step * count, [step * index for index in range(count + 1)]


def duration_scale(top: float, steps: int = 4) -> tuple[float, list[float]]:
    """Return the same for a duration, in steps of seconds, minutes, hours or days."""
    step = next((step for step in DURATION_STEPS if step * steps >= top), DURATION_STEPS[-1])
    count = max(1, math.ceil(top / step))
    return step * count, [step * index for index in range(count + 1)]


def _y(value: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)


def _frame(
    axis: Axis, ticks: Sequence[float], top: float, write: Callable[[float], str], drawn: Markup, label: str
) -> Markup:
    """Assemble a chart: the grid, its labels, and the drawing."""
    grid = [
        Markup(
            '<path class="grid" d="M{0} {1:.1f}H{2}"/><text class="tick" x="{3}" y="{5:.1f}">{6}</text>'
            '<text class="tick end" x="{4}" y="{5:.1f}" aria-hidden="true">{6}</text>'
        ).format(
            *(LEFT, _y(tick, top), WIDTH - RIGHT, LEFT - 6, WIDTH - RIGHT + 6),
            *(_y(tick, top) + 4, write(tick)),
        )
        for tick in ticks
    ]
    midnight = (axis.start + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    days = []
    # The label of the last day needs space.
    while midnight < axis.end and axis.x(midnight) < WIDTH - RIGHT - 40:
        days.append(
            Markup(
                '<path class="day" d="M{0:.1f} {1}v{2}"/><text class="date" x="{3:.1f}" y="{4}">{5}</text>'
            ).format(
                axis.x(midnight),
                TOP,
                HEIGHT - TOP - BOTTOM + 4,
                axis.x(midnight) + 4,
                HEIGHT - 6,
                f"{midnight:%d %b}",
            )
        )
        midnight += timedelta(days=1)
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>').format(
        WIDTH, HEIGHT, label, Markup("").join(grid), Markup("").join(days), drawn
    )
