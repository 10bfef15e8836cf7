"""Create the tables in the catalog: `CREATE TABLE … LOCATION`, verify its location, create the views."""

from collections.abc import Generator
from typing import Any

from airflow.providers.common.compat.sdk import AirflowException
from airflow.sdk import Context

from cloudtrail_to_delta.errors import CloudTrailError, FatalError
from cloudtrail_to_delta.kinds import KINDS, QUARANTINE_COLUMNS
from cloudtrail_to_delta.operators.sql import Result, StatementsOperator, first_row
from cloudtrail_to_delta.params.locations import same_place
from cloudtrail_to_delta.params.request import DIGESTS, IngestRequest
from cloudtrail_to_delta.preflight.catalog import Catalogs
from cloudtrail_to_delta.preflight.tables import UnansweredError
from cloudtrail_to_delta.tables.sql import UNKNOWN_TABLE, quote_name, text_literal
from cloudtrail_to_delta.tables.views import MARK, View, proof_view, views_of


class CreateTablesOperator(StatementsOperator):
    """Creates the tables of a kind over existing Delta paths, verifies them, then creates the views.

    The view that compares a kind's log files with digests needs the tables of both. The task that creates the
    later ones creates it.

    It never changes or drops a table. It fails if a table's name already points at another location, or if
    the name of a view belongs to something other than an earlier definition of this view. The paths must
    already hold Delta tables (the ingest job creates them first), so that the names get their full schema.

    Returns:
        the names of the tables and of the views, as a list.
    """

    template_fields = (*StatementsOperator.template_fields, "requests")
    # A view that does not exist yet is a valid answer; every other error fails the task.
    tolerates_errors = True

    def __init__(self, *, kind: str, requests: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.requests = requests

    def gather(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - the request is templated
        """Return the requests, and the tables of which Unity Catalog does not show all columns."""
        request = IngestRequest.from_dict(self.requests[self.kind])
        return {"requests": self.requests, "behind": self._behind(request)}

    def next_statement(self, facts: dict[str, Any], results: list[Result]) -> str | None:
        """Return the first statement of the plan that has no result yet."""
        statement, _ = self._replay(facts, results)
        return statement

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> list[str]:  # noqa: ARG002 - StatementsOperator's signature
        """Return the names; `_plan` has checked every result."""
        _, names = self._replay(facts, results)
        self.log.info("These tables and views exist now: %s", ", ".join(names))
        return names

    def _replay(self, facts: dict[str, Any], results: list[Result]) -> tuple[str | None, list[str]]:
        """Return the next statement, or None and the plan's names after the last one."""
        requests = {kind: IngestRequest.from_dict(one) for kind, one in facts["requests"].items()}
        plan = self._plan(requests, facts.get("behind", []))
        statement = next(plan)
        for result in results:
            try:
                statement = plan.send(result)
            except StopIteration as end:
                return None, end.value
        return statement, []

    def _behind(self, request: IngestRequest) -> list[str]:
        """Return the existing tables whose entry in Unity Catalog lacks a column.

        The job adds columns by path, which changes the Delta log but not the entry. Queries use the log.
        """
        catalogs = Catalogs(self.databricks)
        wanted = {request.table: KINDS[self.kind].columns, request.quarantine_table: QUARANTINE_COLUMNS}
        try:
            shown = {name: catalogs.columns(name) for name in wanted if not catalogs.is_legacy(name)}
        except (AirflowException, UnansweredError) as refused:
            self.log.warning("Unity Catalog does not show the tables: %s", refused)
            return []
        return [name for name, columns in shown.items() if columns and set(wanted[name]) - columns]

    def _plan(
        self, requests: dict[str, IngestRequest], behind: list[str]
    ) -> Generator[str, Result, list[str]]:
        """Yield the statements, each of which receives its result; return the names that exist then."""
        request, wrong = requests[self.kind], []
        for name, path in request.tables.items():
            self._succeeded((yield create_table_statement(name, path)))
            described = self._succeeded((yield describe_statement(name)))
            location = first_row(described)["location"]
            if location is None or not same_place(location, path):
                wrong.append(f"{name!r} points at {location!r}, not at {path!r}")
            elif name in behind:
                self._succeeded((yield repair_statement(name)))
        if wrong:
            raise FatalError(
                "; ".join(wrong) + ". Choose another table name, or drop that table if nobody needs it "
                "(dropping an external table keeps its files)."
            )
        views = views_of(request)
        for other, view in self._proofs(requests):
            # The last table of the other kind: all of its tables exist.
            answer = yield describe_statement(list(other.tables)[-1])
            if not is_unknown(answer):
                self._succeeded(answer)
                views.append(view)
        for view in views:
            there = self._digest((yield properties_statement(view.name)), view.name)
            if there != view.digest:
                self._succeeded((yield view.statement))
        return [*request.tables, *(view.name for view in views)]

    def _proofs(self, requests: dict[str, IngestRequest]) -> list[tuple[IngestRequest, View]]:
        """Return the views that compare log files with digests, each with the other kind that it reads."""
        if DIGESTS not in requests:
            return []
        digests, own = requests[DIGESTS], requests[self.kind]
        if self.kind != DIGESTS:
            return [(digests, proof_view(own, digests))]
        return [(one, proof_view(one, digests)) for kind, one in requests.items() if kind != DIGESTS]

    def _digest(self, answer: Result, name: str) -> str | None:
        """Return the digest of our existing view's definition; None if there is no view of this name."""
        if is_unknown(answer):
            return None
        properties = {row["key"]: row["value"] for row in self._succeeded(answer)["rows"]}
        if MARK not in properties:
            raise FatalError(
                f"{name!r} already exists and this pipeline did not create it. Rename or drop it, or choose "
                f"another table name than {name.rpartition('_')[0]!r}."
            )
        return str(properties[MARK])

    def _succeeded(self, result: Result) -> Result:
        if "error" in result:
            raise CloudTrailError(
                f"SQL warehouse {self.warehouse_id!r} could not run a statement of {self.task_id!r}: "
                f"{result['error']}"
            )
        return result


def is_unknown(answer: Result) -> bool:
    """Return whether a statement failed because a table or view does not exist."""
    return any(known in answer.get("error", "") for known in UNKNOWN_TABLE)


def create_table_statement(name: str, path: str) -> str:
    """Return the CREATE TABLE statement, as in the original Databricks guide (2020)."""
    return f"CREATE TABLE IF NOT EXISTS {quote_name(name)} USING DELTA LOCATION {text_literal(path)}"


def repair_statement(name: str) -> str:
    """Return the statement that takes the columns of the Delta log over into Unity Catalog.

    Source: Databricks SQL, REPAIR TABLE, `SYNC METADATA`.
    """
    return f"MSCK REPAIR TABLE {quote_name(name)} SYNC METADATA"


def describe_statement(name: str) -> str:
    """Return the statement that gives one row about a Delta table, with its location."""
    return f"DESCRIBE DETAIL {quote_name(name)}"


def properties_statement(name: str) -> str:
    """Return the statement that gives the properties of a table or view, as rows of key and value."""
    return f"SHOW TBLPROPERTIES {quote_name(name)}"


def schema_statement(name: str) -> str:
    """Return the statement that fails if the schema, a name of one or two levels, does not exist."""
    return f"DESCRIBE SCHEMA {quote_name(name)}"
