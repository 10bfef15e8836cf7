"""Naming the Delta tables: `CREATE TABLE … LOCATION`, and proof that each name points at its path."""

from typing import Any

from airflow.sdk import Context

from cloudtrail.errors import FatalError
from cloudtrail.operators.statements import Result, StatementsOperator, first_row
from cloudtrail.request import IngestRequest


class CreateTablesOperator(StatementsOperator):
    """Creates the table and its quarantine over existing Delta paths, then verifies where the names point.

    It never changes or drops a table: a name that is taken by another location is an error. The paths must
    hold Delta tables already (the ingest job creates them first), so the names get their full schema.

    Returns:
        the two table names, as a list.
    """

    template_fields = (*StatementsOperator.template_fields, "requests")

    def __init__(self, *, kind: str, requests: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.requests = requests

    def gather(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - the request is templated
        """The names to create and the paths they must point at."""
        request = IngestRequest.from_dict(self.requests[self.kind])
        return {
            "tables": [
                [request.table, request.delta_path],
                [request.quarantine_table, request.quarantine_path],
            ]
        }

    def next_statement(self, facts: dict[str, Any], results: list[Result]) -> str | None:
        """Create and describe the first table, then the second."""
        table, step = divmod(len(results), 2)
        if table == len(facts["tables"]):
            return None
        name, path = facts["tables"][table]
        return create_table_statement(name, path) if step == 0 else describe_statement(name)

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> list[str]:  # noqa: ARG002 - StatementsOperator's signature
        """Compare each name's location with its path."""
        wrong = []
        for number, (name, path) in enumerate(facts["tables"]):
            location = first_row(results[2 * number + 1])["location"]
            if not same_location(location, path):
                wrong.append(f"{name!r} points at {location!r}, not at {path!r}")
            self.log.info("%s is the Delta table at %s", name, location)
        if wrong:
            raise FatalError(
                "; ".join(wrong) + ". Choose another table name, or drop that table if nobody needs it "
                "(dropping an external table keeps its files)."
            )
        return [name for name, _ in facts["tables"]]


def quote_name(name: str) -> str:
    """A one- to three-level name with every part in backticks."""
    return ".".join(f"`{part}`" for part in name.split("."))


def create_table_statement(name: str, path: str) -> str:
    """The guide's CREATE TABLE, with the path as a SQL string literal."""
    literal = path.replace("\\", "\\\\").replace("'", "\\'")
    return f"CREATE TABLE IF NOT EXISTS {quote_name(name)} USING DELTA LOCATION '{literal}'"


def describe_statement(name: str) -> str:
    """One row on a Delta table, with its location."""
    return f"DESCRIBE DETAIL {quote_name(name)}"


def same_location(left: str | None, right: str) -> bool:
    """Whether two table locations are one: `s3a` and `s3` name the same store, a last slash says nothing."""
    if left is None:
        return False
    return _plain(left) == _plain(right)


def _plain(location: str) -> str:
    return location.replace("s3a://", "s3://", 1).rstrip("/")
