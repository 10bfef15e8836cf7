"""The return value of `preflight`: its summary, and the kinds without log files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from cloudtrail_to_delta.records.fields import Fields, text
from cloudtrail_to_delta.records.record import Record


@dataclass(frozen=True, kw_only=True)
class PreflightResult(Record):
    """The result of a preflight: a summary in one line, and skipped kind → reason in words."""

    summary: str = ""
    skipped_kinds: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the result."""
        skipped = given.mapping("skipped_kinds")
        return cls(
            summary=given.text("summary"),
            skipped_kinds={text(kind): text(why) for kind, why in skipped.items()},
        )
