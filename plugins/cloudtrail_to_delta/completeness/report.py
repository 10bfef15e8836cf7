"""The report of a completeness check, as Markdown. Pure."""

from collections.abc import Sequence

from cloudtrail_to_delta.records.completeness import Completeness
from cloudtrail_to_delta.records.fields import utc_text

# How many gaps of a table, and how many names of a gap, the report lists.
GAPS_SHOWN = 50
NAMES_SHOWN = 3


def render(found: Sequence[Completeness]) -> str:
    """Return a row for each table, then its gaps."""
    lines = [
        "| table | days compared | in the bucket and in the table | pending | no longer in the bucket "
        "| gaps | LIST requests | at |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in found:
        files = one.files
        lines.append(
            f"| {one.table} | {len(one.days)} | {files.get('held', 0)} | {files.get('pending', 0)} | "
            f"{files.get('gone', 0)} | {one.gap_count} | {one.requests} | "
            f"{utc_text(one.checked_at) if one.checked_at else ''} |"
        )
    lines.append("")
    for one in found:
        if one.unchecked:
            lines.append(f"- {one.table}: {one.unchecked} days were not compared: raise `list_requests`")
        for gap in one.gaps[:GAPS_SHOWN]:
            names = ", ".join(f"`{name}`" for name in gap.names[:NAMES_SHOWN])
            more = f" and {gap.files - NAMES_SHOWN} more" if gap.files > NAMES_SHOWN else ""
            lines.append(f"- {one.table}: {gap.files} {gap.state} in {gap.where}: {names}{more}")
        if one.gap_count > GAPS_SHOWN:
            lines.append(f"- {one.table}: {one.gap_count - GAPS_SHOWN} more gaps")
    if all(one.is_complete for one in found):
        lines.append("Every log file that the bucket lists on these days is in the tables, or is pending.")
    return "\n".join(lines)
