"""The values of a record, each of its type, read from JSON of any release, and written to JSON.

A field that is missing or null has its default. A field of another type, or a number beyond reason, is an
error.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

# No reader takes more of one text; the longest is a remedy with an IAM policy.
TEXT_LIMIT = 20_000
COUNT_LIMIT = 10**15
# A log file that is older than CloudTrail itself.
SECONDS_LIMIT = 100 * 366 * 86400


class Fields:
    """The fields of one record, each of its type.

    Raises:
        TypeError: the record is not a mapping.
    """

    def __init__(self, record: Any) -> None:
        if not isinstance(record, dict):
            raise TypeError(f"expected a mapping, got {type(record).__name__}")
        self.record: dict[str, Any] = record

    def is_null(self, name: str) -> bool:
        """Whether the field is missing or null."""
        return self.record.get(name) is None

    def text(self, name: str) -> str:
        """A text; empty when it is missing or null."""
        return "" if self.is_null(name) else text(self.record[name])

    def count(self, name: str) -> int:
        """A count; 0 when it is missing or null."""
        return 0 if self.is_null(name) else count(self.record[name])

    def rate(self, name: str) -> float | None:
        """A rate; None when it is missing or null."""
        return None if self.is_null(name) else rate(self.record[name])

    def flag(self, name: str) -> bool:
        """Whether it is so; false when it is missing or null.

        Raises:
            TypeError: it is something else.
        """
        value = self.record.get(name)
        if value is not None and not isinstance(value, bool):
            raise TypeError(f"expected true or false, got {type(value).__name__}")
        return bool(value)

    def moment(self, name: str) -> datetime | None:
        """A moment; None when it is missing or null."""
        return moment(self.record.get(name))

    def moments(self, name: str) -> dict[str, datetime]:
        """Name → moment; what is none is left out."""
        return {text(key): at for key, value in self.mapping(name).items() if (at := moment(value))}

    def mapping(self, name: str) -> dict[str, Any]:
        """A mapping; empty when it is missing or null."""
        return {} if self.is_null(name) else Fields(self.record[name]).record

    def texts(self, name: str) -> tuple[str, ...]:
        """Texts; none when they are missing or null."""
        return tuple(text(one) for one in self.items(name))

    def items(self, name: str) -> list[Any]:
        """A list; empty when it is missing or null."""
        return [] if self.is_null(name) else as_list(self.record[name])


def to_json(value: Any) -> Any:
    """The value as JSON holds it: a dataclass by the names of its fields, a moment as UTC text."""
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
    """A moment as records and messages have it: `2026-01-02T03:04:05Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def as_list(value: Any) -> list[Any]:
    """A list.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {type(value).__name__}")
    return value


def text(value: Any) -> str:
    """A text that can be sent: JSON may hold half a surrogate pair, which no page can.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {type(value).__name__}")
    return value[:TEXT_LIMIT].encode("utf-8", "replace").decode()


def count(value: Any) -> int:
    """A whole number from 0 up; SQL's answers have it as text.

    Raises:
        TypeError, ValueError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | str) or len(str(value)) > len(str(COUNT_LIMIT)):
        raise TypeError(f"expected a count, got {type(value).__name__}")
    if not 0 <= int(value) <= COUNT_LIMIT:
        raise ValueError("the count is beyond reason")
    return int(value)


def seconds(value: Any) -> int:
    """A duration in seconds.

    Raises:
        TypeError, ValueError: it is something else, or longer than a century.
    """
    if not count(value) <= SECONDS_LIMIT:
        raise ValueError("the duration is beyond reason")
    return count(value)


def rate(value: Any) -> float:
    """A finite number; SQL's answers have it as text.

    Raises:
        TypeError, ValueError: it is something else, or beyond reason.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"expected a number, got {type(value).__name__}")
    number = float(value)
    if not math.isfinite(number) or abs(number) > COUNT_LIMIT:
        raise ValueError("the number is beyond reason")
    return number


def moment(value: Any) -> datetime | None:
    """A moment as runs record it, `2026-01-02T03:04:05Z`, in UTC; None for null and for what is none."""
    try:
        at = datetime.fromisoformat(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
