"""What a check says: one finding per subject, and how findings are shown to a person."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["failed", "warning", "skipped", "ok"]
# Clearing a task runs it with the params of its DAG run: it helps where something else was wrong.
AFTERWARDS = (
    "If a remedy changes a param, trigger the DAG again with the new value (correct an account's value in "
    "accounts.yaml first). Otherwise clear this task when all is fixed."
)
# In the order in which a person wants to read them.
STATUSES: tuple[Status, ...] = ("failed", "warning", "skipped", "ok")


@dataclass(frozen=True, kw_only=True)
class MissingRight:
    """A right that one finding misses, so that those of one policy can be shown together.

    Attributes:
        where: the policy that lacks or denies it, as a sentence goes on after "rights in".
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
class Finding:
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

    def to_dict(self) -> dict[str, str]:
        """The finding as an XCom holds it: what a person reads."""
        read = ("check", "subject", "status", "detail", "remedy")
        return {name: value for name, value in asdict(self).items() if name in read}


def counts_line(findings: Sequence[Finding]) -> str:
    """How many of each status, such as `2 failed, 1 warning, 31 ok`."""
    counts = Counter(finding.status for finding in findings)
    return ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])


def summary_line(findings: Sequence[Finding], *, seconds: float) -> str:
    """One line that sums up, such as `2 failed, 1 warning, 31 ok in 4.2 s`."""
    return f"{counts_line(findings) or 'nothing checked'} in {seconds:.1f} s"


def by_urgency(findings: Sequence[Finding]) -> list[Finding]:
    """The failed ones first, then warnings; else as they were found."""
    return sorted(findings, key=lambda finding: STATUSES.index(finding.status))


def render_table(findings: Sequence[Finding]) -> str:
    """The findings as aligned text, the failed ones first, each remedy on a line of its own."""
    rows = by_urgency(findings)
    header = ("STATUS", "CHECK", "SUBJECT", "DETAIL")
    cells = [header, *((row.status, row.check, row.subject, row.detail) for row in rows)]
    widths = [max(len(cell[column]) for cell in cells) for column in range(3)]

    def line(cell: tuple[str, str, str, str]) -> str:
        return "  ".join([*(text.ljust(width) for text, width in zip(cell, widths, strict=False)), cell[3]])

    lines = [line(header)]
    for row, cell in zip(rows, cells[1:], strict=True):
        lines.append(line(cell))
        if row.remedy:
            lines.append(f"{' ' * (widths[0] + 2)}→ {row.remedy}")
    return "\n".join(lines)


def describe_failures(findings: Sequence[Finding]) -> str:
    """The failed findings with their remedies, as the text of an error."""
    failed = [finding for finding in findings if finding.status == "failed"]
    lines = [f"{len(failed)} preflight check(s) failed; nothing was submitted or written:"]
    for finding in failed:
        lines.append(f"  - {finding.check} {finding.subject}: {finding.detail}")
        if finding.remedy:
            lines.append(f"    → {finding.remedy}")
    return "\n".join([*lines, AFTERWARDS])
