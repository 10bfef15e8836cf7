"""Delivery days as a glob, so that a first load that skips old days does not even list them.

The day in a log file's path is the day of its delivery (UTC). Source: AWS, "Finding your CloudTrail log
files".
"""

import re
from calendar import monthrange
from datetime import date, timedelta

# `…/<folder>/<region>/*`: in this form the last star stands for all days.
_ALL_DAYS = re.compile(r".*/CloudTrail[A-Za-z-]*/[^/]+/\*/?")
FIRST_DAY = date(2013, 1, 1)
LAST_DAY = date(2099, 12, 31)
# Every name except 2013 to 2099, and every name except 01 to 12.
_NO_YEAR = "{[!2]*,2,2[!0]*,20,20[!1-9]*,201,201[!3-9]*,201[3-9]?*,20[2-9],20[2-9][!0-9]*,20[2-9][0-9]?*}"
_NO_MONTH = "{[!01]*,0,0[!1-9]*,0[1-9]?*,1,1[!0-2]*,1[0-2]?*}"


def days(first: date | None, last: date | None) -> str:
    """Return bounds as a checkpoint notes them: `2026-01-01..2026-01-31`, with nothing for no limit."""
    return f"{first or ''}..{last or ''}"


def takes_bounds(logs_path: str) -> bool:
    """Return whether the path ends where the day folders begin."""
    return _ALL_DAYS.fullmatch(logs_path) is not None


def bounded(logs_path: str, first: date | None, last: date | None) -> str:
    """Return the logs path limited to deliveries from `first` to `last`, both inclusive; None is no limit."""
    if first is None and last is None:
        return logs_path
    # A bound before FIRST_DAY or after LAST_DAY leaves only its day, which has no log files.
    globs = day_globs(first or min(FIRST_DAY, last or FIRST_DAY), last or max(LAST_DAY, first or LAST_DAY))
    base = logs_path.rstrip("/").removesuffix("*")
    return base + (globs[0] if len(globs) == 1 else "{" + ",".join(globs) + "}")


def all_but_days_from(logs_path: str, first: date) -> str:
    """Return a glob of everything below the logs path except the days from `first`, the first of a month.

    The glob also matches files outside of day folders: below names that are not years, and, in the year of
    `first` and later years, below names that are not months.
    """
    older = day_globs(FIRST_DAY, first - timedelta(days=1))
    globs = [_NO_YEAR, *older, f"{_any(range(first.year, LAST_DAY.year + 1))}/{_NO_MONTH}"]
    return logs_path.rstrip("/").removesuffix("*") + "{" + ",".join(globs) + "}"


def month_after(day: date) -> date:
    """Return the first day of the next month."""
    return _end_of_month(day) + timedelta(days=1)


def day_globs(first: date, last: date) -> list[str]:
    """Return at most five globs over `YYYY/MM/DD` that match exactly these days.

    Whole years and whole months have a glob without days. Spark lists each glob separately, so few globs are
    better than many.

    Raises:
        ValueError: if `first` is after `last`.
    """
    if first > last:
        raise ValueError(f"{first} is after {last}")
    if (first.year, first.month) == (last.year, last.month):
        if first.day == 1 and _ends_month(last):
            return [f"{first:%Y/%m}"]
        return [f"{first:%Y/%m}/" + _any(range(first.day, last.day + 1))]
    globs: list[str] = []
    if first.day > 1:
        globs.append(f"{first:%Y/%m}/" + _any(range(first.day, _end_of_month(first).day + 1)))
        first = _end_of_month(first) + timedelta(days=1)
    tail: list[str] = []
    if not _ends_month(last):
        tail.append(f"{last:%Y/%m}/" + _any(range(1, last.day + 1)))
        last = last.replace(day=1) - timedelta(days=1)
    if first > last:
        return globs + tail
    return globs + _months(first, last) + tail


def _months(first: date, last: date) -> list[str]:
    """Return globs of whole months, and of years where all their months belong to them."""
    globs: list[str] = []
    if first.year == last.year and (first.month > 1 or last.month < 12):
        return [f"{first.year}/" + _any(range(first.month, last.month + 1))]
    if first.month > 1:
        globs.append(f"{first.year}/" + _any(range(first.month, 13)))
        first = date(first.year + 1, 1, 1)
    tail: list[str] = []
    if last.month < 12:
        tail.append(f"{last.year}/" + _any(range(1, last.month + 1)))
        last = date(last.year - 1, 12, 31)
    years = [_any(range(first.year, last.year + 1))] if first <= last else []
    return globs + years + tail


def _any(numbers: range) -> str:
    texts = [f"{number:02d}" for number in numbers]
    return texts[0] if len(texts) == 1 else "{" + ",".join(texts) + "}"


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _ends_month(day: date) -> bool:
    return day == _end_of_month(day)
