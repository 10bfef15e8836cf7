"""Unity Catalog: catalogs, schemas, volumes and tables, and who may do what with them and with the locations.

Sources: Databricks REST, Unity Catalog API 2.1, Grants, Tables, Schemas, Volumes, Metastores; "Unity Catalog
privileges and securable objects": a privilege on a catalog or a schema holds for everything in it, and only
an admin or an owner gives privileges. The sandbox's admin owns everything. The legacy metastore has no
privileges.
"""

from typing import Any

from databricks.sdk.service.catalog import (
    CatalogsAPI,
    GrantsAPI,
    SchemasAPI,
    SecurableType,
    TablesAPI,
    VolumesAPI,
)
from fastapi import APIRouter

from sandbox.databricks import catalog
from sandbox.databricks.errors import CatalogError, InvalidParameterError, PermissionDeniedError
from sandbox.databricks.objects import Objects
from sandbox.databricks.parameters import Parameters
from sandbox.databricks.payloads import Json, checked
from sandbox.databricks.principals import caller
from sandbox.databricks.rules import Rule
from sandbox.databricks.settings import CATALOGS, METASTORE_ID, USER, Settings

KIND = "grants"
CATALOG, SCHEMA, TABLE, VOLUME = "CATALOG", "SCHEMA", "TABLE", "VOLUME"
LOCATION = "EXTERNAL_LOCATION"
LEGACY = "hive_metastore"
DEFAULT = CATALOGS[0]
WORDS = {LOCATION: "External Location", **{one: one.title() for one in (CATALOG, SCHEMA, TABLE, VOLUME)}}
# Securable type → the kind of its objects.
_KINDS = {LOCATION: catalog.LOCATION} | {one: one.lower() for one in (CATALOG, SCHEMA, TABLE, VOLUME)}
_APIS: dict[str, Any] = {
    CATALOG: CatalogsAPI.get,
    SCHEMA: SchemasAPI.get,
    TABLE: TablesAPI.get,
    VOLUME: VolumesAPI.read,
}
_PARAMETER = {CATALOG: "name", SCHEMA: "full_name", TABLE: "full_name", VOLUME: "name"}
# What reading an object takes, besides the use of its parents.
_TO_READ = {SCHEMA: "USE_SCHEMA", TABLE: "SELECT", VOLUME: "READ_VOLUME"}


class Grants:
    """The routes, and the decisions on privileges."""

    def __init__(self, objects: Objects, settings: Settings) -> None:
        self._objects, self._settings = objects, settings

    def router(self) -> APIRouter:
        """Return the routes to read and change privileges, and to get an object."""
        router = APIRouter()
        root = f"{catalog.ROOT}/permissions/{{kind}}/{{name}}"
        router.add_api_route(root, self.get, methods=["GET"])
        router.add_api_route(root, self.update, methods=["PATCH"])
        effective = f"{catalog.ROOT}/effective-permissions/{{kind}}/{{name}}"
        router.add_api_route(effective, self.get_effective, methods=["GET"])
        for kind, folder in (
            (CATALOG, "catalogs"),
            (SCHEMA, "schemas"),
            (TABLE, "tables"),
            (VOLUME, "volumes"),
        ):

            def read(name: str, parameters: Parameters, kind: str = kind) -> Json:
                return self.read(kind, name, parameters)

            router.add_api_route(f"{catalog.ROOT}/{folder}/{{name}}", read, methods=["GET"])
        router.add_api_route(f"{catalog.ROOT}/current-metastore-assignment", self.metastore, methods=["GET"])
        legacy = "/api/2.0/settings/types/disable_legacy_access/names/default"
        router.add_api_route(legacy, self.legacy_access, methods=["GET"])
        return router

    def legacy_access(self) -> Json:
        """Return whether legacy access is disabled, for admins."""
        if caller() != USER:
            raise PermissionDeniedError("Only workspace admins can read this setting.")
        return {"disable_legacy_access": {"value": not self.has_legacy}, "setting_name": "default"}

    def metastore(self) -> Json:
        """Return the workspace's metastore and its default catalog."""
        return {"workspace_id": 1, "metastore_id": METASTORE_ID, "default_catalog_name": DEFAULT}

    def read(self, kind: str, name: str, parameters: Json) -> Json:
        """Return a catalog, schema, table or volume, if the caller may see it."""
        checked(_APIS[kind], {_PARAMETER[kind]: name} | parameters, text=True)
        self._require_parents(caller(), name)
        found = self._known(kind, name)
        if kind in _TO_READ and found.get("owner") != caller():
            self.require(caller(), _TO_READ[kind], kind, name)
        return found

    def get(self, kind: str, name: str, parameters: Parameters) -> Json:
        """Return the privileges that were given on the object itself."""
        asked = checked(GrantsAPI.get, {"securable_type": kind, "full_name": name} | parameters, text=True)
        self._known(_securable(kind), name)
        given = self._given(_securable(kind), name)
        return _assignments({one: list(found) for one, found in given.items()}, asked)

    def get_effective(self, kind: str, name: str, parameters: Parameters) -> Json:
        """Return the privileges on the object and on those above it."""
        asked = checked(
            GrantsAPI.get_effective, {"securable_type": kind, "full_name": name} | parameters, text=True
        )
        self._known(_securable(kind), name)
        found: dict[str, list[Any]] = {}
        for above, of in _chain(_securable(kind), name):
            inherited = {} if of == name else {"inherited_from_type": above, "inherited_from_name": of}
            for one, given in self._given(above, of).items():
                found.setdefault(one, []).extend({"privilege": each} | inherited for each in given)
        return _assignments(found, asked)

    def update(self, kind: str, name: str, parameters: Parameters) -> Json:
        """Give and take privileges; only an admin or the owner may."""
        request = checked(GrantsAPI.update, {"securable_type": kind, "full_name": name} | parameters)
        securable = _securable(kind)
        known = self._known(securable, name)
        if caller() not in (USER, known.get("owner")):
            raise PermissionDeniedError(f"User does not have MANAGE on {WORDS[securable]} '{name}'.")
        with self._objects.change():
            given = self._given(securable, name)
            for change in request.get("changes", []):
                now = set(given.get(change["principal"], ())) | set(change.get("add", []))
                given[change["principal"]] = sorted(now - set(change.get("remove", [])))
            self._objects.put(
                KIND, f"{securable}/{name}", {one: found for one, found in given.items() if found}
            )
        return _assignments(self._given(securable, name), {})

    def has(self, who: str, privilege: str, kind: str, name: str) -> bool:
        """Return whether a principal has a privilege on an object."""
        if who == USER or not self._settings.enforces(Rule.CATALOG_GRANTS) or name.startswith(LEGACY):
            return True
        if (self._objects.get(_KINDS[kind], name) or {}).get("owner") == who:
            return True
        return any(
            {privilege, "ALL_PRIVILEGES"} & set(self._given(above, of).get(who, ()))
            for above, of in _chain(kind, name)
        )

    def refusal(self, who: str, privilege: str, kind: str, name: str) -> str:
        """Return the service's words for a missing privilege; empty if the principal has it."""
        if self.has(who, privilege, kind, name):
            return ""
        shown = privilege.replace("_", " ")
        return f"PERMISSION_DENIED: User does not have {shown} on {WORDS[kind]} '{name}'."

    def require(self, who: str, privilege: str, kind: str, name: str) -> None:
        """Check a privilege.

        Raises:
            PermissionDeniedError: if the principal lacks it.
        """
        if words := self.refusal(who, privilege, kind, name):
            raise PermissionDeniedError(words.removeprefix("PERMISSION_DENIED: "))

    @property
    def needs_locations(self) -> bool:
        """Whether a table needs an external location over its path."""
        return self._settings.enforces(Rule.EXTERNAL_LOCATIONS)

    @property
    def has_legacy(self) -> bool:
        """Whether the workspace has the legacy metastore."""
        return not self._settings.enforces(Rule.LEGACY_FEATURES)

    def location_of(self, url: str) -> str:
        """Return the name of the innermost external location that contains a URL; empty if there is none."""
        around = [
            (len(one["url"].rstrip("/")), name)
            for name, one in self._objects.all(catalog.LOCATION).items()
            if f"{url.rstrip('/')}/".startswith(f"{one['url'].rstrip('/')}/")
        ]
        return max(around, default=(0, ""))[1]

    def use_of(self, who: str, name: str) -> str:
        """Return why a principal may not use the catalog and the schema of a name; empty if it may."""
        parts = name.split(".")
        return self.refusal(who, "USE_CATALOG", CATALOG, parts[0]) or (
            self.refusal(who, "USE_SCHEMA", SCHEMA, ".".join(parts[:2])) if len(parts) > 2 else ""
        )

    def require_volume(self, who: str, privilege: str, path: str) -> None:
        """Check access to a file in a volume, which must exist."""
        name = ".".join(path.strip("/").split("/")[1:4])
        self._require_parents(who, name)
        self._known(VOLUME, name)
        self.require(who, privilege, VOLUME, name)

    def _require_parents(self, who: str, name: str) -> None:
        if words := self.use_of(who, name) if "." in name else "":
            raise PermissionDeniedError(words.removeprefix("PERMISSION_DENIED: "))

    def _given(self, kind: str, name: str) -> dict[str, list[str]]:
        return self._objects.get(KIND, f"{kind}/{name}") or {}

    def _known(self, kind: str, name: str) -> Json:
        found = self._objects.get(_KINDS[kind], name)
        if found is None:
            raise CatalogError(f"{WORDS[kind]} '{name}' does not exist.", kind=kind, missing=True)
        return found


def _securable(kind: str) -> str:
    """Return a securable type of the path; the service ignores its case."""
    found = kind.upper().replace("-", "_")
    if found not in _KINDS or found not in {one.value for one in SecurableType}:
        raise InvalidParameterError(f"{kind!r} is not a securable type that the sandbox has")
    return found


def _chain(kind: str, name: str) -> list[tuple[str, str]]:
    """Return the object and those above it."""
    if kind == LOCATION:
        return [(kind, name)]
    parts = name.split(".")
    above = [(CATALOG, parts[0]), (SCHEMA, ".".join(parts[:2]))]
    return [*above[: len(parts) - 1], (kind, name)]


def _assignments(found: dict[str, list[Any]], asked: Json) -> Json:
    wanted = asked.get("principal")
    return {
        "privilege_assignments": [
            {"principal": who, "privileges": given}
            for who, given in found.items()
            if given and wanted in (None, who)
        ]
    }
