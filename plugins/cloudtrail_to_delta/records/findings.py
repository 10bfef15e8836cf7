"""The XCom `findings` of a preflight: a list of the findings, as people read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from cloudtrail_to_delta.records.fields import Fields, as_list
from cloudtrail_to_delta.records.record import Record, read

FINDINGS_KEY = "findings"
Status = Literal["failed", "warning", "skipped", "ok"]
# The most urgent first.
STATUSES: tuple[Status, ...] = ("failed", "warning", "skipped", "ok")
_OF_PREFLIGHT = ("follows", "missing")


@dataclass(frozen=True, kw_only=True)
class MissingRight:
    """A permission that one finding reports as missing, so that those of one policy can be shown together.

    Attributes:
        where: the policy that lacks or denies it, as it reads after "permissions in".
        why: why the call is refused.
        right: the action and its resource.
        purpose: what needs it.
        statement: the IAM statement that grants it, None if an explicit Deny blocks it.
    """

    where: str
    why: str
    right: str
    purpose: str
    statement: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Finding(Record):
    """One result of one check.

    `check` is the name of the check, `subject` what it checked, `detail` what it found. `remedy` says what to
    do, and is empty if nothing is to be done. Only a `failed` finding stops the pipeline.

    `follows` is the subject of another finding: if that one failed, this one is its consequence. `missing` is
    the missing permission. Only `cloudtrail_to_delta.preflight.folding` reads these two.
    """

    check: str
    subject: str
    status: Status
    detail: str
    remedy: str = ""
    follows: str = ""
    missing: MissingRight | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the finding for the XCom: the fields that people read."""
        return {name: value for name, value in super().to_dict().items() if name not in _OF_PREFLIGHT}

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the finding. An unknown status is an error."""
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
    """The findings of one preflight, and how many (`odd`) could not be read."""

    found: Sequence[Finding] = ()
    odd: int = 0

    def to_list(self) -> list[dict[str, Any]]:
        """Return the findings for the XCom."""
        return [finding.to_dict() for finding in self.found]

    @classmethod
    def from_list(cls, value: Any) -> Self:
        """Read the findings of the XCom. An unreadable one does not hide the others.

        Raises:
            TypeError: the value is not a list.
        """
        read_one = [read(Finding.from_dict, one, "a finding") for one in as_list(value)]
        found = tuple(finding for finding in read_one if finding)
        return cls(found=found, odd=len(read_one) - len(found))
