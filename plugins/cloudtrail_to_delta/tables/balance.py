"""The SQL statements and the comparison that prove that a table is complete.

They compare the rows by SQL with the rows in the Delta log, and the rows with the records in the log files.
Each log file must balance: `log_file_records` (the number of records in the file, stored in every row) = rows
in the table + records in the quarantine + records removed as duplicates + records deleted on purpose. Only
the micro-batches of one run are checked (`cloudtrail_to_delta.tables.batches`), so the cost depends on the
run and not on the history.
Source: docs/adr/0013-completeness.md.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cloudtrail_to_delta.tables.batches import Times
from cloudtrail_to_delta.tables.queries import DELETED, drift_query, episodes_query, files_query
from cloudtrail_to_delta.tables.sql import quote_name

# An error names this many log files; the view `<table>_files` has all of them.
SHOWN_FILES = 20
# A run's summary lists this many odd fields; the view `<table>_schema_drift` has all of them.
SHOWN_FIELDS = 20
# A run reports this many new insights; the view `<table>_episodes` has all of them.
SHOWN_INSIGHTS = 20
# The region in a log file's path.
_REGION = "REGEXP_EXTRACT(log_file, '/[0-9]{12}/CloudTrail[A-Za-z-]*/([a-z0-9-]+)/', 1)"
# How far back to look for the newest log file if a run has written nothing.
RECENT_DAYS = 14
# How many regions and hours of delivery, and how many insights, the table's page shows.
SHOWN_PLACES = 200
SHOWN_EPISODES = 100
# The columns of answers that are moments. SQL returns them as seconds since 1970, because text would be in
# the session's time zone, which is a setting of the warehouse.
MOMENTS = (
    "ended_at",
    "first_seen",
    "hour",
    "newest_delivery",
    "newest_event",
    "newest_file",
    "started_at",
)


def _names(condition: str) -> str:
    """Return the aggregate with the first log files under a condition, as a JSON list."""
    return (
        f"TO_JSON(SLICE(SORT_ARRAY(COLLECT_LIST(CASE WHEN {condition} THEN log_file END)), 1, {SHOWN_FILES}))"
    )


# The figures of a balance, each with its aggregate over the rows of `files_query`.
FIGURES = {
    "files": "COUNT(*)",
    **{
        name: f"COALESCE(SUM({name}), 0)" for name in ("records", "kept", "quarantined", "removed", "deleted")
    },
    "unbalanced": "COUNT_IF(NOT balanced)",
    "missing": "COUNT_IF(whole_file_reason = 'missing_file' AND loads = 0)",
    "doubled": "COUNT_IF(kept > records)",
}
_BALANCE = ", ".join(
    f"{aggregate} AS {name}"
    for name, aggregate in {
        **FIGURES,
        "names": _names("NOT balanced"),
        "accounts": "ARRAY_JOIN(SORT_ARRAY(COLLECT_SET(account)), ' ')",
    }.items()
)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A table and its quarantine, each at the version whose log was read.

    `rows` and `quarantine_rows` are counts from the Delta log. `since_ms` is when the run began (epoch ms).
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


def ask_together(queries: Mapping[str, str]) -> str:
    """Return one statement for several queries, by name: each statement costs a warehouse time of its own.

    Each row has the name of its query, and its columns as JSON. `split_answer` takes them apart.
    """
    return " UNION ALL ".join(
        f"SELECT '{name}' AS query, TO_JSON(STRUCT(*), MAP('ignoreNullFields', 'false')) AS found "
        f"FROM ({query})"
        for name, query in queries.items()
    )


def split_answer(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return name → rows of each query of `ask_together`, as its own statement would have returned them.

    A query without rows is missing. Numbers are text, as in the answers of Databricks. A UNION does not keep
    the order of the rows, so a query whose order matters has the column `place`.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        columns = json.loads(row["found"], parse_int=str, parse_float=str)
        found.setdefault(row["query"], []).append(columns)
    return {name: sorted(them, key=lambda one: int(one.pop("place", 0))) for name, them in found.items()}


def _in_order(query: str, order: str, *, limit: int | None = None) -> str:
    """Return the query for the rows in an order, each with its `place`, or only for the first of them."""
    placed = f"SELECT *, ROW_NUMBER() OVER (ORDER BY {order}) AS place FROM ({query})"
    return f"SELECT * FROM ({placed}) WHERE place <= {limit}" if limit else placed


def count_rows(snapshot: Snapshot) -> str:
    """Return the query for COUNT(*) of both tables; `removed` and `deleted` count rows of the quarantine."""
    return (
        "SELECT row_count, quarantined, removed, deleted "
        f"FROM (SELECT COUNT(*) AS row_count FROM {snapshot.rows_source}) CROSS JOIN ("
        "SELECT COUNT(*) AS quarantined, COUNT_IF(reason = 'duplicate') AS removed, "
        f"COUNT_IF(reason IN {DELETED}) AS deleted FROM {snapshot.quarantine_source})"
    )


def read_at(times: Times) -> str:
    """Return the condition for the rows that were read at these times."""
    ranges = (f"ingested_at BETWEEN {_literal(first)} AND {_literal(last)}" for first, last in times)
    return "(" + " OR ".join(ranges) + ")"


def _literal(micros: int) -> str:
    """Return a moment as a SQL literal that does not depend on the time zone."""
    moment = datetime.fromtimestamp(micros // 1_000_000, UTC)
    return f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}.{micros % 1_000_000:06}+00:00'"


def with_moments(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of an answer with its moments as UTC text."""
    return {
        name: f"{datetime.fromtimestamp(int(value), UTC):%Y-%m-%dT%H:%M:%SZ}"
        if name in MOMENTS and value is not None
        else value
        for name, value in row.items()
    }


def balance_files(snapshot: Snapshot, times: Times) -> str:
    """Return the query for these batches' log files: counts, files that do not balance, accounts."""
    return f"SELECT {_BALANCE} FROM ({_files(snapshot, times)})"


def describe_files(snapshot: Snapshot, times: Times) -> str:
    """Return the same query, and then also per region and per hour of delivery.

    The first row is that of all files. Each other row has either `region` (from the path) or `hour`: all
    regions come first, then the newest hours. Without any file there is no row.
    """
    found = (
        f"SELECT region, hour, {_BALANCE}, UNIX_SECONDS(MAX(delivered_at)) AS newest_delivery, "
        "GROUPING_ID() AS level FROM ("
        "SELECT *, UNIX_SECONDS(delivered_at) DIV 3600 * 3600 AS hour "
        f"FROM ({_files(snapshot, times)})) GROUP BY GROUPING SETS ((), (region), (hour))"
    )
    # Level 3 has neither, 1 has the region, 2 has the hour.
    order = "CASE level WHEN 3 THEN 0 ELSE level END, hour DESC, region"
    return _in_order(found, order, limit=1 + SHOWN_PLACES)


def _files(snapshot: Snapshot, times: Times) -> str:
    return files_query(snapshot.kind, snapshot.rows_source, snapshot.quarantine_source, read_at(times))


def compare_files(snapshot: Snapshot, before: Sequence[tuple[str, int]]) -> str:
    """Return the query for the log files that lost or gained rows since then and do not balance.

    It reads all of both tables, so it runs only after somebody else has changed rows. A log file that was
    repaired since then balances, and is not in the result.

    Args:
        snapshot: the tables at their versions.
        before: tables (one of the two) and their versions before a change.
    """
    was = " UNION ALL ".join(
        f"SELECT log_file, {table == snapshot.table} AS is_table, COUNT(record_index) AS n "
        f"FROM {quote_name(table)} VERSION AS OF {version} GROUP BY log_file"
        for table, version in before
    )
    later = files_query(snapshot.kind, snapshot.rows_source, snapshot.quarantine_source)
    rows = "CASE WHEN was.is_table THEN later.kept ELSE later.quarantined + later.removed + later.deleted END"
    return (
        f"SELECT COUNT(*) AS changed, {_names('TRUE')} AS names FROM (SELECT DISTINCT was.log_file "
        f"FROM ({was}) was LEFT JOIN ({later}) later ON later.log_file = was.log_file "
        f"WHERE later.log_file IS NULL OR (NOT later.balanced AND was.n <> {rows}))"
    )


def balance_newest(snapshot: Snapshot, times: Times) -> str:
    """Return the same query for a stream's newest batch, which may still be written."""
    return balance_files(snapshot, times)


def find_reloaded(snapshot: Snapshot, times: Times, *, begun: Times) -> str:
    """Return the query for how many of the run's log files have rows of an earlier load.

    This happens if a checkpoint was lost. Only batches with the numbers of the streams that the run has begun
    are checked; see `cloudtrail_to_delta.tables.batches.Written`.
    """
    numbers = " OR ".join(f"batch_id BETWEEN {first} AND {last}" for first, last in begun)
    return (
        f"SELECT COUNT(DISTINCT log_file) AS reloaded FROM {snapshot.rows_source} "
        f"WHERE ({numbers}) AND NOT {read_at(times)} AND log_file IN "
        f"(SELECT log_file FROM {snapshot.rows_source} WHERE {read_at(times)})"
    )


def describe_run(snapshot: Snapshot, times: Times) -> str:
    """Return the query for the newest event and newest delivery of these batches, and the slowest file."""
    return (
        "SELECT UNIX_SECONDS(MAX(timestamp)) AS newest_event, "
        "UNIX_SECONDS(MAX(delivered_at)) AS newest_delivery, "
        "CAST(MAX(UNIX_TIMESTAMP(ingested_at) - UNIX_TIMESTAMP(delivered_at)) AS BIGINT) AS slowest_seconds "
        f"FROM {snapshot.rows_source} WHERE {read_at(times)}"
    )


def find_drift(snapshot: Snapshot, times: Times) -> str:
    """Return the query for the most frequent unknown fields and misfits of these batches.

    An unknown field has no column; the value of a misfit does not fit its column.
    """
    where = read_at(times)
    found = (
        "SELECT field, problem, UNIX_SECONDS(first_seen) AS first_seen, records, example, "
        f"COUNT(*) OVER () AS fields FROM ({drift_query(snapshot.rows_source, where)})"
    )
    return _in_order(found, "records DESC, field, problem", limit=SHOWN_FIELDS)


def quarantine_reasons(snapshot: Snapshot, times: Times) -> str:
    """Return the query for these batches' quarantine rows per reason: the count, the first and the last.

    Rows that a deletion has left are not included.
    """
    fields = ("log_file", "record_index", "detail")
    ends = ", ".join(f"{end}.{name} AS {end}_{name}" for end in ("first", "last") for name in fields)
    place = f"STRUCT(ingested_at, {', '.join(fields)})"
    found = (
        f"SELECT reason, n, {ends} FROM (SELECT reason, COUNT(*) AS n, MIN({place}) AS first, "
        f"MAX({place}) AS last FROM {snapshot.quarantine_source} WHERE {read_at(times)} "
        f"AND reason NOT IN {DELETED} GROUP BY reason)"
    )
    return _in_order(found, "n DESC, reason")


def find_known(snapshot: Snapshot, since: int) -> str:
    """Return the query for the newest event and newest delivery of each region.

    Args:
        snapshot: the tables at their versions.
        since: count rows that were read since then, in microseconds since 1970; 0 for all rows.
    """
    where = f"WHERE ingested_at >= {_literal(since)}" if since else ""
    found = (
        "SELECT region, UNIX_SECONDS(MAX(timestamp)) AS newest_event, "
        "UNIX_SECONDS(MAX(delivered_at)) AS newest_delivery FROM ("
        f"SELECT {_REGION} AS region, timestamp, delivered_at FROM {snapshot.rows_source} {where} UNION ALL "
        f"SELECT {_REGION} AS region, CAST(NULL AS TIMESTAMP) AS timestamp, delivered_at "
        f"FROM {snapshot.quarantine_source} {where}) GROUP BY region"
    )
    return _in_order(found, "region", limit=SHOWN_PLACES)


def find_episodes(snapshot: Snapshot, times: Times) -> str:
    """Return the query for the insights in these batches; Start and End may be in different runs."""
    found = episodes_query(snapshot.rows_source, read_at(times))
    moments = ", ".join(f"UNIX_SECONDS({name}) AS {name}" for name in ("started_at", "ended_at"))
    shown = (
        "SELECT shared_event_id, account, region, insight_type, event_source, event_name, error_code, "
        f"{moments}, baseline, peak FROM ({found})"
    )
    return _in_order(shown, "COALESCE(ended_at, started_at) DESC, shared_event_id", limit=SHOWN_EPISODES)


def find_new_insights(snapshot: Snapshot, times: Times) -> str:
    """Return the query for the newest insights that start in these batches; `found` is their total number."""
    statistics = "insightDetails.insightContext.statistics"
    found = (
        "SELECT sharedEventID AS shared_event_id, MAX(recipientAccountId) AS account, "
        "MAX(awsRegion) AS region, MAX(insightDetails.insightType) AS insight_type, "
        "MAX(insightDetails.eventSource) AS event_source, "
        "MAX(insightDetails.eventName) AS event_name, MAX(insightDetails.errorCode) AS error_code, "
        "UNIX_SECONDS(MIN(timestamp)) AS started_at, "
        f"MAX({statistics}.insight.average) AS rate, MAX({statistics}.baseline.average) AS baseline, "
        f"COUNT(*) OVER () AS found FROM {snapshot.rows_source} "
        "WHERE insightDetails.state = 'Start' AND sharedEventID IS NOT NULL "
        f"AND {read_at(times)} "
        "GROUP BY sharedEventID"
    )
    return _in_order(found, "started_at DESC, shared_event_id", limit=SHOWN_INSIGHTS)


def find_newest_file(snapshot: Snapshot) -> str:
    """Return the query for when the newest log file of the last days was delivered; null for none."""
    since = datetime.fromtimestamp(snapshot.since_ms / 1000, UTC) - timedelta(days=RECENT_DAYS)
    where = f"WHERE date >= DATE '{since:%Y-%m-%d}'"
    return (
        "SELECT UNIX_SECONDS(MAX(delivered_at)) AS newest_file FROM ("
        f"SELECT delivered_at FROM {snapshot.rows_source} {where} "
        f"UNION ALL SELECT delivered_at FROM {snapshot.quarantine_source} {where})"
    )


def find_miscounts(snapshot: Snapshot, *, row_count: int, quarantined: int, minimum_rows: int) -> list[str]:
    """Return a sentence for every count of all rows that should agree but does not.

    Args:
        snapshot: what the Delta logs say.
        row_count: rows of the table by SQL.
        quarantined: rows of the quarantine by SQL.
        minimum_rows: the minimum number of rows in the table; 0 for no minimum.
    """
    problems = []
    if row_count != snapshot.rows:
        problems.append(
            f"table {snapshot.table!r} at version {snapshot.version} has {row_count} rows by COUNT(*) but "
            f"{snapshot.rows} in its Delta log"
        )
    if quarantined != snapshot.quarantine_rows:
        problems.append(
            f"table {snapshot.quarantine_table!r} at version {snapshot.quarantine_version} has {quarantined} "
            f"rows by COUNT(*) but {snapshot.quarantine_rows} in its Delta log"
        )
    if row_count < minimum_rows:
        problems.append(
            f"table {snapshot.table!r} has {row_count} rows, fewer than param minimum_rows={minimum_rows}"
        )
    return problems
