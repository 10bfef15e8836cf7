"""What the principal of an ingest needs in Unity Catalog, and what it has there.

The set-up gives it, preflight looks it up, and docs/permissions.md lists it: all from this list. Sources:
Databricks, "Unity Catalog privileges and securable objects"; "Create an external table"; "Using Auto Loader
with Unity Catalog": READ FILES on the location of the logs; Unity Catalog API 2.1, Grants.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

ROOT = "2.1/unity-catalog"
PERMISSIONS = f"{ROOT}/permissions"
EFFECTIVE = f"{ROOT}/effective-permissions"
CATALOG, SCHEMA, VOLUME, LOCATION = "CATALOG", "SCHEMA", "VOLUME", "EXTERNAL_LOCATION"
# The metastore of a workspace without Unity Catalog. It has no privileges.
LEGACY = "hive_metastore"
READ_FILES, WRITE_FILES, CREATE_EXTERNAL = "READ_FILES", "WRITE_FILES", "CREATE_EXTERNAL_TABLE"
READ_VOLUME, WRITE_VOLUME = "READ_VOLUME", "WRITE_VOLUME"
# Everybody in the account is in this group.
EVERYBODY = "account users"


class Reader(Protocol):
    """The Databricks call that these functions use."""

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the answer to a GET below /api/."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """Privileges on one object, and what they are for.

    `securable` is the type in the API. `name` is the full name; for a location of a set-up, its own name.
    """

    securable: str
    name: str
    privileges: tuple[str, ...]
    purpose: str

    @property
    def words(self) -> str:
        """The object in words, such as `schema main.security`."""
        kind = self.securable.lower().replace("_", " ")
        return f"{kind} {self.name}" if self.name else f"the default {kind}"


def table_needs(tables: Iterable[str]) -> list[Need]:
    """Return what creating these tables takes, by names of three levels; in the legacy metastore nothing."""
    schemas = dict.fromkeys(name.rpartition(".")[0] for name in tables)
    own = [schema for schema in schemas if not schema.startswith(f"{LEGACY}.")]
    catalogs = dict.fromkeys(schema.partition(".")[0] for schema in own)
    purpose = "create the tables and views"
    return [
        *(
            Need(securable=CATALOG, name=one, privileges=("USE_CATALOG",), purpose=purpose)
            for one in catalogs
        ),
        *(
            Need(securable=SCHEMA, name=one, privileges=("USE_SCHEMA", "CREATE_TABLE"), purpose=purpose)
            for one in own
        ),
    ]


def volume_needs(code_root: str) -> list[Need]:
    """Return what a code root in a volume takes; nothing for one in S3."""
    if not code_root.startswith("/Volumes/"):
        return []
    catalog, schema, volume = code_root.split("/")[2:5]
    purpose = "upload and load the job wheel"
    return [
        Need(securable=CATALOG, name=catalog, privileges=("USE_CATALOG",), purpose=purpose),
        Need(securable=SCHEMA, name=f"{catalog}.{schema}", privileges=("USE_SCHEMA",), purpose=purpose),
        Need(
            securable=VOLUME,
            name=f"{catalog}.{schema}.{volume}",
            privileges=(READ_VOLUME, WRITE_VOLUME),
            purpose=purpose,
        ),
    ]


def merged(needs: Iterable[Need]) -> list[Need]:
    """Return the needs with each object once."""
    found: dict[tuple[str, str], Need] = {}
    for need in needs:
        key = need.securable, need.name
        known = found.get(key, need)
        purposes = dict.fromkeys((*known.purpose.split("; "), need.purpose))
        found[key] = Need(
            securable=need.securable,
            name=need.name,
            privileges=tuple(dict.fromkeys((*known.privileges, *need.privileges))),
            purpose="; ".join(purposes),
        )
    return list(found.values())


def location_of(path: str, locations: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the innermost external location that contains a path; None if there is none."""
    around = [
        one for one in locations if f"{path.rstrip('/')}/".startswith(f"{str(one['url']).rstrip('/')}/")
    ]
    return max(around, key=lambda one: len(str(one["url"]).rstrip("/")), default=None)


def held(reader: Reader, need: Need, names: Sequence[str], quoted: str) -> set[str]:
    """Return which of the needed privileges one of these principals has, also by an object above.

    Args:
        reader: the workspace.
        need: the object and the privileges.
        names: the principal, then its groups. A group is asked for only while something is missing.
        quoted: the object's name as it is in a URL.
    """
    found: set[str] = set()
    for name in names:
        if found >= set(need.privileges):
            break
        answer = reader.get(f"{EFFECTIVE}/{need.securable}/{quoted}", principal=name)
        given = {
            str(one["privilege"])
            for assignment in answer.get("privilege_assignments", [])
            for one in assignment.get("privileges", [])
        }
        found |= set(need.privileges) if "ALL_PRIVILEGES" in given else given & set(need.privileges)
    return found


def grant_statement(need: Need, missing: Iterable[str], principal: str) -> str:
    """Return the SQL that gives the missing privileges."""
    shown = ", ".join(one.replace("_", " ") for one in missing)
    name = ".".join(f"`{part}`" for part in need.name.split("."))
    return f"GRANT {shown} ON {need.securable.replace('_', ' ')} {name} TO `{principal}`"
