"""The records of the set-up's tasks: the plan, the decision about it, and the result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from cloudtrail_to_delta.records.fields import Fields, as_list, text
from cloudtrail_to_delta.records.record import Record

# The XCom of `plan` that holds the plan as Markdown, for the page that asks a person for approval.
MARKDOWN_KEY = "plan_markdown"


@dataclass(frozen=True, kw_only=True)
class Planned(Record):
    """The return value of `plan`.

    Attributes:
        plan: the plan, as `setup.plan.Plan` writes and reads it.
        digest: identifies the plan.
        summary: one line.
        writes: how many actions change something.
        found: kind, account and name of each resource that a removal found by its tag.
    """

    digest: str
    plan: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    writes: int = 0
    found: Sequence[tuple[str, str, str]] = ()

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the record. It needs a digest: without one nothing may be applied."""
        return cls(
            plan=given.document("plan"),
            digest=_digest(given),
            summary=given.text("summary"),
            writes=given.count("writes"),
            found=tuple(_found(one) for one in given.items("found")),
        )


@dataclass(frozen=True, kw_only=True)
class Approval(Record):
    """The return value of `approve`: the decision, the digest of its plan, and who decided, in words."""

    digest: str
    approved: bool = False
    by: str = ""

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the decision. It needs a digest: without one it belongs to no plan."""
        return cls(digest=_digest(given), approved=given.flag("approved"), by=given.text("by"))


@dataclass(frozen=True, kw_only=True)
class SetupResult(Record):
    """The return value of `report`: a summary, and ingest params (empty unless the set-up is complete)."""

    summary: str = ""
    ingest_params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the result."""
        return cls(summary=given.text("summary"), ingest_params=given.document("ingest_params"))


def _digest(given: Fields) -> str:
    if not (digest := given.text("digest")):
        raise ValueError("it names no plan: the digest is missing")
    return digest


def _found(value: Any) -> tuple[str, str, str]:
    kind, account, name = as_list(value)
    return text(kind), text(account), text(name)
