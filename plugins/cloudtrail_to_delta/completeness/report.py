"""The report of a completeness check, as Markdown. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from cloudtrail_to_delta.records.completeness import HOURS, Completeness, Gap
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
    if not any(one.gap_count or one.unchecked for one in found):
        lines.append("Every log file that the bucket lists on these days is in the tables, or is pending.")
    return "\n".join([*lines, "", *_signed(found)])


def _signed(found: Sequence[Completeness]) -> Iterator[str]:
    """Yield what CloudTrail's signatures prove."""
    asked = {one.table: one.signed for one in found if one.signed}
    if not asked:
        yield (
            "CloudTrail's signatures prove nothing here, because the ingest does not read digests. The "
            "tables were compared with S3's list only. Add `digests` to `kinds` to verify signatures."
        )
        return
    if not any(signed.as_of for signed in asked.values()):
        yield "CloudTrail's signatures prove nothing yet: no run of the ingest has verified digests."
        return
    yield "| table | by CloudTrail's signatures | hours of accounts' regions | gaps | verified at |"
    yield "|---|---|---|---|---|"
    for table, signed in asked.items():
        at = utc_text(signed.as_of) if signed.as_of else ""
        yield f"| {table} | {_counts(signed.files)} | {_counts(signed.hours)} | {signed.gap_count} | {at} |"
    yield ""
    for table, signed in asked.items():
        for gap in signed.gaps[:GAPS_SHOWN]:
            yield f"- {table}: {_gap(gap)}"
        if signed.gap_count > GAPS_SHOWN:
            yield f"- {table}: {signed.gap_count - GAPS_SHOWN} more gaps"
    if not any(signed.gap_count for signed in asked.values()):
        yield "Signed digests prove every log file since they began, as far as due."


def _gap(gap: Gap) -> str:
    if gap.state == HOURS:
        return f"{gap.files} hour(s) without a signed digest in {gap.where}: {', '.join(gap.names)} h UTC"
    names = ", ".join(f"`{name}`" for name in gap.names[:NAMES_SHOWN])
    return f"{gap.files} {gap.state} in {gap.where}: {names}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items()) or "none"
