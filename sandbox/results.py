"""The results of an ingest in the tables of one kind: how to read, compare and show them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.sample_logs.spec import Kind
from sandbox.sample_logs.summary import Counts
from sandbox.warehouse import Row

Sql = Callable[[str], list[Row]]

# The field that names the call in a record. The ten most frequent names are shown.
NAMES: dict[Kind, str] = {
    "events": "eventName",
    "insights": "insightDetails.eventName",
    "network_activity": "eventName",
    "aggregated": "eventSource",
}
SHOWN_NAMES = 10


@dataclass(frozen=True, kw_only=True)
class Results:
    """The rows by UTC date and by event name, the quarantine rows by reason, and the validation."""

    kind: Kind
    table: str
    by_date: Mapping[str, int]
    by_name: Mapping[str, int]
    quarantined: Mapping[str, int]
    validation: Mapping[str, Any]


def read(kind: Kind, sql: Sql, validation: Mapping[str, Any]) -> Results:
    """Query the tables; `validation` is what the kind's `validate_rows` task returned."""
    table = str(validation["table"])

    def count(what: str, source: str) -> dict[str, int]:
        rows = sql(
            f"SELECT CAST({what} AS STRING) AS what, COUNT(*) AS n "  # noqa: S608 - names of our own
            f"FROM {source} GROUP BY 1 ORDER BY n DESC, what"
        )
        return {str(row["what"]): int(row["n"] or 0) for row in rows}

    return Results(
        kind=kind,
        table=table,
        by_date=dict(sorted(count("date", table).items())),
        by_name=count(NAMES[kind], table),
        quarantined=count("reason", f"{table}_quarantine"),
        validation=validation,
    )


def differences(results: Results, promised: Counts) -> list[str]:
    """Return a sentence for every count that differs from what the sample logs promise."""
    validation = results.validation
    pairs = [
        ("log files of the run", validation["run_files"], promised.files),
        ("rows by COUNT(*)", validation["row_count"], promised.rows),
        ("rows by the Delta log", validation["log_rows"], promised.rows),
        ("quarantine rows", validation["quarantined"], promised.quarantined.total()),
        ("rows per day", dict(results.by_date), dict(promised.by_date)),
        ("rows per event name", dict(results.by_name), dict(promised.by_name)),
        ("quarantine rows per reason", dict(results.quarantined), dict(promised.quarantined)),
    ]
    return [
        f"{results.table}: {what}: found {found}, the sample logs promise {wanted}"
        for what, found, wanted in pairs
        if found != wanted
    ]


def render(results: Results) -> str:
    """Return the results as text, with a few short tables side by side."""
    columns = [
        _column("rows per day", results.by_date.items()),
        _column("most frequent eventName", list(results.by_name.items())[:SHOWN_NAMES]),
        _column("quarantined", results.quarantined.items()),
    ]
    height = max(len(column) for column in columns)
    padded = [column + [" " * len(column[0])] * (height - len(column)) for column in columns]
    body = ["    ".join(cells).rstrip() for cells in zip(*padded, strict=True)]
    return "\n".join([f"{results.table}: {validated(results.validation)}", *(f"  {line}" for line in body)])


def validated(validation: Mapping[str, Any]) -> str:
    """Return the validation in one line; a damaged file is in the quarantine in addition to its records."""
    return (
        f"{validation['row_count']:,} rows (COUNT(*) = Delta log), {validation['quarantined']:,} quarantined;"
        f" {validation['run_records']:,} records in {validation['run_files']:,} files: "
        f"{validation['run_rows']:,} rows, {validation['run_quarantined']:,} records and files quarantined"
    )


def _column(title: str, counts: Iterable[tuple[str, int]]) -> list[str]:
    lines = [(name, f"{count:,}") for name, count in counts] or [("none", "")]
    names, numbers = max(len(name) for name, _ in lines), max(len(number) for _, number in lines)
    width = max(len(title), names + 2 + numbers)
    return [
        title.ljust(width),
        *(f"{name.ljust(names)}  {number.rjust(numbers)}".ljust(width) for name, number in lines),
    ]
