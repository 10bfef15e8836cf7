"""The names in Unity Catalog that SQL has created, for the REST API, and what SQL may not create.

The warehouse's Spark has the tables. It describes what a statement has created, changed or dropped, so that
the REST API answers without it, as in the service.
"""

import re
from typing import Any

from sandbox.databricks.grants import CATALOG, DEFAULT, LEGACY, LOCATION, SCHEMA, Grants
from sandbox.databricks.objects import Objects
from sandbox.databricks.payloads import Json

_NAME = r"(?P<name>(?:`[^`]+`|[\w]+)(?:\.(?:`[^`]+`|[\w]+))*)"
_MAKES = re.compile(
    rf"\s*(?P<verb>CREATE|DROP|ALTER|MSCK\s+REPAIR)\s+(?:OR\s+REPLACE\s+)?(?:EXTERNAL\s+)?"
    rf"(?P<what>TABLE|VIEW|SCHEMA|DATABASE)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?{_NAME}",
    re.IGNORECASE,
)
# Spark has no Unity Catalog with metadata of its own. Source: Databricks SQL, REPAIR TABLE.
SYNC = re.compile(r"\s*MSCK\s+REPAIR\s+TABLE\s+\S+\s+SYNC\s+METADATA\s*", re.IGNORECASE)
_LEGACY = re.compile(rf"\b{LEGACY}`?\s*\.")
_LOCATION = re.compile(r"\bLOCATION\s+'((?:[^'\\]|\\.)*)'", re.IGNORECASE)


class Named:
    """The tables, views and schemas that the REST API shows."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def note(self, found: dict[str, Json | None], *, owner: str) -> None:
        """Take over what a statement has left: full name → what it is now, None if it is gone."""
        with self._objects.change():
            for name, one in found.items():
                kind = "schema" if name.count(".") == 1 else "table"
                known = self._objects.get(kind, name) or {"owner": owner}
                if one is None:
                    self._objects.remove(kind, name)
                else:
                    self._objects.put(kind, name, {"full_name": name, "owner": known["owner"]} | one)


def made(statement: str, *, catalog: str = "", schema: str = "") -> tuple[str, str, str]:
    """Return the verb, what it makes (TABLE, VIEW or SCHEMA) and its full name; all empty for other SQL."""
    match = _MAKES.match(statement)
    if match is None:
        return "", "", ""
    parts = [part.strip("`").lower() for part in re.findall(r"`[^`]+`|\w+", match["name"])]
    if any("/" in part for part in parts):
        return "", "", ""  # a path, which changes no entry
    what = match["what"].upper().replace("DATABASE", SCHEMA)
    full = [catalog or DEFAULT, schema or "default"][: 2 if what != SCHEMA else 1]
    levels = 2 if what == SCHEMA else 3
    return match["verb"].upper(), what, ".".join([*full[: max(0, levels - len(parts))], *parts])


def legacy_refusal(request: dict[str, Any]) -> str:
    """Return why a workspace without the legacy metastore refuses a statement; empty if it does not."""
    if request.get("catalog") != LEGACY and not _LEGACY.search(request["statement"]):
        return ""
    return (
        "[UC_HIVE_METASTORE_DISABLED_EXCEPTION] The operation attempted to use Hive Metastore, which is "
        "disabled due to legacy access being turned off in your account or workspace."
    )


def refusal(request: dict[str, Any], who: str, grants: Grants) -> str:
    """Return why Unity Catalog refuses a CREATE statement of this principal; empty if it does not."""
    statement = request["statement"]
    verb, what, name = made(statement, catalog=request.get("catalog", ""), schema=request.get("schema", ""))
    if verb != "CREATE" or name.startswith(f"{LEGACY}."):
        return ""
    parent = name.rpartition(".")[0]
    privilege, kind = ("CREATE_SCHEMA", CATALOG) if what == SCHEMA else ("CREATE_TABLE", SCHEMA)
    if words := grants.use_of(who, name) or grants.refusal(who, privilege, kind, parent):
        return words
    given = _LOCATION.search(statement)
    return _refused_place(given[1], who, grants) if what == "TABLE" and given is not None else ""


def _refused_place(path: str, who: str, grants: Grants) -> str:
    location = grants.location_of(path)
    if location:
        return grants.refusal(who, "CREATE_EXTERNAL_TABLE", LOCATION, location)
    if path.startswith("s3://") and grants.needs_locations:
        return (
            "[NO_PARENT_EXTERNAL_LOCATION_FOR_PATH] No parent external location was found for path "
            f"'{path}'. Please create an external location on one of the parent paths and then retry the "
            "query or command again."
        )
    return ""
