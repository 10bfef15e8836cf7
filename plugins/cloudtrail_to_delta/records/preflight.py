"""The return value of `preflight`: its summary, and the kinds without log files or without new ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from cloudtrail_to_delta.records.fields import Fields, text
from cloudtrail_to_delta.records.record import Record


@dataclass(frozen=True, kw_only=True)
class PreflightResult(Record):
    """The result of a preflight.

    Attributes:
        summary: the findings in one line.
        skipped_kinds: kind without log files → reason in words.
        idle_kinds: kind without new log files → reason in words. Its tables are as the last run left them.
    """

    summary: str = ""
    skipped_kinds: Mapping[str, str] = field(default_factory=dict)
    idle_kinds: Mapping[str, str] = field(default_factory=dict)

    @property
    def left_out(self) -> Mapping[str, str]:
        """The kinds for which no Databricks run starts, each with its reason."""
        return {**self.skipped_kinds, **self.idle_kinds}

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the result."""
        skipped, idle = given.mapping("skipped_kinds"), given.mapping("idle_kinds")
        return cls(
            summary=given.text("summary"),
            skipped_kinds={text(kind): text(why) for kind, why in skipped.items()},
            idle_kinds={text(kind): text(why) for kind, why in idle.items()},
        )
