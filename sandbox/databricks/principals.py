"""Who calls: an admin of the workspace, or a service principal with only the rights that it was given.

Each has a token. The gateway finds the caller and keeps it for the time of the call. Sources: Permissions API
2.0; SCIM: a service principal's user name is its application ID.
"""

from contextvars import ContextVar
from typing import Any

from databricks.sdk.service.compute import ClusterPoliciesAPI, ClustersAPI
from databricks.sdk.service.sql import WarehousesAPI
from fastapi import APIRouter

from sandbox.databricks.errors import PermissionDeniedError
from sandbox.databricks.objects import Objects
from sandbox.databricks.parameters import Parameters
from sandbox.databricks.payloads import Json, checked
from sandbox.databricks.rules import Rule
from sandbox.databricks.settings import SERVICE_PRINCIPAL, USER, Settings

KIND = "permissions"
# From the least to the most: each includes those before it.
LEVELS = ("CAN_USE", "CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE")
_APIS: dict[str, tuple[Any, str]] = {
    "clusters": (ClustersAPI, "cluster_id"),
    "cluster-policies": (ClusterPoliciesAPI, "cluster_policy_id"),
    "warehouses": (WarehousesAPI, "warehouse_id"),
}
_WORDS = {"CAN_USE": "Use", "CAN_ATTACH_TO": "Attach", "CAN_RESTART": "Restart", "CAN_MANAGE": "Manage"}
_caller: ContextVar[str] = ContextVar("caller", default=USER)


def caller() -> str:
    """Return the user name of the principal whose call is being served."""
    return _caller.get()


def serve(name: str) -> None:
    """Note whose call is being served, for this call only."""
    _caller.set(name)


def me() -> Json:
    """Return the principal that the token belongs to."""
    service = caller() == SERVICE_PRINCIPAL
    shown = "Sandbox ingest" if service else "Sandbox"
    groups = [] if service else [{"display": "admins", "value": "10", "type": "direct"}]
    found = {"id": "2" if service else "1", "userName": caller(), "displayName": shown, "active": True}
    return found | {"groups": groups}


class Permissions:
    """The routes, and the check of a right on a cluster or a policy."""

    def __init__(self, objects: Objects, settings: Settings) -> None:
        self._objects, self._settings = objects, settings

    def router(self) -> APIRouter:
        """Return the routes to read and to add permissions."""
        router = APIRouter()
        for kind in _APIS:
            route = f"/api/2.0/permissions/{kind}/{{key}}"

            def get(key: str, kind: str = kind) -> Json:
                return self.shown(kind, key)

            def add(key: str, parameters: Parameters, kind: str = kind) -> Json:
                return self.add(kind, key, parameters)

            def set_all(key: str, parameters: Parameters, kind: str = kind) -> Json:
                return self.add(kind, key, parameters, replace=True)

            router.add_api_route(route, get, methods=["GET"])
            router.add_api_route(route, add, methods=["PATCH"])
            router.add_api_route(route, set_all, methods=["PUT"])
        router.add_api_route("/api/2.0/preview/scim/v2/Me", me, methods=["GET"])
        return router

    def shown(self, kind: str, key: str) -> Json:
        """Return every principal's permission on an object; admins manage all of them."""
        most = "CAN_USE" if kind == "cluster-policies" else "CAN_MANAGE"
        of_admins: Json = {"permission_level": most, "inherited": True}
        entries: list[Json] = [{"group_name": "admins", "all_permissions": [of_admins]}]
        for name, level in (self._objects.get(KIND, f"{kind}/{key}") or {}).items():
            who = {"user_name" if "@" in name else "service_principal_name": name}
            entries.append({**who, "all_permissions": [{"permission_level": level, "inherited": False}]})
        return {"object_id": f"/{kind}/{key}", "access_control_list": entries}

    def add(self, kind: str, key: str, parameters: Json, *, replace: bool = False) -> Json:
        """Add permissions to those of an object, or replace all that it has itself."""
        api, id_of = _APIS[kind]
        request = checked(api.update_permissions, {id_of: key} | parameters)
        self.require(kind, key, "CAN_MANAGE", caller())
        with self._objects.change():
            known = ({} if replace else self._objects.get(KIND, f"{kind}/{key}")) or {}
            for entry in request.get("access_control_list", []):
                name = (
                    entry.get("service_principal_name") or entry.get("user_name") or entry.get("group_name")
                )
                known[name] = entry["permission_level"]
            self._objects.put(KIND, f"{kind}/{key}", known)
        return self.shown(kind, key)

    def require(self, kind: str, key: str, level: str, who: str, owner: str = "") -> None:
        """Check a right; an admin and the owner have every right.

        Raises:
            PermissionDeniedError: if the principal lacks it.
        """
        if who in (USER, owner) or not self._settings.enforces(Rule.COMPUTE_PERMISSIONS):
            return
        given = (self._objects.get(KIND, f"{kind}/{key}") or {}).get(who)
        if given is None or LEVELS.index(given) < LEVELS.index(level):
            raise PermissionDeniedError(
                f"{who} does not have {_WORDS[level]} permissions on {key}. Please contact the owner or an "
                "administrator for access."
            )
