"""The table name check: names are free or already ours, and their schema exists.

The name of a table or quarantine is ours if it points at its path. The name of a view is ours if the view has
the pipeline's mark. Sources: Databricks SQL, DESCRIBE DETAIL, DESCRIBE SCHEMA, SHOW TBLPROPERTIES.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.params.locations import same_place
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.tables.views import MARK

CHECK = "table_name"


class UnansweredError(CloudTrailError):
    """Databricks could not describe a name; `words` is its error message."""

    def __init__(self, what: str, words: str) -> None:
        self.words = words
        super().__init__(f"Databricks could not describe {what}: {words}")


@dataclass(frozen=True, kw_only=True)
class Names:
    """What names refer to. Each function raises UnansweredError if Databricks cannot answer.

    Attributes:
        location: the path of a table; empty for a view, None if the name is free.
        properties: the properties of a table or view; None if the name is free.
        has_schema: whether a schema of that name exists.
    """

    location: Callable[[str], str | None]
    properties: Callable[[str], Mapping[str, str] | None]
    has_schema: Callable[[str], bool]


def check_table(names: Names, table: str, path: str) -> Finding:
    """Check where the name points."""
    return decide_table(table, path, location=names.location(table))


def check_view(names: Names, view: str) -> Finding:
    """Check whose view has the name."""
    return decide_view(view, names.properties(view))


def check_schema(names: Names, schema: str) -> Finding:
    """Check that the schema of the tables exists."""
    return decide_schema(schema, there=names.has_schema(schema))


def decide_unanswered(names: Sequence[str], words: str, *, warehouse: str, remedy: str) -> Finding:
    """Return one finding for all names with the same error of Databricks. Pure."""
    return Finding(
        check=CHECK,
        subject=", ".join(names),
        status="failed",
        detail=f"Databricks could not describe {'it' if len(names) == 1 else 'any of them'}: {words}",
        remedy=remedy,
        follows=f"warehouse {warehouse}",
    )


def decide_table(table: str, path: str, *, location: str | None) -> Finding:
    """Return the finding for where the name points. Pure."""
    if location is None:
        return Finding(check=CHECK, subject=table, status="ok", detail="free")
    if same_place(location, path):
        return Finding(check=CHECK, subject=table, status="ok", detail=f"already at {path}")
    return Finding(
        check=CHECK,
        subject=table,
        status="failed",
        detail=f"is the name of {f'a table at {location!r}' if location else 'a view'}, not of a table at "
        f"{path!r}",
        remedy="Choose another table name, set the Delta path to that table's path, or drop that table if "
        "nobody needs it (dropping an external table keeps its files).",
    )


def decide_view(view: str, properties: Mapping[str, str] | None) -> Finding:
    """Return the finding for what has the name of a view. Pure."""
    if properties is None:
        return Finding(check=CHECK, subject=view, status="ok", detail="free")
    if MARK in properties:
        return Finding(check=CHECK, subject=view, status="ok", detail="already a view of this pipeline")
    return Finding(
        check=CHECK,
        subject=view,
        status="failed",
        detail="is the name of a table or view that this pipeline did not create, but a view of the table "
        "needs this name",
        remedy=f"Rename or drop it, or choose another table name than {view.rpartition('_')[0]!r}.",
    )


def decide_schema(schema: str, *, there: bool) -> Finding:
    """Return the finding on whether the schema exists. Pure."""
    if there:
        return Finding(check=CHECK, subject=f"schema {schema}", status="ok", detail="exists")
    return Finding(
        check=CHECK,
        subject=f"schema {schema}",
        status="failed",
        detail="does not exist, so the tables cannot be created in it",
        remedy=f"Create it (CREATE SCHEMA {schema}), or choose another table name.",
    )
