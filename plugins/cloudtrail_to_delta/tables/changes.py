"""The commits in a Delta log that the job did not make, and which of them may have changed rows. Pure.

Only the job and approved deletions write rows. Another commit that changes rows is a mismatch, even if all
counts agree afterwards.
Source: Delta Lake, "Retrieve Delta table history", operation metrics keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from cloudtrail_to_delta.tables.batches import Mark

# Operations that change no row. Any other operation counts as a change, also one that is not known here.
HARMLESS = frozenset(
    {
        "ADD COLUMNS",
        "ADD CONSTRAINT",
        "ADD FEATURE",
        "CHANGE COLUMN",
        "CHANGE COLUMNS",
        "CLUSTER BY",
        "COMPUTE STATS",
        "CREATE TABLE",
        "DOMAIN METADATA CLEANUP",
        "DROP CONSTRAINT",
        "DROP FEATURE",
        "OPTIMIZE",
        "REORG",
        "REORG TABLE UPGRADE UNIFORM",
        "SET TABLE OWNER",
        "SET TBLPROPERTIES",
        "UNSET TBLPROPERTIES",
        "UPDATE SCHEMA",
        "UPGRADE PROTOCOL",
        "VACUUM END",
        "VACUUM START",
    }
)
# Operations that only take rows away or bring them back: their effect on the log files can be compared.
COMPARED = frozenset({"DELETE", "RESTORE", "TRUNCATE"})
# How many changes are compared, because each comparison reads a whole table. Others are only reported.
MOST_COMPARED = 10
# The `userMetadata` of a commit of a deletion begins with this. Source: `cloudtrail_jobs.deletion`.
DELETION = '{"deletion":'


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit in a Delta log. `mark` is the job's; `user` is empty if the log does not name one.

    `deletes` says that an approved deletion made it: see `operators.upkeep`.
    """

    version: int
    operation: str = ""
    user: str = ""
    restored: int | None = None
    deletes: bool = False
    mark: Mark | None = None

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Self:
        """Parse an entry of the table's history."""
        version, metadata = int(entry["version"]), entry.get("userMetadata")
        mark = Mark.parse(metadata)
        target = str((entry.get("operationParameters") or {}).get("version"))
        operation = str(entry.get("operation") or "")
        return cls(
            version=version,
            operation=operation,
            user=str(entry.get("userName") or entry.get("userId") or ""),
            restored=int(target) if operation == "RESTORE" and target.isdigit() else None,
            deletes=str(metadata or "").startswith(DELETION),
            mark=mark and replace(mark, version=version),
        )


@dataclass(frozen=True, kw_only=True)
class Change:
    """A commit of somebody else that may have changed rows.

    Attributes:
        table: the table's name.
        version: the version that the commit made.
        compared: whether comparing the log files before and after shows all that it did.
    """

    table: str
    version: int
    operation: str
    user: str = ""
    compared: bool = False

    @property
    def text(self) -> str:
        """The change in words."""
        by = f" by {self.user}" if self.user else ""
        return f"{self.operation or 'an unnamed operation'}{by} made version {self.version} of {self.table!r}"


def foreign_commits(commits: Sequence[Commit], *, after: int) -> list[Commit]:
    """Return the commits of others after a version that may have changed rows, oldest first.

    The commit of version 0 made the table, so it changed nothing.
    """
    found = (
        commit
        for commit in commits
        if commit.version > max(after, 0)
        and commit.mark is None
        and not commit.deletes
        and commit.operation not in HARMLESS
    )
    return sorted(found, key=lambda commit: commit.version)


def changes_of(table: str, foreign: Sequence[Commit]) -> list[Change]:
    """Return what these commits changed, without what a later RESTORE has undone."""
    return [
        Change(
            table=table,
            version=commit.version,
            operation=commit.operation,
            user=commit.user,
            compared=commit.operation in COMPARED and place < MOST_COMPARED,
        )
        for place, commit in enumerate(foreign)
        if not any(
            later.restored is not None and later.restored < commit.version < later.version
            for later in foreign
        )
    ]
