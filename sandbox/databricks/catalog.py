"""Unity Catalog: storage credentials and external locations.

Source: Databricks REST, Unity Catalog API 2.1, Storage Credentials and External Locations; "Path rules and
access in Unity Catalog volumes": external locations cannot overlap. A credential is created before its role
trusts it, because the trust policy needs the `external_id` in the answer. Only a location tests the role.
"""

import uuid
from typing import Any

from databricks.sdk.service.catalog import ExternalLocationsAPI, StorageCredentialsAPI
from fastapi import APIRouter

from sandbox.databricks import catalog_trials
from sandbox.databricks.clock import now_ms
from sandbox.databricks.errors import CatalogError, InvalidParameterError, NotSupportedError
from sandbox.databricks.objects import Objects
from sandbox.databricks.parameters import Parameters
from sandbox.databricks.payloads import Json, checked
from sandbox.databricks.settings import METASTORE_ID, UNITY_CATALOG_ROLE, USER, Settings

CREDENTIAL = "storage_credential"
LOCATION = "external_location"
WORDS = {CREDENTIAL: "Storage Credential", LOCATION: "External Location"}
# Small on purpose: "Clients must continue reading pages until next_page_token is absent".
PAGE = 1
ROOT = "/api/2.1/unity-catalog"
_OTHER_CLOUDS = (
    "azure_managed_identity",
    "azure_service_principal",
    "cloudflare_api_token",
    "databricks_gcp_service_account",
)
_NOT_DONE = ("isolation_mode", "encryption_details")
_FLAGS = ("skip_validation", "force", "new_name")


class Catalog:
    """The routes of credentials and locations."""

    def __init__(self, objects: Objects, settings: Settings) -> None:
        self._objects, self._settings = objects, settings

    def router(self) -> APIRouter:
        """Return the routes to create, get, list, update and delete both."""
        router = APIRouter()
        for name in ("credential", "location"):
            root = f"{ROOT}/{'storage-credentials' if name == 'credential' else 'external-locations'}"
            router.add_api_route(root, getattr(self, f"create_{name}"), methods=["POST"])
            router.add_api_route(root, getattr(self, f"list_{name}s"), methods=["GET"])
            router.add_api_route(f"{root}/{{name}}", getattr(self, f"get_{name}"), methods=["GET"])
            router.add_api_route(f"{root}/{{name}}", getattr(self, f"update_{name}"), methods=["PATCH"])
            router.add_api_route(f"{root}/{{name}}", getattr(self, f"delete_{name}"), methods=["DELETE"])
        return router

    def create_credential(self, parameters: Parameters) -> Json:
        """Create a credential for a role, which need not exist yet."""
        request = checked(StorageCredentialsAPI.create, parameters)
        _refuse(request, _OTHER_CLOUDS)
        if "aws_iam_role" not in request:
            raise InvalidParameterError("Exactly one credential must be provided: aws_iam_role is missing")
        return self._create(CREDENTIAL, request | {"aws_iam_role": _trusted(request["aws_iam_role"])})

    def get_credential(self, name: str) -> Json:
        """Return a credential."""
        return self._known(CREDENTIAL, name)

    def list_credentials(self, parameters: Parameters) -> Json:
        """Return the credentials, in pages."""
        return self._page(CREDENTIAL, checked(StorageCredentialsAPI.list, parameters, text=True))

    def update_credential(self, name: str, parameters: Parameters) -> Json:
        """Change a credential; a new role gets a new external id."""
        change = checked(StorageCredentialsAPI.update, {"name": name} | parameters)
        _refuse(change, (*_OTHER_CLOUDS, *_NOT_DONE))
        with self._objects.change():
            known = self._known(CREDENTIAL, name)
            role = change.get("aws_iam_role")
            if role and role["role_arn"] == known["aws_iam_role"]["role_arn"]:
                change["aws_iam_role"] = known["aws_iam_role"]
            elif role:
                change["aws_iam_role"] = _trusted(role)
            changed = self._update(CREDENTIAL, known, change)
            for key, location in self._objects.all(LOCATION).items():
                if location["credential_name"] == name:
                    self._objects.put(LOCATION, key, location | {"credential_name": changed["name"]})
        return changed

    def delete_credential(self, name: str, *, force: bool = False) -> Json:
        """Delete a credential; `force` deletes even one that a location uses."""
        with self._objects.change():
            self._known(CREDENTIAL, name)
            users = [o["name"] for o in self._objects.all(LOCATION).values() if o["credential_name"] == name]
            if users and not force:
                raise InvalidParameterError(
                    f"Storage credential '{name}' cannot be deleted: the external locations "
                    f"{', '.join(users)} use it. Use force to delete it all the same."
                )
            self._objects.remove(CREDENTIAL, name)
        return {}

    def create_location(self, parameters: Parameters) -> Json:
        """Create a location, and test its role unless `skip_validation` is true."""
        request = checked(ExternalLocationsAPI.create, parameters)
        _refuse(request, _NOT_DONE)
        self._allowed(request, own="")
        return self._create(LOCATION, _with_events(request))

    def get_location(self, name: str) -> Json:
        """Return a location."""
        return self._known(LOCATION, name)

    def list_locations(self, parameters: Parameters) -> Json:
        """Return the locations, in pages."""
        return self._page(LOCATION, checked(ExternalLocationsAPI.list, parameters, text=True))

    def update_location(self, name: str, parameters: Parameters) -> Json:
        """Change a location, and test its role unless `skip_validation` is true."""
        change = checked(ExternalLocationsAPI.update, {"name": name} | parameters)
        _refuse(change, _NOT_DONE)
        known = self._known(LOCATION, name)
        self._allowed(known | change, own=name)
        with self._objects.change():
            return self._update(LOCATION, self._known(LOCATION, name), _with_events(known | change))

    def delete_location(self, name: str, *, force: bool = False) -> Json:  # noqa: ARG002 - no table is under one
        """Delete a location; the files below it stay."""
        with self._objects.change():
            self._known(LOCATION, name)
            self._objects.remove(LOCATION, name)
        return {}

    def _allowed(self, location: Json, *, own: str) -> None:
        """Raise unless the credential exists, the URL is free, and the role has the required permissions."""
        credential = self._known(CREDENTIAL, location["credential_name"])
        others = {key: o for key, o in self._objects.all(LOCATION).items() if key != own}
        for key, other in others.items():
            if _overlap(location["url"], other["url"]):
                raise InvalidParameterError(
                    f"Input path url '{location['url']}' overlaps with other external locations within "
                    f"'{'UpdateExternalLocation' if own else 'CreateExternalLocation'}' call. "
                    f"Conflicting location: {key}."
                )
        if not location["url"].startswith("s3://"):
            raise NotSupportedError(f"The sandbox has locations in S3 only, not {location['url']}")
        if not location.get("skip_validation"):
            catalog_trials.try_out(location, credential["aws_iam_role"], self._settings.aws_endpoint)

    def _create(self, kind: str, request: Json) -> Json:
        name = request["name"]
        made = {"owner": USER, "created_by": USER, "created_at": now_ms(), "metastore_id": METASTORE_ID}
        kept = {key: value for key, value in request.items() if key not in _FLAGS}
        with self._objects.change():
            if self._objects.get(kind, name):
                raise CatalogError(f"{WORDS[kind]} '{name}' already exists", kind=kind.upper(), missing=False)
            document = {"id": str(uuid.uuid4()), "read_only": False} | kept | made | _touched()
            self._objects.put(kind, name, document)
        return document

    def _update(self, kind: str, known: Json, change: Json) -> Json:
        """Write the changed object under its name, which may be new; call this inside a change."""
        kept = {key: value for key, value in change.items() if key not in _FLAGS}
        document = known | kept | {"name": change.get("new_name", known["name"])} | _touched()
        if document["name"] != known["name"]:
            if self._objects.get(kind, document["name"]):
                words = f"{WORDS[kind]} '{document['name']}' already exists"
                raise CatalogError(words, kind=kind.upper(), missing=False)
            self._objects.remove(kind, known["name"])
        self._objects.put(kind, document["name"], document)
        return document

    def _known(self, kind: str, name: str) -> Json:
        found = self._objects.get(kind, name)
        if found is None:
            raise CatalogError(f"{WORDS[kind]} '{name}' does not exist.", kind=kind.upper(), missing=True)
        return found

    def _page(self, kind: str, query: Json) -> Json:
        size = query.get("max_results") or PAGE
        if size < 0:
            raise InvalidParameterError(f"max_results must not be negative, it is {size}")
        start = int(query.get("page_token") or 0)
        found = list(self._objects.all(kind).values())
        more = {"next_page_token": str(start + size)} if start + size < len(found) else {}
        return {f"{kind}s": found[start : start + size], **more}


def _trusted(role: Json) -> Json:
    """Return a role with the principal and the external id that its trust policy must name."""
    return role | {"external_id": str(uuid.uuid4()), "unity_catalog_iam_arn": UNITY_CATALOG_ROLE}


def _with_events(location: Json) -> Json:
    """Return the location with its file events, as the request and the defaults set them."""
    wanted = location.get("enable_file_events", True)
    queue = location.get("file_event_queue")
    if wanted and location.get("enable_file_events") and not queue:
        raise InvalidParameterError("file_event_queue must be defined when enable_file_events is true")
    if queue and len(queue) != 1:
        raise InvalidParameterError(f"file_event_queue must have exactly one property, not {sorted(queue)}")
    # If the request does not mention file events, the server's default applies, which here is none.
    on = bool(wanted and queue)
    effective: Json = {"effective_enable_file_events": on}
    if on and queue:
        effective["effective_file_event_queue"] = queue
    gone = ("effective_file_event_queue",) if on else ("effective_file_event_queue", "file_event_queue")
    return {key: value for key, value in location.items() if key not in gone} | effective


def _overlap(left: str, right: str) -> bool:
    one, other = (f"{url.rstrip('/')}/" for url in (left, right))
    return one.startswith(other) or other.startswith(one)


def _touched() -> Json:
    return {"updated_by": USER, "updated_at": now_ms()}


def _refuse(request: dict[str, Any], keys: tuple[str, ...]) -> None:
    for key in keys:
        if request.get(key):
            raise NotSupportedError(f"{key} is not implemented by the sandbox")
