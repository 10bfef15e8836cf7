"""The principal that runs the ingest, if it is not the one that makes the set-up, and its rights on compute.

A dedicated cluster runs the code of one principal only, by default of the one that created it. Sources:
Clusters API 2.1, `single_user_name`; Permissions API 2.0; "Compute permissions": only *Can manage* allows a
principal to install libraries, which each run does.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from cloudtrail_to_delta.setup.databricks.calls import send
from cloudtrail_to_delta.setup.resources import Clouds

CLUSTERS, POLICIES, WAREHOUSES = "clusters", "cluster-policies", "warehouses"
MANAGE, USE = "CAN_MANAGE", "CAN_USE"
_NAMES = ("user_name", "group_name", "service_principal_name")
_APPLICATION_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def named(principal: str) -> dict[str, str]:
    """Return the principal as the APIs name it: a service principal by its application ID, else a user."""
    kind = "service_principal_name" if _APPLICATION_ID.fullmatch(principal) else "user_name"
    return {kind: principal}


def has_level(clouds: Clouds, kind: str, key: str, principal: str, level: str) -> bool:
    """Return whether the principal itself has this permission on an object."""
    answer = clouds.databricks.get(f"2.0/permissions/{kind}/{key}")
    return level in _levels(answer.get("access_control_list", []), named(principal))


def grant(clouds: Clouds, kind: str, key: str, principal: str, level: str) -> None:
    """Give the principal a permission on an object, in addition to all others."""
    entry = named(principal) | {"permission_level": level}
    send(clouds, "PATCH", f"2.0/permissions/{kind}/{key}", {"access_control_list": [entry]})


def revoke(clouds: Clouds, kind: str, key: str, principal: str) -> None:
    """Take all permissions that the principal itself has on an object; all others stay.

    Source: Permissions API 2.0: PUT replaces all direct permissions, and there is no call to remove one.
    """
    path, gone = f"2.0/permissions/{kind}/{key}", named(principal)
    kept = [
        {name: value for name, value in entry.items() if name in _NAMES}
        | {"permission_level": one["permission_level"]}
        for entry in clouds.databricks.get(path).get("access_control_list", [])
        if not gone.items() <= entry.items()
        for one in entry.get("all_permissions", [])
        if not one.get("inherited")
    ]
    send(clouds, "PUT", path, {"access_control_list": kept})


def _levels(entries: Iterable[Mapping[str, Any]], wanted: Mapping[str, str]) -> set[str]:
    return {
        str(one.get("permission_level"))
        for entry in entries
        if wanted.items() <= entry.items()
        for one in entry.get("all_permissions", [])
    }
