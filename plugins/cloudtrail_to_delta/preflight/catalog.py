"""The Unity Catalog checks: what names refer to, external locations over the paths, and the privileges.

Everything comes from the REST API, so no SQL warehouse has to start. Names in the legacy metastore have no
REST API: only the warehouse knows them, and nobody has privileges there.

Sources: Databricks REST, Unity Catalog API 2.1, Tables, Schemas, Volumes, External Locations, Grants,
Metastores; error class NO_PARENT_EXTERNAL_LOCATION_FOR_PATH; Permissions API 2.0.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from cloudtrail_to_delta.hooks.databricks import api_path
from cloudtrail_to_delta.iam.catalog import (
    CREATE_EXTERNAL,
    EVERYBODY,
    LEGACY,
    LOCATION,
    READ_FILES,
    ROOT,
    VOLUME,
    WRITE_FILES,
    Need,
    grant_statement,
    held,
    location_of,
    merged,
    table_needs,
    volume_needs,
)
from cloudtrail_to_delta.iam.reader import listing_prefix
from cloudtrail_to_delta.params.request import IngestRequest, code_root, compute_of
from cloudtrail_to_delta.preflight.external_locations import fetch_locations
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.tables import Names, UnansweredError

CHECK = "unity_catalog"
_WHERE = {VOLUME: "volumes", "SCHEMA": "schemas", "CATALOG": "catalogs"}
# Kind in the Permissions API → its words.
_PAGES = {"clusters": "cluster", "cluster-policies": "policy", "warehouses": "warehouse"}
# Groups that are asked for a missing privilege. A principal may be in hundreds.
GROUPS = 20


class Workspace(Protocol):
    """The Databricks calls that these checks use."""

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the answer to a GET below /api/."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A table or view in Unity Catalog; the `location` of a view is empty."""

    location: str
    properties: Mapping[str, str]
    columns: frozenset[str]


class Catalogs:
    """The names of a workspace. `default` is read once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @cached_property
    def default(self) -> str:
        """The catalog of names that do not name one; the legacy metastore without Unity Catalog."""
        assigned = look_up(self._workspace, f"{ROOT}/current-metastore-assignment") or {}
        return str(assigned.get("default_catalog_name") or LEGACY)

    def full(self, table: str) -> str:
        """Return the name of a table with its three levels."""
        parts = table.split(".")
        if len(parts) == 1:
            parts = ["default", *parts]
        return ".".join(parts if len(parts) == 3 else [self.default, *parts])

    def is_legacy(self, table: str) -> bool:
        """Return whether a table is in the legacy metastore."""
        return self.full(table).startswith(f"{LEGACY}.")

    def names(self, otherwise: Names | None) -> Names:
        """Return what names refer to; `otherwise` answers for the legacy metastore."""
        own = Names(location=self._location, properties=self._properties, has_schema=self._has_schema)

        def of(table: str) -> Names:
            return otherwise if otherwise and self.is_legacy(table) else own

        return Names(
            location=lambda table: of(table).location(table),
            properties=lambda view: of(view).properties(view),
            has_schema=lambda schema: of(f"{schema}.any").has_schema(schema),
        )

    def entry(self, name: str) -> Entry | None:
        """Return what Unity Catalog shows of a table or view; None if the name is free.

        Raises:
            UnansweredError: if Databricks refused to answer.
        """
        found = self._there("table", name, "tables", self.full(name))
        if found is None:
            return None
        is_view = "VIEW" in str(found.get("table_type"))
        return Entry(
            location="" if is_view else str(found.get("storage_location") or ""),
            properties=dict(found.get("properties") or {}),
            columns=frozenset(str(one["name"]) for one in found.get("columns", [])),
        )

    def _location(self, table: str) -> str | None:
        entry = self.entry(table)
        return None if entry is None else entry.location

    def _properties(self, view: str) -> Mapping[str, str] | None:
        entry = self.entry(view)
        return None if entry is None else entry.properties

    def _has_schema(self, schema: str) -> bool:
        full = self.full(f"{schema}.any").rpartition(".")[0]
        return self._there("schema", schema, "schemas", full) is not None

    def _there(self, what: str, shown: str, kind: str, name: str) -> dict[str, Any] | None:
        from airflow.providers.common.compat.sdk import AirflowException

        try:
            return look_up(self._workspace, api_path(f"{ROOT}/{kind}", name))
        except AirflowException as refused:
            raise UnansweredError(f"{what} {shown!r}", str(refused)) from refused


def look_up(workspace: Workspace, path: str) -> dict[str, Any] | None:
    """Return one object, or None if there is none."""
    from airflow.providers.databricks.exceptions import DatabricksApiError

    try:
        return workspace.get(path)
    except DatabricksApiError as refused:
        if refused.http_status_code == 404 or "DOES_NOT_EXIST" in str(refused):
            return None
        raise


@dataclass(frozen=True, kw_only=True)
class Place:
    """A path of the ingest, what it is, and the privileges that the location over it must give."""

    path: str
    what: str
    privileges: tuple[str, ...]


def places(requests: Iterable[IngestRequest]) -> list[Place]:
    """Return the paths of the ingest. Pure."""
    found = []
    for request in requests:
        logs = f"s3://{request.log_bucket}/{listing_prefix(request.logs)}".rstrip("/")
        found.append(Place(path=logs, what=f"log files of {request.kind}", privileges=(READ_FILES,)))
        found += [
            Place(path=path, what=f"table {name}", privileges=(READ_FILES, WRITE_FILES, CREATE_EXTERNAL))
            for name, path in request.tables.items()
        ]
        found.append(
            Place(
                path=request.checkpoint_path,
                what=f"checkpoint of {request.kind}",
                privileges=(READ_FILES, WRITE_FILES),
            )
        )
    return found


def check_catalog(
    workspace: Workspace,
    requests: Iterable[IngestRequest],
    params: Mapping[str, Any],
    *,
    has_profile: Callable[[], bool],
    compute: str,
) -> list[Finding]:
    """Check the external locations over the paths, and every privilege of the ingest's principal.

    Args:
        workspace: the workspace of the ingest.
        requests: the requests.
        params: the params of the requests.
        has_profile: whether the compute has an instance profile: it then reaches paths without a location.
        compute: the subject of the check of the compute, which says why `has_profile` fails.
    """
    from airflow.providers.common.compat.sdk import AirflowException

    requests = list(requests)
    try:
        profile = has_profile()
    except AirflowException as refused:
        return [
            Finding(
                check=CHECK,
                subject="Unity Catalog",
                status="failed",
                detail=f"Databricks did not show the compute: {refused}",
                remedy="Correct the compute first.",
                follows=compute,
            )
        ]
    catalogs = Catalogs(workspace)
    tables = [name for request in requests for name in request.tables]
    own = [catalogs.full(name) for name in tables if not catalogs.is_legacy(name)]
    if not own and profile:
        where = Finding(
            check=CHECK,
            subject="Unity Catalog",
            status="skipped",
            detail=f"not used: the tables are in {LEGACY}, and the compute has an instance profile",
        )
        return [where, *check_compute_permissions(workspace, params)]
    locations = list(fetch_locations(workspace))
    needs = [*table_needs(own), *volume_needs(code_root(params))]
    findings = []
    for place in places(requests):
        location = location_of(place.path, locations)
        if location is not None:
            needs.append(
                Need(
                    securable=LOCATION,
                    name=str(location["name"]),
                    privileges=place.privileges[: None if own else 2],
                    purpose=f"use the {place.what}",
                )
            )
        elif finding := decide_uncovered(place, catalog=bool(own), profile=profile):
            findings.append(finding)
    if not findings:
        findings = [
            Finding(check=CHECK, subject="external locations", status="ok", detail="contain every path")
        ]
    names = principals(workspace, str(params.get("ingest_principal") or ""))
    findings += [finding for need in merged(needs) for finding in check_need(workspace, need, names)]
    return findings + check_compute_permissions(workspace, params)


def check_compute_permissions(workspace: Workspace, params: Mapping[str, Any]) -> list[Finding]:
    """Check the permissions on the cluster or the policy, and on the warehouse.

    Source: Databricks, "Compute permissions" and "SQL warehouse access control": who may do what.
    """
    given = str(params.get("ingest_principal") or "")
    compute = compute_of(params)
    findings = []
    if compute == "existing_cluster":
        key, purpose = str(params["cluster_id"]), "install the job wheel in each run"
        findings += check_permission(workspace, "clusters", key, ("CAN_MANAGE",), given, purpose=purpose)
    elif compute == "new_cluster" and params.get("policy_id"):
        key, purpose = str(params["policy_id"]), "start a cluster for each run"
        findings += check_permission(workspace, "cluster-policies", key, ("CAN_USE",), given, purpose=purpose)
    levels = ("CAN_USE", "CAN_MONITOR", "CAN_MANAGE", "IS_OWNER")
    key, purpose = str(params["warehouse_id"]), "create the tables and count their rows"
    return findings + check_permission(workspace, "warehouses", key, levels, given, purpose=purpose)


def decide_uncovered(place: Place, *, catalog: bool, profile: bool) -> Finding | None:
    """Return the finding for a path without an external location; None if it needs none. Pure."""
    is_table = CREATE_EXTERNAL in place.privileges
    if profile and not (is_table and catalog):
        return None
    why = (
        "Unity Catalog creates no table there (NO_PARENT_EXTERNAL_LOCATION_FOR_PATH)"
        if is_table and catalog
        else "compute without an instance profile cannot reach it"
    )
    legacy = ", or choose a table name in hive_metastore" if is_table and catalog and profile else ""
    bucket = "/".join(place.path.split("/")[:3])
    return Finding(
        check=CHECK,
        subject=place.path,
        status="failed",
        detail=f"no external location that the connection can see contains it: {why}",
        remedy=f"Create an external location for {bucket} or a folder of it, and grant its principal "
        f"{in_words(place.privileges)} on it (the set-up does both, with the reader storage_credential)"
        f"{legacy}.",
    )


def principals(workspace: Workspace, given: str) -> list[str]:
    """Return the ingest's principal, and its groups if it is the connection's own."""
    if given:
        return [given, EVERYBODY]
    me = workspace.get("2.0/preview/scim/v2/Me")
    groups = [str(group.get("display")) for group in me.get("groups", [])][:GROUPS]
    return [str(me.get("userName")), EVERYBODY, *groups]


def check_permission(
    workspace: Workspace, kind: str, key: str, levels: Sequence[str], given: str, *, purpose: str
) -> list[Finding]:
    """Check that the ingest's principal has one of these permissions on compute, the weakest first.

    `kind` is the object's type in the Permissions API, such as `clusters`; `given` is the principal if it is
    not the connection's own. Who may read permissions is not documented, so a refusal is no finding.
    """
    from airflow.providers.databricks.exceptions import DatabricksApiError

    names = principals(workspace, given)
    try:
        answer = workspace.get(api_path(f"2.0/permissions/{kind}", key))
    except DatabricksApiError:
        return []
    found = {
        str(one.get("permission_level"))
        for entry in answer.get("access_control_list", [])
        if {entry.get(name) for name in ("user_name", "service_principal_name", "group_name")} & set(names)
        for one in entry.get("all_permissions", [])
    }
    return decide_permission(f"{_PAGES[kind]} {key}", names[0], found, levels, purpose=purpose)


def decide_permission(
    subject: str, principal: str, found: Iterable[str], levels: Sequence[str], *, purpose: str
) -> list[Finding]:
    """Return the finding for a permission on compute; none if the principal has it. Pure."""
    if set(found) & set(levels):
        return []
    shown = levels[0].replace("_", " ").capitalize()
    return [
        Finding(
            check=CHECK,
            subject=subject,
            status="failed",
            detail=f"{principal} lacks *{shown}*; needed to {purpose}",
            remedy=f"On the page of {subject}, under *Permissions*, give {principal} *{shown}*.",
        )
    ]


def check_need(workspace: Workspace, need: Need, names: Sequence[str]) -> list[Finding]:
    """Check the privileges on one object."""
    from airflow.providers.databricks.exceptions import DatabricksApiError

    quoted = api_path("", need.name).removeprefix("/")
    try:
        found = held(workspace, need, names, quoted)
        missing = [one for one in need.privileges if one not in found]
        if missing and owner(workspace, need, quoted) in names:
            missing = []
    except DatabricksApiError as refused:
        return [decide_unknown(need, names[0], refused.http_status_code, str(refused))]
    return [decide_need(need, missing, names[0])]


def owner(workspace: Workspace, need: Need, quoted: str) -> str:
    """Return who owns an object, who has every privilege on it; empty if the object is not shown."""
    from airflow.providers.databricks.exceptions import DatabricksApiError

    folder = "external-locations" if need.securable == LOCATION else _WHERE[need.securable]
    try:
        found = look_up(workspace, f"{ROOT}/{folder}/{quoted}") or {}
    except DatabricksApiError as refused:
        if refused.http_status_code != 403:
            raise
        return ""
    return str(found.get("owner") or "")


def decide_need(need: Need, missing: Sequence[str], principal: str) -> Finding:
    """Return the finding for one object. Pure."""
    if not missing:
        shown = in_words(need.privileges)
        return Finding(check=CHECK, subject=need.words, status="ok", detail=f"{principal} has {shown}")
    return Finding(
        check=CHECK,
        subject=need.words,
        status="failed",
        detail=f"{principal} lacks {in_words(missing)}; needed to {need.purpose}",
        remedy=f"Its owner or an admin runs: {grant_statement(need, missing, principal)}",
    )


def decide_unknown(need: Need, principal: str, status: int | None, words: str) -> Finding:
    """Return the finding for an object whose privileges cannot be read. Pure."""
    if status == 404 or "DOES_NOT_EXIST" in words:
        made = f"CREATE {need.securable} {need.name}"
        return Finding(
            check=CHECK,
            subject=need.words,
            status="failed",
            detail=f"does not exist, or {principal} cannot see it; needed to {need.purpose}",
            remedy=f"Create it ({made}), correct the param that names it, or have its owner run: "
            f"{grant_statement(need, need.privileges, principal)}",
        )
    return Finding(
        check=CHECK,
        subject=need.words,
        status="warning",
        detail=f"the privileges of {principal} could not be read: {words}",
        remedy=f"Make sure that it has them: {grant_statement(need, need.privileges, principal)}",
    )


def in_words(privileges: Iterable[str]) -> str:
    """Return privileges as SQL writes them."""
    return ", ".join(one.replace("_", " ") for one in privileges)
