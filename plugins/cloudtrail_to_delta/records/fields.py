"""Typed access to the fields of a record: reads the JSON of any release, and writes JSON.

A missing or null field has its default. A field of another type, or an implausible number, is an error.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

# Longer strings are cut. The longest one in use is a remedy with an IAM policy.
TEXT_LIMIT = 20_000
COUNT_LIMIT = 10**15
# A century: no log file is that old.
SECONDS_LIMIT = 100 * 366 * 86400


class Fields:
    """The fields of one record, with their types.

    Raises:
        TypeError: the record is not a mapping.
    """

    def __init__(self, record: Any) -> None:
        if not isinstance(record, dict):
            raise TypeError(f"expected a mapping, got {type(record).__name__}")
        self.record: dict[str, Any] = record

    def is_null(self, name: str) -> bool:
        """Return whether the field is missing or null."""
        return self.record.get(name) is None

    def text(self, name: str) -> str:
        """Return a string, empty if the field is missing or null."""
        return "" if self.is_null(name) else text(self.record[name])

    def count(self, name: str) -> int:
        """Return a count, 0 if the field is missing or null."""
        return 0 if self.is_null(name) else count(self.record[name])

    def rate(self, name: str) -> float | None:
        """Return a rate, None if the field is missing or null."""
        return None if self.is_null(name) else rate(self.record[name])

    def flag(self, name: str) -> bool:
        """Return a Boolean, false if the field is missing or null.

        Raises:
            TypeError: the value has another type.
        """
        value = self.record.get(name)
        if value is not None and not isinstance(value, bool):
            raise TypeError(f"expected true or false, got {type(value).__name__}")
        return bool(value)

    def moment(self, name: str) -> datetime | None:
        """Return a time, None if the field is missing or null."""
        return moment(self.record.get(name))

    def moments(self, name: str) -> dict[str, datetime]:
        """Return name → time, without values that are not a time."""
        return {text(key): at for key, value in self.mapping(name).items() if (at := moment(value))}

    def mapping(self, name: str) -> dict[str, Any]:
        """Return a mapping, empty if the field is missing or null."""
        return {} if self.is_null(name) else Fields(self.record[name]).record

    def document(self, name: str) -> dict[str, Any]:
        """Return a mapping as it was left, empty if the field is missing or null.

        Raises:
            TypeError: it is not JSON.
            ValueError: its text cannot be encoded (half a surrogate pair), which no page could show.
        """
        found = self.mapping(name)
        json.dumps(found, ensure_ascii=False).encode()
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """Return strings, none if the field is missing or null."""
        return tuple(text(one) for one in self.items(name))

    def items(self, name: str) -> list[Any]:
        """Return a list, empty if the field is missing or null."""
        return [] if self.is_null(name) else as_list(self.record[name])


def to_json(value: Any) -> Any:
    """Return the value for JSON: a dataclass becomes a mapping of its fields, a time becomes UTC text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, Mapping):
        return {name: to_json(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_json(one) for one in value]
    return value


def utc_text(at: datetime) -> str:
    """Format a time as records and messages show it: `2026-01-02T03:04:05Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def as_list(value: Any) -> list[Any]:
    """Return the value if it is a list.

    Raises:
        TypeError: the value has another type.
    """
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {type(value).__name__}")
    return value


def text(value: Any) -> str:
    """Return a string that can be encoded. JSON may hold half a surrogate pair, which a page cannot.

    Raises:
        TypeError: the value has another type.
    """
    if not isinstance(value, str):
        raise TypeError(f"expected a string, got {type(value).__name__}")
    return value[:TEXT_LIMIT].encode("utf-8", "replace").decode()


def count(value: Any) -> int:
    """Return a whole number from 0 up. SQL results hold it as text.

    Raises:
        TypeError, ValueError: the value is not such a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | str) or len(str(value)) > len(str(COUNT_LIMIT)):
        raise TypeError(f"expected a count, got {type(value).__name__}")
    if not 0 <= int(value) <= COUNT_LIMIT:
        raise ValueError("the count is negative or implausibly large")
    return int(value)


def seconds(value: Any) -> int:
    """Return a duration in seconds.

    Raises:
        TypeError, ValueError: the value is not a duration, or it is longer than a century.
    """
    if not count(value) <= SECONDS_LIMIT:
        raise ValueError("the duration is implausibly long")
    return count(value)


def rate(value: Any) -> float:
    """Return a finite number. SQL results hold it as text.

    Raises:
        TypeError, ValueError: the value is not a number, or it is implausibly large.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"expected a number, got {type(value).__name__}")
    number = float(value)
    if not math.isfinite(number) or abs(number) > COUNT_LIMIT:
        raise ValueError("the number is infinite or implausibly large")
    return number


def moment(value: Any) -> datetime | None:
    """Return the time in a record (`2026-01-02T03:04:05Z`) in UTC, None if the value is not a time."""
    try:
        at = datetime.fromisoformat(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
