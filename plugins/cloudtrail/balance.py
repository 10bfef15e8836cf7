"""The statements and the decision that prove a table complete: rows by SQL and by the log, records in files.

The balance, per log file: `log_file_records` (how many records the file holds, written on every row) = rows
in the table + records in the quarantine + records removed as duplicates. It is taken over the batches of one
run, so that its cost follows the run and not the history. Source: docs/adr/0041-balance.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cloudtrail.queries import drift_query, episodes_query, files_query
from cloudtrail.sql import quote_name

# Driver and control plane have their own clocks; a wider window only adds batches to the check.
CLOCK_MARGIN = timedelta(minutes=5)
# A run's summary names this many odd fields; the view `<table>_schema_drift` has them all.
SHOWN_FIELDS = 20
# A run tells of this many new insights; the view `<table>_episodes` has them all.
SHOWN_INSIGHTS = 20
# How far back the newest log file is looked for when a run has written nothing.
RECENT_DAYS = 14
# Its regions and the newest hours of delivery, and its insights, as far as a page shows them.
SHOWN_PLACES = 200
SHOWN_EPISODES = 100
_MOMENT = "\"yyyy-MM-dd'T'HH:mm:ss'Z'\""
# A stream's batches are numbered within such a block: each month has one where it has a stream of its own.
BLOCK = 1_000_000
# The first and the last batch of each stream that a run has written, the most recently written one last.
Batches = Sequence[tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One table with its quarantine, each at the version whose log was read.

    `rows` and `quarantine_rows` are counts by the Delta log, `since_ms` is when the run began (epoch ms).
    """

    kind: str
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

    @property
    def since(self) -> str:
        """When the run began, less a margin, as a SQL literal."""
        moment = datetime.fromtimestamp(self.since_ms / 1000, UTC) - CLOCK_MARGIN
        return f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}+00:00'"

    def of_batches(self, batches: Batches) -> str:
        """The run's rows, as a condition. An earlier run may have written half of a stream's first batch."""
        ranges = (
            f"batch_id BETWEEN {first} AND {last} AND (ingested_at >= {self.since} OR batch_id = {first})"
            for first, last in batches
        )
        return "(" + " OR ".join(ranges) + ")"


def count_rows(snapshot: Snapshot) -> str:
    """COUNT(*) of both tables, in one row; `removed` is how many of the quarantine's rows are duplicates."""
    return (
        f"SELECT (SELECT COUNT(*) FROM {snapshot.rows_source}) AS row_count, "
        f"(SELECT COUNT(*) FROM {snapshot.quarantine_source}) AS quarantined, "
        f"(SELECT COUNT(*) FROM {snapshot.quarantine_source} WHERE reason = 'duplicate') AS removed"
    )


def find_batches(snapshot: Snapshot) -> str:
    """The first and the last batch of each stream written since the run began; no row when it wrote none."""
    where = f"WHERE ingested_at >= {snapshot.since}"
    return (
        "SELECT MIN(batch_id) AS first_batch, MAX(batch_id) AS last_batch FROM ("
        f"SELECT batch_id, ingested_at FROM {snapshot.rows_source} {where} "
        f"UNION ALL SELECT batch_id, ingested_at FROM {snapshot.quarantine_source} {where}) "
        f"GROUP BY batch_id DIV {BLOCK} ORDER BY MAX(ingested_at)"
    )


def balance_files(snapshot: Snapshot, batches: Batches) -> str:
    """Records and rows over the log files of these batches, how many do not balance, and whose they are."""
    where = snapshot.of_batches(batches)
    files = files_query(snapshot.kind, snapshot.rows_source, snapshot.quarantine_source, where)
    sums = ", ".join(
        f"COALESCE(SUM({name}), 0) AS {name}" for name in ("records", "kept", "quarantined", "removed")
    )
    return (
        f"SELECT COUNT(*) AS files, {sums}, COUNT_IF(NOT balanced) AS unbalanced, "
        "COUNT_IF(kept > records) AS doubled, MIN(CASE WHEN NOT balanced THEN log_file END) AS example, "
        "ARRAY_JOIN(SORT_ARRAY(COLLECT_SET(account)), ' ') AS accounts "
        f"FROM ({files})"
    )


def describe_run(snapshot: Snapshot, batches: Batches) -> str:
    """Newest event and newest delivery of these batches, as UTC text."""
    return (
        f"SELECT DATE_FORMAT(MAX(timestamp), {_MOMENT}) AS newest_event, "
        f"DATE_FORMAT(MAX(delivered_at), {_MOMENT}) AS newest_delivery, "
        "CAST(MAX(UNIX_TIMESTAMP(ingested_at) - UNIX_TIMESTAMP(delivered_at)) AS BIGINT) AS slowest_seconds "
        f"FROM {snapshot.rows_source} WHERE {snapshot.of_batches(batches)}"
    )


def find_drift(snapshot: Snapshot, batches: Batches) -> str:
    """Fields without a column and values that do not fit theirs, in these batches; the most frequent ones."""
    where = snapshot.of_batches(batches)
    return (
        f"SELECT field, problem, DATE_FORMAT(first_seen, {_MOMENT}) AS first_seen, "
        "records, example, COUNT(*) OVER () AS fields "
        f"FROM ({drift_query(snapshot.rows_source, where)}) ORDER BY records DESC, field LIMIT {SHOWN_FIELDS}"
    )


def quarantine_reasons(snapshot: Snapshot, batches: Batches) -> str:
    """What these batches put into the quarantine, per reason: how many rows, the first and the last."""
    fields = ("log_file", "record_index", "detail")
    ends = ", ".join(f"{end}.{name} AS {end}_{name}" for end in ("first", "last") for name in fields)
    place = f"STRUCT(ingested_at, {', '.join(fields)})"
    return (
        f"SELECT reason, n, {ends} FROM (SELECT reason, COUNT(*) AS n, MIN({place}) AS first, "
        f"MAX({place}) AS last FROM {snapshot.quarantine_source} WHERE {snapshot.of_batches(batches)} "
        "GROUP BY reason) ORDER BY n DESC, reason"
    )


def count_deliveries(snapshot: Snapshot, batches: Batches) -> str:
    """Log files and rows of these batches, per region of the path and per hour of delivery.

    A row has one of `region` and `hour`, all regions come first and then the newest hours.
    """
    where = snapshot.of_batches(batches)
    return (
        f"SELECT region, DATE_FORMAT(hour, {_MOMENT}) AS hour, COUNT(*) AS files, SUM(kept) AS kept, "
        f"DATE_FORMAT(MAX(delivered_at), {_MOMENT}) AS newest_delivery FROM ("
        "SELECT REGEXP_EXTRACT(log_file, '/[0-9]{12}/CloudTrail[A-Za-z-]*/([a-z0-9-]+)/', 1) AS region, "
        "DATE_TRUNC('HOUR', MAX(delivered_at)) AS hour, MAX(delivered_at) AS delivered_at, "
        "SUM(kept) AS kept FROM ("
        f"SELECT log_file, delivered_at, 1 AS kept FROM {snapshot.rows_source} WHERE {where} UNION ALL "
        f"SELECT log_file, delivered_at, 0 AS kept FROM {snapshot.quarantine_source} WHERE {where}) "
        "GROUP BY log_file) GROUP BY GROUPING SETS ((region), (hour)) "
        f"ORDER BY hour DESC NULLS FIRST, region LIMIT {SHOWN_PLACES}"
    )


def find_episodes(snapshot: Snapshot, batches: Batches) -> str:
    """The insights whose records these batches have; one's Start and End may be in different runs."""
    found = episodes_query(snapshot.rows_source, snapshot.of_batches(batches))
    moments = ", ".join(f"DATE_FORMAT({name}, {_MOMENT}) AS {name}" for name in ("started_at", "ended_at"))
    return (
        "SELECT shared_event_id, account, region, insight_type, event_source, event_name, error_code, "
        f"{moments}, baseline, peak FROM ({found}) "
        f"ORDER BY COALESCE(ended_at, started_at) DESC LIMIT {SHOWN_EPISODES}"
    )


def find_new_insights(snapshot: Snapshot, batches: Batches) -> str:
    """The insights whose Start is in these batches, the newest ones; `found` is how many there are."""
    statistics = "insightDetails.insightContext.statistics"
    return (
        "SELECT sharedEventID AS shared_event_id, MAX(recipientAccountId) AS account, "
        "MAX(awsRegion) AS region, MAX(insightDetails.insightType) AS insight_type, "
        "MAX(insightDetails.eventSource) AS event_source, "
        "MAX(insightDetails.eventName) AS event_name, MAX(insightDetails.errorCode) AS error_code, "
        f"DATE_FORMAT(MIN(timestamp), {_MOMENT}) AS started_at, "
        f"MAX({statistics}.insight.average) AS rate, MAX({statistics}.baseline.average) AS baseline, "
        f"COUNT(*) OVER () AS found FROM {snapshot.rows_source} "
        "WHERE insightDetails.state = 'Start' AND sharedEventID IS NOT NULL "
        f"AND {snapshot.of_batches(batches)} "
        f"GROUP BY sharedEventID ORDER BY started_at DESC, shared_event_id LIMIT {SHOWN_INSIGHTS}"
    )


def find_newest_file(snapshot: Snapshot, batches: Batches) -> str:  # noqa: ARG001 - asked as others are
    """When the table's newest log file of the last days was delivered, as UTC text; null when there is none.

    It is the table's, whatever the batches of the run: these may hold old files alone.
    """
    since = datetime.fromtimestamp(snapshot.since_ms / 1000, UTC) - timedelta(days=RECENT_DAYS)
    where = f"WHERE date >= DATE '{since:%Y-%m-%d}'"
    return (
        f"SELECT DATE_FORMAT(MAX(delivered_at), {_MOMENT}) AS newest_file FROM ("
        f"SELECT delivered_at FROM {snapshot.rows_source} {where} "
        f"UNION ALL SELECT delivered_at FROM {snapshot.quarantine_source} {where})"
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
            f"quarantined + removed): {balance['records']} records, {balance['kept']} rows, "
            f"{balance['quarantined']} quarantined, {balance['removed']} removed as duplicates; for example "
            f"{balance['example']!r}"
        )
    if balance and balance["doubled"]:
        problems.append(
            f"{balance['doubled']} log files have more rows in {snapshot.table!r} than records, as when a "
            "checkpoint was deleted and its files were read again; param duplicates=remove prevents it"
        )
    return problems
