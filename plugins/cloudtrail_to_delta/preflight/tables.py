"""The table name check: names are free or ours already, and their schema is there.

A table's name points at its path, its quarantine's likewise; a view beside it carries the pipeline's mark.
Sources: Databricks SQL, DESCRIBE DETAIL, DESCRIBE SCHEMA, SHOW TBLPROPERTIES.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.params.locations import same_place
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.tables.views import MARK

CHECK = "table_name"


class UnansweredError(CloudTrailError):
    """Databricks could not say what a name stands for; `words` are its own."""

    def __init__(self, what: str, words: str) -> None:
        self.words = words
        super().__init__(f"Databricks could not describe {what}: {words}")


@dataclass(frozen=True, kw_only=True)
class Names:
    """What names stand for; each question raises UnansweredError when its answer cannot be found out.

    `location`: where a table points, empty for a view, None when there is none. `properties`: those
    of a table or view, None when there is none. `has_schema`: whether there is a schema of that name.
    """

    location: Callable[[str], str | None]
    properties: Callable[[str], Mapping[str, str] | None]
    has_schema: Callable[[str], bool]


def check_table(names: Names, table: str, path: str) -> Finding:
    """Ask where the name points."""
    return decide_table(table, path, location=names.location(table))


def check_view(names: Names, view: str) -> Finding:
    """Ask whose view has the name."""
    return decide_view(view, names.properties(view))


def check_schema(names: Names, schema: str) -> Finding:
    """Ask for the schema that the tables are to be in."""
    return decide_schema(schema, there=names.has_schema(schema))


def decide_unanswered(names: Sequence[str], words: str, *, warehouse: str, remedy: str) -> Finding:
    """The one finding on names that Databricks gave the same error about. Pure."""
    return Finding(
        check=CHECK,
        subject=", ".join(names),
        status="failed",
        detail=f"Databricks could not describe {'it' if len(names) == 1 else 'any of them'}: {words}",
        remedy=remedy,
        follows=f"warehouse {warehouse}",
    )


def decide_table(table: str, path: str, *, location: str | None) -> Finding:
    """The finding that follows from where the name points. Pure."""
    if location is None:
        return Finding(check=CHECK, subject=table, status="ok", detail="free")
    if same_place(location, path):
        return Finding(check=CHECK, subject=table, status="ok", detail=f"already at {path}")
    return Finding(
        check=CHECK,
        subject=table,
        status="failed",
        detail=f"names {f'a table at {location!r}' if location else 'a view'}, not a table at {path!r}",
        remedy="Choose another table name, give that table's path, or drop that table if nobody needs it "
        "(dropping an external table keeps its files).",
    )


def decide_view(view: str, properties: Mapping[str, str] | None) -> Finding:
    """The finding that follows from what has the name of a view. Pure."""
    if properties is None:
        return Finding(check=CHECK, subject=view, status="ok", detail="free")
    if MARK in properties:
        return Finding(check=CHECK, subject=view, status="ok", detail="already a view of this pipeline")
    return Finding(
        check=CHECK,
        subject=view,
        status="failed",
        detail="names a table or view that is not of this pipeline, and the view beside the table needs it",
        remedy=f"Rename or drop it, or choose another table name than {view.rpartition('_')[0]!r}.",
    )


def decide_schema(schema: str, *, there: bool) -> Finding:
    """The finding that follows from whether the schema is there. Pure."""
    if there:
        return Finding(check=CHECK, subject=f"schema {schema}", status="ok", detail="is there")
    return Finding(
        check=CHECK,
        subject=f"schema {schema}",
        status="failed",
        detail="is not there, so no table can get a name in it",
        remedy=f"Create it (CREATE SCHEMA {schema}), or choose another table name.",
    )
