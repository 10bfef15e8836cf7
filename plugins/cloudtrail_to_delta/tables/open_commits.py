"""What a validation has to check: every commit since the last one that succeeded, by version. Pure.

No clock selects a batch, and no run is left out because it failed before its validation.
Source: docs/adr/0031-validation-never-forgets.md.
"""

from dataclasses import dataclass, field, replace

from cloudtrail_to_delta.records.validated import Validated
from cloudtrail_to_delta.tables.batches import Times, Versions, micros_of, moment_of
from cloudtrail_to_delta.tables.changes import Change, changes_of, foreign_commits
from cloudtrail_to_delta.tables.delta_log import History

GAP = (
    "the Delta logs no longer have all commits since the last validation; the log files in between were "
    "identified by the time at which they were read"
)
FORGOTTEN = (
    "no earlier validation of these tables is known, so this one began at the oldest commit in their Delta "
    "logs; earlier log files were not checked again"
)


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The two tables at the versions that are read: their names, ids and versions."""

    table: str
    quarantine: str
    table_id: str
    quarantine_id: str
    version: int
    quarantine_version: int


@dataclass(frozen=True, kw_only=True)
class OpenCommits:
    """What to check.

    Attributes:
        times: when the batches to check were read.
        newest: when the newest batch was read, if it may still be between its two commits.
        begun: see `batches.Written`.
        changes: the commits of others that may have changed rows.
        before: the tables and their versions before those changes whose effect can be compared.
        reached: how far the tables are validated if the batches in `times` balance.
        reached_with_newest: the same if the newest batch balances too.
        remarks: what a person should know, in sentences.
    """

    times: Times
    newest: Times
    begun: list[tuple[int, int]]
    reached: Validated
    reached_with_newest: Validated
    changes: list[Change] = field(default_factory=list)
    before: list[tuple[str, int]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def open_commits(
    history: History, tables: Tables, known: Validated | None, *, run: str, unfinished: bool
) -> OpenCommits:
    """Return what to check.

    Args:
        history: the commits of both logs, at least those since `known`.
        tables: the tables at the versions that are read.
        known: the newest validation that succeeded.
        run: the DAG run whose batches are checked in any case.
        unfinished: whether this run still writes.
    """
    after = (known.version, known.quarantine_version) if known else (-1, -1)
    written = history.marks.since(*after, run, unfinished=unfinished)
    read = [mark.ingested_at for mark in (*history.marks.table, *history.marks.quarantine)]
    gap = _gap(history, known, min(read, default=0))
    foreign = (
        foreign_commits(history.table, after=after[0]),
        foreign_commits(history.quarantine, after=after[1]),
    )
    changes = [*changes_of(tables.table, foreign[0]), *changes_of(tables.quarantine, foreign[1])]
    everything = Validated(
        table_id=tables.table_id,
        quarantine_id=tables.quarantine_id,
        version=tables.version,
        quarantine_version=tables.quarantine_version,
        read_until=moment_of(max([*read, _read_until(known)])) if read or known else None,
    )
    reached = _before(everything, written.unread)
    remarks = [GAP] if gap else []
    if known is None and not history.marks.complete:
        remarks.append(FORGOTTEN)
    return OpenCommits(
        times=[*gap, *written.times],
        newest=written.newest,
        begun=written.begun,
        changes=changes,
        before=[(change.table, change.version - 1) for change in changes if change.compared],
        reached=_before(reached, written.unfinished),
        reached_with_newest=reached,
        remarks=remarks,
    )


def _gap(history: History, known: Validated | None, oldest: int) -> Times:
    """Return when the batches were read whose commits the logs no longer have."""
    if known is None:
        return []
    for commits, version in ((history.table, known.version), (history.quarantine, known.quarantine_version)):
        if commits and min(commit.version for commit in commits) > version + 1:
            first = _read_until(known) + 1
            return [(first, oldest - 1)] if oldest > first else []
    return []


def _read_until(known: Validated | None) -> int:
    """Return when the newest validated batch was read, in microseconds since 1970; 0 without one."""
    return micros_of(known.read_until) if known and known.read_until else 0


def _before(validated: Validated, versions: Versions) -> Validated:
    """Return the validation up to before these versions."""
    table, quarantine = versions
    return replace(
        validated,
        version=validated.version if table is None else min(validated.version, table - 1),
        quarantine_version=(
            validated.quarantine_version
            if quarantine is None
            else min(validated.quarantine_version, quarantine - 1)
        ),
    )
