"""Cluster policies: create, edit, get, list, delete, and apply to a cluster's settings.

Source: Databricks REST, Cluster Policies API 2.0, and "Compute policy reference" for the definition language:
a rule for each setting by its path (`aws_attributes.instance_profile_arn`), of type fixed, forbidden,
allowlist, blocklist, regex, range or unlimited.
"""

import json
import re
import secrets
from collections.abc import Callable
from typing import Any

from databricks.sdk.service.compute import ClusterPoliciesAPI
from fastapi import APIRouter

from sandbox.databricks.clock import now_ms
from sandbox.databricks.errors import InvalidParameterError, NotFoundError, NotSupportedError
from sandbox.databricks.objects import Objects
from sandbox.databricks.parameters import Parameters
from sandbox.databricks.payloads import Json, checked
from sandbox.databricks.settings import USER

KIND = "cluster_policy"
TYPES = ("fixed", "forbidden", "allowlist", "blocklist", "regex", "range", "unlimited")
# Rules about the cluster as a whole, not about its settings.
_VIRTUAL = ("cluster_type", "dbus_per_hour")


class ClusterPolicies:
    """The routes, and the rules that clusters must follow."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def router(self) -> APIRouter:
        """Return the routes of the five calls."""
        router = APIRouter()
        root = "/api/2.0/policies/clusters"
        for name, method in (("create", "POST"), ("edit", "POST"), ("delete", "POST"), ("get", "GET")):
            router.add_api_route(f"{root}/{name}", getattr(self, name), methods=[method])
        router.add_api_route(f"{root}/list", self.list, methods=["GET"])
        return router

    def create(self, parameters: Parameters) -> Json:
        """Create a policy."""
        request = _sound(checked(ClusterPoliciesAPI.create, parameters))
        made = {"creator_user_name": USER, "created_at_timestamp": now_ms(), "is_default": False}
        with self._objects.change():
            self._unique(request["name"], "")
            policy_id = secrets.token_hex(8).upper()
            self._objects.put(KIND, policy_id, {"policy_id": policy_id} | request | made)
        return {"policy_id": policy_id}

    def edit(self, parameters: Parameters) -> Json:
        """Replace a policy; existing clusters do not change."""
        request = _sound(checked(ClusterPoliciesAPI.edit, parameters))
        policy_id = request["policy_id"]
        with self._objects.change():
            known = self.known(policy_id)
            self._unique(request["name"], policy_id)
            kept = ("policy_id", "creator_user_name", "created_at_timestamp", "is_default")
            self._objects.put(KIND, policy_id, {key: known[key] for key in kept} | request)
        return {}

    def get(self, parameters: Parameters) -> Json:
        """Return one policy."""
        return self.known(checked(ClusterPoliciesAPI.get, parameters, text=True)["policy_id"])

    def list(self, parameters: Parameters) -> Json:
        """Return every policy, by default the newest first."""
        query = checked(ClusterPoliciesAPI.list, parameters, text=True)
        by_name = query.get("sort_column") == "POLICY_NAME"
        policies = sorted(
            self._objects.all(KIND).values(),
            key=lambda policy: str(policy["name"]) if by_name else f"{policy['created_at_timestamp']:020}",
            reverse=query.get("sort_order", "DESC") == "DESC",
        )
        return {"policies": policies, "total_count": len(policies)}

    def delete(self, parameters: Parameters) -> Json:
        """Delete a policy; its clusters continue to run but can no longer be edited."""
        policy_id = checked(ClusterPoliciesAPI.delete, parameters)["policy_id"]
        with self._objects.change():
            self.known(policy_id)
            self._objects.remove(KIND, policy_id)
        return {}

    def known(self, policy_id: str) -> Json:
        """Return the policy with this id.

        Raises:
            NotFoundError: if it does not exist.
        """
        found = self._objects.get(KIND, policy_id)
        if found is None:
            raise NotFoundError(f"Can't find a cluster policy with id: {policy_id}.")
        return found

    def applied(self, request: Json) -> Json:
        """Return a cluster's settings with its policy's fixed values and, on request, default values.

        Raises:
            InvalidParameterError: names every setting that violates a rule.
        """
        if not request.get("policy_id"):
            return request
        rules = json.loads(self.known(request["policy_id"])["definition"])
        found = json.loads(json.dumps(request))
        broken = []
        for path, rule in rules.items():
            if path in _VIRTUAL:
                continue
            given = _look(found, path)
            filler = rule.get("value") if rule["type"] == "fixed" else None
            if filler is None and request.get("apply_policy_default_values"):
                filler = rule.get("defaultValue")
            if given is None and filler is not None:
                _fill(found, path, filler)
            elif complaint := _complaint(rule, given):
                broken.append(f"Validation failed for {path}, {complaint}")
        if broken:
            raise InvalidParameterError(f"Cluster validation error: {'; '.join(broken)}")
        return dict(found)

    def _unique(self, name: str, own: str) -> None:
        if any(one["name"] == name and key != own for key, one in self._objects.all(KIND).items()):
            raise InvalidParameterError(f"Policy with name {name} already exists")


def _sound(request: Json) -> Json:
    """Return the request of create or edit, after a check of its name and definition."""
    if not 1 <= len(request.get("name", "")) <= 100:
        raise InvalidParameterError("The name of a policy must have 1 to 100 characters")
    for key in ("policy_family_id", "policy_family_definition_overrides", "libraries"):
        if request.get(key):
            raise NotSupportedError(f"{key} is not implemented by the sandbox")
    try:
        rules = json.loads(request.get("definition", ""))
    except ValueError as error:
        raise InvalidParameterError(f"The definition of a policy must be JSON: {error}") from error
    wrong = [
        path
        for path, rule in (rules.items() if isinstance(rules, dict) else [("", {})])
        if not isinstance(rule, dict) or rule.get("type") not in TYPES
    ]
    if wrong:
        raise InvalidParameterError(f"The rules of {', '.join(wrong)} must have a type: {', '.join(TYPES)}")
    return request


def _complaint(rule: Json, given: Any) -> str:
    """Return why `given` violates the rule, or an empty text."""
    if given is None:
        optional = rule["type"] in ("forbidden", "unlimited", "blocklist") or rule.get("isOptional", False)
        return "" if optional else "the value must be present"
    kind = rule["type"]
    broken: dict[str, Callable[[], bool]] = {
        "fixed": lambda: bool(given != rule.get("value")),
        "forbidden": lambda: True,
        "allowlist": lambda: given not in rule.get("values", []),
        "blocklist": lambda: given in rule.get("values", []),
        "regex": lambda: re.fullmatch(rule.get("pattern", ""), str(given)) is None,
        "range": lambda: not rule.get("minValue", given) <= given <= rule.get("maxValue", given),
        "unlimited": lambda: False,
    }
    wanted = {"fixed": f"be {rule.get('value')}", "forbidden": "not be present"}.get(kind, f"satisfy {rule}")
    return f"the value must {wanted} (is {given!r})" if broken[kind]() else ""


def _look(settings: Any, path: str) -> Any:
    """Return the setting at a path; a key may contain dots, as those of `spark_conf` do."""
    if not isinstance(settings, dict):
        return None
    if path in settings:
        return settings[path]
    head, _, rest = path.partition(".")
    return _look(settings.get(head), rest) if rest else None


def _fill(settings: Json, path: str, value: Any) -> None:
    head, _, rest = path.partition(".")
    if not rest:
        settings[path] = value
    elif head in ("spark_conf", "spark_env_vars", "custom_tags"):
        settings.setdefault(head, {})[rest] = value
    else:
        _fill(settings.setdefault(head, {}), rest, value)
