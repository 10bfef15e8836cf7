"""The text of a digest. Values come from the callers of the API, so they are code, never Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from cloudtrail_to_delta.digest.queries import SHOWN, TOTAL, DigestTable

CELL_LIMIT = 120
SECTIONS = {
    "root": "Root use",
    "no_mfa": "Console sign-ins without MFA",
    "denied": "Denied calls by principal",
    "region": "Regions not used in the previous 30 days",
    "insight": "Insights that began",
}


def render_digest(
    day: date, tables: Sequence[DigestTable], answers: Iterable[Sequence[Mapping[str, Any]]]
) -> str:
    """Return the digest as Markdown: a section per query, and which tables may not have the whole day yet."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for answer in answers:
        for row in answer:
            rows.setdefault(str(row["section"]), []).append(row)
    events = sum(int(row["n"]) for row in rows.get(TOTAL, []))
    lines = [f"# CloudTrail digest of {day}", "", f"{events:,} events in {len(tables)} tables."]
    lines += [
        f"- {code(table.name)} had events up to {table.newest_event or 'an unknown time'} when it was last "
        "written: the day may not be complete."
        for table in tables
        if table.kind == "events" and table.newest_event < f"{day + timedelta(days=1)}"
    ]
    for section, title in SECTIONS.items():
        lines += ["", f"## {title}", "", *_section(rows.get(section, []))]
    return "\n".join(lines)


def code(value: Any) -> str:
    """Return a value as inline code for a table's cell: nothing in it is a link, a mention or a column."""
    text = re.sub(r"[\x00-\x1f\x7f]+", " ", str(value or "")).replace("`", "'").replace("|", "¦").strip()
    text = text if len(text) <= CELL_LIMIT else f"{text[: CELL_LIMIT - 1]}…"
    return f"`{text}`" if text else ""


def _section(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return ["None."]
    found = sum({(row["table"]): int(row["found"]) for row in rows}.values())
    shown = sorted(rows, key=lambda row: (-int(row["n"]), str(row["account"]), str(row["what"])))[:SHOWN]
    lines = ["| account | what | detail | times |", "|---|---|---|---|"]
    lines += [
        f"| {code(r['account'])} | {code(r['what'])} | {code(r['detail'])} | {int(r['n']):,} |" for r in shown
    ]
    if found > len(shown):
        lines += ["", f"… and {found - len(shown)} more."]
    return lines
