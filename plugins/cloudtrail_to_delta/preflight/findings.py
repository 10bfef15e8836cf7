"""The findings of checks, and how they are shown as text."""

from collections import Counter
from collections.abc import Sequence

from cloudtrail_to_delta.records.findings import STATUSES, Finding, MissingRight, Status

__all__ = [
    "AFTERWARDS",
    "STATUSES",
    "Finding",
    "MissingRight",
    "Status",
    "by_urgency",
    "counts_line",
    "describe_failures",
    "render_table",
    "summary_line",
]

# A cleared task runs again with the params of its DAG run, so clearing does not help when a param was wrong.
AFTERWARDS = (
    "If a remedy changes a param, trigger the DAG again with the new value (for an account, correct "
    "accounts.yaml first). Otherwise clear this task when everything is fixed."
)


def counts_line(findings: Sequence[Finding]) -> str:
    """Return the number of findings of each status, such as `2 failed, 1 warning, 31 ok`."""
    counts = Counter(finding.status for finding in findings)
    return ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])


def summary_line(findings: Sequence[Finding], *, seconds: float) -> str:
    """Return a one-line summary, such as `2 failed, 1 warning, 31 ok in 4.2 s`."""
    return f"{counts_line(findings) or 'nothing checked'} in {seconds:.1f} s"


def by_urgency(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with the failed ones first, then the warnings; otherwise in the same order."""
    return sorted(findings, key=lambda finding: STATUSES.index(finding.status))


def render_table(findings: Sequence[Finding]) -> str:
    """Return the findings as aligned text: the failed ones first, each remedy on a separate line."""
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
    """Return the text of an error with the failed findings and their remedies."""
    failed = [finding for finding in findings if finding.status == "failed"]
    lines = [f"{len(failed)} preflight check(s) failed; nothing was submitted or written:"]
    for finding in failed:
        lines.append(f"  - {finding.check} {finding.subject}: {finding.detail}")
        if finding.remedy:
            lines.append(f"    → {finding.remedy}")
    return "\n".join([*lines, AFTERWARDS])
