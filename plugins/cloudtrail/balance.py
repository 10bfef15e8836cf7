"""The statements and the decision that prove a table complete: rows by SQL and by the log, records in files.

The balance, per log file: `log_file_records` (how many records the file holds, written on every row) = rows
in the table + rows in the quarantine that have a `record_index`. It is taken over the batches of one run, so
that its cost follows the run and not the history. Source: docs/adr/0041-balance.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cloudtrail.operators.tables import quote_name

# Driver and control plane have their own clocks; a wider window only adds batches to the check.
CLOCK_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One table with its quarantine, each at the version whose log was read.

    `rows` and `quarantine_rows` are counts by the Delta log, `since_ms` is when the run began (epoch ms).
    """

    table: str
    version: int
    rows: int
    quarantine_table: str
    quarantine_version: int
    quarantine_rows: int
    since_ms: int

    @property
    def rows_source(self) -> str:
        """The table at its version, as a FROM clause names it."""
        return f"{quote_name(self.table)} VERSION AS OF {self.version}"

    @property
    def quarantine_source(self) -> str:
        """The quarantine at its version, as a FROM clause names it."""
        return f"{quote_name(self.quarantine_table)} VERSION AS OF {self.quarantine_version}"


def count_rows(snapshot: Snapshot) -> str:
    """COUNT(*) of both tables, in one row."""
    return (
        f"SELECT (SELECT COUNT(*) FROM {snapshot.rows_source}) AS row_count, "
        f"(SELECT COUNT(*) FROM {snapshot.quarantine_source}) AS quarantined"
    )


def find_batches(snapshot: Snapshot) -> str:
    """The first and the last batch written since the run began; nulls when it wrote none."""
    since = datetime.fromtimestamp(snapshot.since_ms / 1000, UTC) - CLOCK_MARGIN
    where = f"WHERE ingested_at >= TIMESTAMP '{since:%Y-%m-%d %H:%M:%S}+00:00'"
    return (
        "SELECT MIN(batch_id) AS first_batch, MAX(batch_id) AS last_batch FROM ("
        f"SELECT batch_id FROM {snapshot.rows_source} {where} "
        f"UNION ALL SELECT batch_id FROM {snapshot.quarantine_source} {where})"
    )


def balance_files(snapshot: Snapshot, first_batch: int, last_batch: int) -> str:
    """Records and rows over the log files of these batches, and how many files do not balance."""
    where = f"batch_id BETWEEN {first_batch} AND {last_batch}"
    return (
        "SELECT COUNT(*) AS files, COALESCE(SUM(records), 0) AS records, COALESCE(SUM(kept), 0) AS kept, "
        "COALESCE(SUM(quarantined), 0) AS quarantined, "
        "COUNT_IF(records <> kept + quarantined) AS unbalanced, "
        "MIN(CASE WHEN records <> kept + quarantined THEN log_file END) AS example FROM ("
        "SELECT log_file, MAX(log_file_records) AS records, SUM(kept) AS kept, "
        "SUM(quarantined) AS quarantined "
        "FROM (SELECT log_file, log_file_records, 1 AS kept, 0 AS quarantined "
        f"FROM {snapshot.rows_source} WHERE {where} "
        "UNION ALL SELECT log_file, log_file_records, 0 AS kept, "
        "CASE WHEN record_index IS NULL THEN 0 ELSE 1 END AS quarantined "
        f"FROM {snapshot.quarantine_source} WHERE {where}) GROUP BY log_file)"
    )


def describe_run(snapshot: Snapshot, first_batch: int, last_batch: int) -> str:
    """Newest event and newest delivery of these batches, as UTC text."""
    return (
        "SELECT DATE_FORMAT(MAX(timestamp), \"yyyy-MM-dd'T'HH:mm:ss'Z'\") AS newest_event, "
        "DATE_FORMAT(MAX(delivered_at), \"yyyy-MM-dd'T'HH:mm:ss'Z'\") AS newest_delivery, "
        "CAST(MAX(UNIX_TIMESTAMP(ingested_at) - UNIX_TIMESTAMP(delivered_at)) AS BIGINT) AS slowest_seconds "
        f"FROM {snapshot.rows_source} WHERE batch_id BETWEEN {first_batch} AND {last_batch}"
    )


def quarantine_reasons(snapshot: Snapshot, first_batch: int, last_batch: int) -> str:
    """How many rows these batches put into the quarantine, per reason."""
    return (
        f"SELECT reason, COUNT(*) AS n FROM {snapshot.quarantine_source} "
        f"WHERE batch_id BETWEEN {first_batch} AND {last_batch} GROUP BY reason ORDER BY n DESC, reason"
    )


def find_mismatches(
    snapshot: Snapshot, *, row_count: int, quarantined: int, balance: Mapping[str, Any], minimum_rows: int
) -> list[str]:
    """Every count that should agree and does not, in words.

    Args:
        snapshot: what the Delta logs say.
        row_count: rows of the table by SQL.
        quarantined: rows of the quarantine by SQL.
        balance: the row of `balance_files`, as integers; empty when the run wrote nothing.
        minimum_rows: the least that the table must hold; 0 for no minimum.
    """
    problems = []
    if row_count != snapshot.rows:
        problems.append(
            f"table {snapshot.table!r} at version {snapshot.version} has {row_count} rows by COUNT(*) but "
            f"{snapshot.rows} by its Delta log"
        )
    if quarantined != snapshot.quarantine_rows:
        problems.append(
            f"table {snapshot.quarantine_table!r} at version {snapshot.quarantine_version} has {quarantined} "
            f"rows by COUNT(*) but {snapshot.quarantine_rows} by its Delta log"
        )
    if row_count < minimum_rows:
        problems.append(
            f"table {snapshot.table!r} has {row_count} rows, fewer than param minimum_rows={minimum_rows}"
        )
    if balance and balance["unbalanced"]:
        problems.append(
            f"{balance['unbalanced']} of {balance['files']} log files do not balance (records = rows + "
            f"quarantined): {balance['records']} records, {balance['kept']} rows, {balance['quarantined']} "
            f"quarantined; for example {balance['example']!r}"
        )
    return problems
