"""What a table and its quarantine hold of each delivery day: the second list of a reconciliation.

It comes from the columns `log_file` and `delivered_at`, read without Spark. There is no other list of what
was ingested: see docs/adr/0025-reconciliation.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cloudtrail_to_delta.errors import CloudTrailError

# CloudTrail retries a delivery for 30 days, so the events of a log file are seldom older.
OLDEST_EVENT = timedelta(days=31)
# Two clocks may differ: those that set the time of an event, of a delivery and of an ingest.
CLOCKS = timedelta(days=1)
# The quarantine also has the log files that vanished before they were read (`missing_file`): those are not
# held.
_ROWS = {
    "files": "SELECT log_file, delivered_at FROM files WHERE {day}{recent_events}",
    "quarantine": (
        "SELECT log_file, delivered_at FROM quarantine WHERE {day}{recent_loads} AND reason <> 'missing_file'"
    ),
}
_QUERY = "SELECT log_file, MAX(delivered_at) FROM ({rows}) GROUP BY log_file ORDER BY log_file"


@dataclass(frozen=True)
class Held:
    """A log file that the tables hold, `s3://bucket/key`, and when it had been written to S3, if known."""

    log_file: str
    written_at: datetime | None


class HeldFiles:
    """The log files in a table and its quarantine, at their newest versions when this was created.

    Args:
        delta_path: the table's folder. Its quarantine is in `<delta_path>_quarantine`.
        storage_options: as for `deltalake.DeltaTable`.

    Raises:
        CloudTrailError: if a table cannot be read. One that does not exist holds nothing.
    """

    def __init__(self, delta_path: str, *, storage_options: Mapping[str, str]) -> None:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError, TableNotFoundError

        self._tables: dict[str, Any] = {}
        for name, path in (("files", delta_path), ("quarantine", f"{delta_path}_quarantine")):
            try:
                self._tables[name] = DeltaTable(path, storage_options=dict(storage_options))
            except TableNotFoundError:
                continue
            except (DeltaError, OSError) as error:
                raise CloudTrailError(f"the Delta table at {path!r} cannot be read: {error}") from error

    def day(self, root: str, day: date, *, whole_table: bool = False) -> Iterator[Held]:
        """Yield the log files of one delivery day, each once, in the order of their keys.

        Reads only the data files that can have rows of them: events at most 31 days older than the delivery,
        ingested after it. With `whole_table`, the statistics of `log_file` are the only bound.

        Args:
            root: the folder of the log files, `s3://bucket/…`, without a slash at the end.
            day: the delivery day. Log files without a day folder are left out.
            whole_table: also find log files whose events have an unlikely time.
        """
        from deltalake import QueryBuilder
        from deltalake.exceptions import DeltaError

        if not self._tables:
            return
        builder = QueryBuilder()
        for name, table in self._tables.items():
            builder.register(name, table)
        bounds = _bounds(root, day, whole_table=whole_table)
        query = _QUERY.format(rows=" UNION ALL ".join(_ROWS[name].format(**bounds) for name in self._tables))
        try:
            for batch in builder.execute(query):
                files, times = (column.to_pylist() for column in batch.columns)
                for log_file, time in zip(files, times, strict=True):
                    yield Held(log_file, time and time.astimezone(UTC).replace(microsecond=0))
        except (DeltaError, OSError) as error:
            raise CloudTrailError(f"the table's log files of {day} cannot be read: {error}") from error


def _bounds(root: str, day: date, *, whole_table: bool) -> dict[str, str]:
    escaped = root.replace("'", "''")
    bounds = {
        "day": f"starts_with(log_file, '{escaped}/') AND contains(log_file, '/{day:%Y/%m/%d}/')",
        "recent_events": "",
        "recent_loads": "",
    }
    if not whole_table:
        loaded = f" AND ingested_at >= TIMESTAMP '{day - CLOCKS}T00:00:00Z'"
        events = f" AND date >= DATE '{day - OLDEST_EVENT}' AND date <= DATE '{day + CLOCKS}'"
        bounds["recent_events"] = loaded + events
        # The quarantine is partitioned by the day of the load.
        bounds["recent_loads"] = f"{loaded} AND date >= DATE '{day - CLOCKS}'"
    return bounds
