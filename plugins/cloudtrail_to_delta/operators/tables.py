"""Create the tables in the catalog: `CREATE TABLE … LOCATION`, verify its location, create the views."""

from collections.abc import Generator
from typing import Any

from airflow.providers.common.compat.sdk import AirflowException
from airflow.sdk import Context

from cloudtrail_to_delta.errors import FatalError
from cloudtrail_to_delta.kinds import KINDS, QUARANTINE_COLUMNS
from cloudtrail_to_delta.operators.sql import Result, StatementsOperator, first_row, replay
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

    def gather(self, context: Context) -> dict[str, Any]:
        """Return the requests, the accounts' names, and what Unity Catalog shows, which needs no SQL."""
        requests = {kind: IngestRequest.from_dict(one) for kind, one in self.requests.items()}
        # A run that an earlier release has started has no such param.
        names = context["params"].get("account_names") or {}
        return {"requests": self.requests, "names": names, **self._shown(requests, names)}

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
        plan = self._plan(requests, facts)
        statement, names = replay(plan, results)
        return statement, names or []

    def _shown(self, requests: dict[str, IngestRequest], names: dict[str, Any]) -> dict[str, Any]:
        """Return what Unity Catalog shows, as JSON.

        `shown` is name → location and digest of the definition, None for a free name. Names of the legacy
        metastore are missing: only SQL knows them. `behind` are the tables whose entry lacks a column: the
        job adds columns by path, which changes the Delta log but not the entry. Queries use the log.
        """
        request, catalogs = requests[self.kind], Catalogs(self.databricks)
        wanted = {request.table: KINDS[self.kind].columns, request.quarantine_table: QUARANTINE_COLUMNS}
        proofs = self._proofs(requests)
        views = [view.name for view in (*views_of(request, names), *(view for _, view in proofs))]
        every = [*wanted, *views, *(last_table(other) for other, _ in proofs)]
        try:
            entries = {name: catalogs.entry(name) for name in every if not catalogs.is_legacy(name)}
        except (AirflowException, UnansweredError) as refused:
            self.log.warning("Unity Catalog does not show the tables, so SQL is asked: %s", refused)
            entries = {}
        columns = {name: entry.columns for name, entry in entries.items() if entry}
        return {
            "shown": {
                name: entry and {"location": entry.location, "properties": dict(entry.properties)}
                for name, entry in entries.items()
            },
            "behind": [name for name in wanted if columns.get(name) and set(wanted[name]) - columns[name]],
        }

    def _plan(
        self, requests: dict[str, IngestRequest], facts: dict[str, Any]
    ) -> Generator[str, Result, list[str]]:
        """Yield the statements, each of which receives its result; return the names that exist then.

        Nothing is asked by SQL that Unity Catalog shows.
        """
        request, shown = requests[self.kind], facts["shown"]
        yield from self._create_tables(request, shown, facts["behind"])
        # A task that an earlier release has deferred has no names in its facts.
        views = views_of(request, facts.get("names", {}))
        for other, view in self._proofs(requests):
            if (yield from self._exists(last_table(other), shown)):
                views.append(view)
        for view in views:
            if (yield from self._definition(view.name, shown)) != view.digest:
                self._succeeded((yield view.statement))
        return [*request.tables, *(view.name for view in views)]

    def _create_tables(
        self, request: IngestRequest, shown: dict[str, Any], behind: list[str]
    ) -> Generator[str, Result, None]:
        """Create the tables whose names are free; raise if a name points elsewhere."""
        wrong = []
        for name, path in request.tables.items():
            if shown.get(name):
                location = shown[name]["location"]
            else:
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

    def _exists(self, table: str, shown: dict[str, Any]) -> Generator[str, Result, bool]:
        """Return whether a table exists.

        Another kind's task may have created it since this one began. Each task creates its own tables before
        it asks for the other's, so the view of both is made by the one that asks last.
        """
        if shown.get(table):
            return True
        answer = yield describe_statement(table)
        if is_unknown(answer):
            return False
        self._succeeded(answer)
        return True

    def _definition(self, view: str, shown: dict[str, Any]) -> Generator[str, Result, str | None]:
        """Return the digest of our existing view's definition; None if there is no view of this name."""
        if shown.get(view):
            properties = shown[view]["properties"]
        else:
            answer = yield properties_statement(view)
            if is_unknown(answer):
                return None
            properties = {row["key"]: row["value"] for row in self._succeeded(answer)["rows"]}
        if MARK not in properties:
            raise FatalError(
                f"{view!r} already exists and this pipeline did not create it. Rename or drop it, or choose "
                f"another table name than {view.rpartition('_')[0]!r}."
            )
        return str(properties[MARK])

    def _proofs(self, requests: dict[str, IngestRequest]) -> list[tuple[IngestRequest, View]]:
        """Return the views that compare log files with digests, each with the other kind that it reads."""
        if DIGESTS not in requests:
            return []
        digests, own = requests[DIGESTS], requests[self.kind]
        if self.kind != DIGESTS:
            return [(digests, proof_view(own, digests))]
        return [(one, proof_view(one, digests)) for kind, one in requests.items() if kind != DIGESTS]


def last_table(request: IngestRequest) -> str:
    """Return the table of a kind that is created last: if it exists, all of them do."""
    return list(request.tables)[-1]


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
