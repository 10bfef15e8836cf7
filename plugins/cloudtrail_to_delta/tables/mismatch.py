"""What is wrong with the log files in the tables, in words, and the code by which a person accepts it. Pure.

The balance of the log files (`balance.balance_files`) and the commits of others (`changes`) show it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudtrail_to_delta.tables.changes import Change

# Changes of others that an error names.
SHOWN_CHANGES = 20


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """What is wrong.

    Attributes:
        problems: a sentence for each problem, with counts.
        summary: the same in one sentence without counts that change from run to run.
        code: what a person gives as `accept_mismatch` to accept exactly these log files and changes.
    """

    problems: Sequence[str]
    summary: str
    code: str


def find_mismatch(
    table: str, balance: Mapping[str, Any], changes: Sequence[Change], compared: Mapping[str, Any]
) -> Mismatch | None:
    """Return what is wrong with the log files, None if all is well.

    Args:
        table: the table's name.
        balance: the rows of `balance_files` and `find_reloaded`; empty without new batches.
        changes: the commits of others that may have changed rows.
        compared: the row of `compare_files`. If it is empty, the version before the changes cannot be read.
    """
    problems, summaries, key = [], [], []
    names = list(json.loads(balance.get("names") or "[]"))
    if unbalanced := int(balance.get("unbalanced") or 0):
        problems.append(
            f"{unbalanced} of {balance['files']} log files do not balance (records = rows + quarantined + "
            f"removed + deleted): {balance['records']} records, {balance['kept']} rows, "
            f"{balance['quarantined']} quarantined, {balance['removed']} removed as duplicates, "
            f"{balance['deleted']} deleted: {_listed(names, unbalanced)}"
        )
        if missing := int(balance.get("missing") or 0):
            problems.append(f"{missing} of them were deleted before the job could read them (missing_file)")
        summaries.append(f"{unbalanced} log files do not balance in {table!r}: {_listed(names, unbalanced)}")
        key += ["unbalanced", str(unbalanced), *names]
    if doubled := max(int(balance.get("doubled") or 0), int(balance.get("reloaded") or 0)):
        problems.append(
            f"{doubled} log files have more rows in {table!r} than records; this happens if a checkpoint was "
            "lost and its files were read again. To restore the table, see docs/operations/validate_rows.md"
        )
        summaries.append(f"{doubled} log files have more rows in {table!r} than records")
        key += ["doubled", str(doubled)]
    if told := _told(changes, compared):
        sentence = "somebody other than the job changed rows: " + "; ".join(told)
        problems.append(sentence)
        summaries.append(sentence)
        key += ["changed", *told]
    if not problems:
        return None
    code = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:12]
    return Mismatch(problems=problems, summary="; ".join(summaries), code=code)


def _told(changes: Sequence[Change], compared: Mapping[str, Any]) -> list[str]:
    """Return the changes in words; none if all of them can be compared and no log file is affected."""
    changed = int(compared.get("changed") or 0)
    if not changes or (compared and not changed and all(change.compared for change in changes)):
        return []
    told = [change.text for change in changes[:SHOWN_CHANGES]]
    if len(changes) > SHOWN_CHANGES:
        told.append(f"and {len(changes) - SHOWN_CHANGES} more commits")
    if not compared and any(change.compared for change in changes):
        told.append("the version before can no longer be read, so the log files cannot be named")
    elif changed:
        names = _listed(json.loads(compared["names"]), changed)
        told.append(f"since then {changed} log files do not balance: {names}")
    return told


def _listed(names: Sequence[str], found: int) -> str:
    more = f" and {found - len(names)} more" if found > len(names) else ""
    return ", ".join(repr(name) for name in names) + more
