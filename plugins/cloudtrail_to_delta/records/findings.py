"""The XCom `findings` of a preflight: what a person reads of each finding, in a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from cloudtrail_to_delta.records.fields import Fields, as_list
from cloudtrail_to_delta.records.record import Record, read

FINDINGS_KEY = "findings"
Status = Literal["failed", "warning", "skipped", "ok"]
# In the order in which a person wants to read them.
STATUSES: tuple[Status, ...] = ("failed", "warning", "skipped", "ok")
_OF_PREFLIGHT = ("follows", "missing")


@dataclass(frozen=True, kw_only=True)
class MissingRight:
    """A right that one finding misses, so that those of one policy can be shown together.

    Attributes:
        where: the policy that lacks or denies it, as it reads after "permissions in".
        why: why it is refused.
        right: the action and its resource.
        purpose: what it is needed for.
        statement: the IAM statement that grants it; None where an explicit Deny is in the way.
    """

    where: str
    why: str
    right: str
    purpose: str
    statement: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Finding(Record):
    """One answer of one check.

    `check` is the check's name, `subject` what it looked at, `detail` what it found, `remedy` what to do
    (empty when there is nothing to do). A `failed` one stops the pipeline; no other does.

    `follows` is the subject of another finding that this one is a consequence of when that one failed, and
    `missing` the right that it misses: `cloudtrail_to_delta.preflight.folding` reads them, nobody after it.
    """

    check: str
    subject: str
    status: Status
    detail: str
    remedy: str = ""
    follows: str = ""
    missing: MissingRight | None = None

    def to_dict(self) -> dict[str, Any]:
        """The finding as an XCom holds it: what a person reads."""
        return {name: value for name, value in super().to_dict().items() if name not in _OF_PREFLIGHT}

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """The finding by its fields; one of an unknown status is none."""
        status = next((known for known in STATUSES if known == given.text("status")), None)
        if status is None:
            raise ValueError(f"unknown status {given.text('status')!r}")
        return cls(
            check=given.text("check"),
            subject=given.text("subject"),
            status=status,
            detail=given.text("detail"),
            remedy=given.text("remedy"),
        )


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The findings of one preflight; `odd` more could not be read."""

    found: Sequence[Finding] = ()
    odd: int = 0

    def to_list(self) -> list[dict[str, Any]]:
        """The findings as the XCom holds them."""
        return [finding.to_dict() for finding in self.found]

    @classmethod
    def from_list(cls, value: Any) -> Self:
        """Those of the XCom; one that is odd does not hide the others.

        Raises:
            TypeError: it is no list.
        """
        read_one = [read(Finding.from_dict, one, "a finding") for one in as_list(value)]
        found = tuple(finding for finding in read_one if finding)
        return cls(found=found, odd=len(read_one) - len(found))
