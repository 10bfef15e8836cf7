"""A record's time: the text that CloudTrail writes, as microseconds since 1970 in UTC.

CloudTrail documents UTC as `2024-05-01T12:00:00Z` ("CloudTrail record contents"). The job also reads
fractions of a second, numeric offsets and a missing zone (as UTC). It refuses anything looser: if it guessed
a record's day, nobody would find the record there.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from cloudtrail_jobs.limits import MAX_REMEMBERED_TIME
from cloudtrail_jobs.quality import Defect, Reason, excerpt
from cloudtrail_jobs.shape import Number

# The years that a partition can sensibly have: CloudTrail began in 2013, and Parquet readers disagree about
# dates before 1900.
_INSTANT = re.compile(
    r"((?:19|2\d)\d\d-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d+))?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017  # datetime.UTC came with Python 3.11
_MICROSECOND = timedelta(microseconds=1)
_SECONDS = {f"{second:02d}": second * 1_000_000 for second in range(60)}


def judge_time(column: str, value: object) -> tuple[int | None, Defect | None]:
    """Return the instant in `value` in microseconds since 1970, or its defect.

    Args:
        column: the field's name, for the message.
        value: the field, decoded from JSON; None if it is absent or null.
    """
    if value is None:
        return None, Defect(Reason.NO_EVENT_TIME, f"the record has no {column}")
    micros = parse_instant(value) if isinstance(value, str) else None
    if micros is None:
        detail = f"{column} is {_shown(value)}, not an instant such as 2024-05-01T12:00:00Z"
        return None, Defect(Reason.BAD_EVENT_TIME, detail)
    return micros, None


def _shown(value: object) -> str:
    # An array or object may be as large, and as deep, as its record.
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    # The libraries that read a number write it in different ways.
    if isinstance(value, Number | float) or type(value) is int:
        return "a number"
    return excerpt(value) if isinstance(value, str) else repr(value)


def instants(values: Sequence[Any]) -> list[int | None] | None:
    """Return the instants in `values`, as `judge_time` does; None if any value is not an instant."""
    try:
        short = max(map(len, values), default=0) <= MAX_REMEMBERED_TIME
        found = list(map(_remembered if short else _any_instant, values))
    except TypeError:  # a value that is not text
        return None
    return None if None in found else found


def parse_instant(text: str) -> int | None:
    """Return microseconds since 1970 in UTC, without further decimals; None if `text` is not an instant."""
    # A longer text costs its own parsing, and no memory afterwards.
    return _remembered(text) if len(text) <= MAX_REMEMBERED_TIME else _any_instant(text)


@lru_cache(maxsize=4096)  # the records of a file share few seconds
def _remembered(text: str) -> int | None:
    # The form that CloudTrail writes. A file has many seconds of few minutes, so each minute is parsed once.
    if len(text) == len("2024-05-01T12:00:00Z") and text[16] == ":" and text[19] == "Z":
        second = _SECONDS.get(text[17:19])
        if second is not None:
            minute = _minute(text[:16])
            return None if minute is None else minute + second
    return _any_instant(text)


@lru_cache(maxsize=4096)
def _minute(text: str) -> int | None:
    return _any_instant(f"{text}:00Z")


def _any_instant(text: str) -> int | None:
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    day, clock, fraction, sign, hours, minutes = found.groups()
    try:
        instant = datetime.fromisoformat(f"{day}T{clock}+00:00")
        micros = (instant - _EPOCH) // _MICROSECOND + int((fraction or "0")[:6].ljust(6, "0"))
        offset = timedelta(hours=int(hours or 0), minutes=_below_sixty(minutes))
        if offset >= timedelta(days=1):
            return None
    except ValueError:
        return None
    return micros - (offset // _MICROSECOND) * (-1 if sign == "-" else 1)


def _below_sixty(minutes: str | None) -> int:
    value = int(minutes or 0)
    if value > 59:
        raise ValueError(f"{minutes!r} is not a number of minutes")
    return value
