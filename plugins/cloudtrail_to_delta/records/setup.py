"""What the set-up's tasks leave each other: the plan, the decision about it, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from cloudtrail_to_delta.records.fields import Fields, as_list, text
from cloudtrail_to_delta.records.record import Record

# The XCom of `plan` that holds the plan as Markdown, for the page on which a person approves it.
MARKDOWN_KEY = "plan_markdown"


@dataclass(frozen=True, kw_only=True)
class Planned(Record):
    """What `plan` returns.

    Attributes:
        plan: the plan, as `setup.plan.Plan` writes and reads it.
        digest: names the plan.
        summary: one line.
        writes: how many changes write.
        found: kind, account and name of what a removal has found by its tag.
    """

    digest: str
    plan: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    writes: int = 0
    found: Sequence[tuple[str, str, str]] = ()

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """The record by its fields; without a digest it is none: nothing may be applied by it."""
        return cls(
            plan=given.mapping("plan"),
            digest=_digest(given),
            summary=given.text("summary"),
            writes=given.count("writes"),
            found=tuple(_found(one) for one in given.items("found")),
        )


@dataclass(frozen=True, kw_only=True)
class Approval(Record):
    """What `approve` returns: the decision, the digest of the plan it is about, and by whom, in words."""

    digest: str
    approved: bool = False
    by: str = ""

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """The decision by its fields; without a digest it is about no plan."""
        return cls(digest=_digest(given), approved=given.flag("approved"), by=given.text("by"))


@dataclass(frozen=True, kw_only=True)
class SetupResult(Record):
    """What `report` returns: a summary, and the params of an ingest, empty unless the set-up stands."""

    summary: str = ""
    ingest_params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """The result by its fields."""
        return cls(summary=given.text("summary"), ingest_params=given.mapping("ingest_params"))


def _digest(given: Fields) -> str:
    if not (digest := given.text("digest")):
        raise ValueError("it names no plan")
    return digest


def _found(value: Any) -> tuple[str, str, str]:
    kind, account, name = as_list(value)
    return text(kind), text(account), text(name)
