"""Formats of numbers, times and durations for people. All times are UTC."""

from datetime import datetime

MINUTE, HOUR, DAY = 60, 3600, 86400
MISSING = "–"  # noqa: RUF001 - an en dash, as tables have it


def number(value: float | None) -> str:
    """Format a number with thousands separators: `1,234,567`."""
    return MISSING if value is None else f"{value:,.0f}"


def short_number(value: float) -> str:
    """Format a number for an axis: `950`, `1.2k`, `3M`."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f}".removesuffix(".0") + unit
    return f"{value:g}"


def decimal(value: float | None) -> str:
    """Format a rate with as many digits as it needs: `< 0.001`, `0.02`, `4.5`, `120`."""
    if value is None:
        return MISSING
    if 0 < value < 0.001:
        return "< 0.001"
    return f"{value:.3g}" if value < 100 else number(value)


def duration(seconds: float | None) -> str:
    """Format a duration in its two largest units: `40 s`, `12 min`, `3 h 5 min`, `12 d`."""
    if seconds is None:
        return MISSING
    seconds = max(0, int(seconds))
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < DAY:
        hours, rest = divmod(seconds // MINUTE, 60)
        return f"{hours} h {rest} min" if rest and hours < 10 else f"{hours} h"
    days, rest = divmod(seconds // HOUR, 24)
    return f"{days} d {rest} h" if rest and days < 3 else f"{number(days)} d"


def age(moment: datetime | None, now: datetime) -> str:
    """Format how long ago or how soon a time is: `12 min ago`, `in 3 h`."""
    if moment is None:
        return MISSING
    seconds = (now - moment).total_seconds()
    return f"in {duration(-seconds)}" if seconds < 0 else f"{duration(seconds)} ago"


def clock(moment: datetime | None) -> str:
    """Format date and time to the minute: `2026-01-02 03:04`."""
    return MISSING if moment is None else f"{moment:%Y-%m-%d %H:%M}"
