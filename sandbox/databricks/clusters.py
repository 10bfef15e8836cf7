"""Clusters: the calls, and a cluster's states over time.

Source: Databricks REST, Clusters API 2.1. A cluster starts, restarts and stops in `cluster_seconds`. It stops
by itself when nothing has run on it for its `autotermination_minutes`. Its state follows from the last
request and its time, so a restart of the stand-in changes nothing. As everywhere in the sandbox, each job on
it runs as one process, here with the cluster's `spark_conf` and `spark_env_vars`.
"""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from databricks.sdk.service.compute import ClustersAPI
from fastapi import APIRouter

from sandbox.databricks.clock import now_ms
from sandbox.databricks.cluster_policies import ClusterPolicies
from sandbox.databricks.cluster_rules import require_disk, sound_cluster
from sandbox.databricks.errors import ApiError, InvalidParameterError, InvalidStateError
from sandbox.databricks.objects import Objects
from sandbox.databricks.parameters import Parameters
from sandbox.databricks.payloads import Json, checked
from sandbox.databricks.principals import caller
from sandbox.databricks.settings import Settings

KIND = "cluster"
PAGE, PAGE_LIMIT = 20, 100
# The fields that an edit does not change.
_OWN = ("cluster_id", "creator_user_name", "start_time", "cluster_source", "default_tags")
_VOLATILE = ("apply_policy_default_values", "cluster_id")


class Clusters:
    """The routes and the lifecycle of clusters.

    A stored document has what `get` shows, and `next`: the next state and its time.
    """

    def __init__(self, objects: Objects, policies: ClusterPolicies, settings: Settings) -> None:
        self._objects, self._policies, self._settings = objects, policies, settings
        self.on_stop: Callable[[str], None] = lambda _: None
        self.last_use: Callable[[str], int | None] = lambda _: None

    def router(self) -> APIRouter:
        """Return the routes of the calls, in every API version."""
        router = APIRouter()
        for version in ("2.0", "2.1"):
            root = f"/api/{version}/clusters"
            for name in ("create", "edit", "start", "delete", "permanent-delete"):
                call = getattr(self, name.replace("-", "_"))
                router.add_api_route(f"{root}/{name}", call, methods=["POST"])
            router.add_api_route(f"{root}/get", self.get, methods=["GET"])
            router.add_api_route(f"{root}/list", self.list, methods=["GET"])
        return router

    def create(self, parameters: Parameters) -> Json:
        """Create a cluster and start it."""
        request = self._checked(ClustersAPI.create, parameters)
        now = now_ms()
        cluster_id = f"{datetime.now(UTC):%m%d-%H%M%S}-{secrets.token_hex(4)}"
        made = {
            "cluster_id": cluster_id,
            "creator_user_name": caller(),
            "cluster_source": "API",
            "start_time": now,
            "default_tags": {"Vendor": "Databricks", "Creator": caller(), "ClusterId": cluster_id},
            "cluster_name": "",
        }
        with self._objects.change():
            self._put(made | request, "PENDING", then="RUNNING")
        return {"cluster_id": cluster_id}

    def edit(self, parameters: Parameters) -> Json:
        """Replace the settings; a running cluster restarts with them."""
        request = self._checked(ClustersAPI.edit, parameters)
        with self._objects.change():
            known = self._known(parameters["cluster_id"])
            state = known["state"]
            if state not in ("RUNNING", "TERMINATED"):
                raise InvalidStateError(f"Cluster {known['cluster_id']} is in unexpected state {state}.")
            kept = {key: known[key] for key in _OWN if key in known}
            if state == "RUNNING":
                self._put(kept | request, "RESTARTING", then="RUNNING")
            else:
                self._put(kept | request, "TERMINATED")
        if state == "RUNNING":
            self.on_stop(parameters["cluster_id"])
        return {}

    def start(self, parameters: Parameters) -> Json:
        """Start a terminated cluster; do nothing in any other state."""
        cluster_id = checked(ClustersAPI.start, parameters)["cluster_id"]
        self._start(cluster_id)
        return {}

    def delete(self, parameters: Parameters) -> Json:
        """Terminate a cluster and its runs; it can be started again."""
        cluster_id = checked(ClustersAPI.delete, parameters)["cluster_id"]
        with self._objects.change():
            known = self._known(cluster_id)
            if known["state"] not in ("TERMINATING", "TERMINATED"):
                why = {"code": "USER_REQUEST", "type": "SUCCESS", "parameters": {"username": caller()}}
                self._put(known | {"termination_reason": why}, "TERMINATING", then="TERMINATED")
        self.on_stop(cluster_id)
        return {}

    def permanent_delete(self, parameters: Parameters) -> Json:
        """Terminate a cluster and delete it."""
        cluster_id = checked(ClustersAPI.permanent_delete, parameters)["cluster_id"]
        with self._objects.change():
            self._known(cluster_id)
            self._objects.remove(KIND, cluster_id)
        self.on_stop(cluster_id)
        return {}

    def get(self, parameters: Parameters) -> Json:
        """Return a cluster by its id."""
        query = checked(ClustersAPI.get, {"cluster_id": parameters.get("cluster_id")}, text=True)
        with self._objects.change():
            return _shown(self._known(query["cluster_id"]))

    def list(self, parameters: Parameters) -> Json:
        """Return the clusters, the oldest first, in pages."""
        query = checked(ClustersAPI.list, parameters, text=True)
        size = query.get("page_size", PAGE)
        if not 0 < size <= PAGE_LIMIT:
            raise InvalidParameterError(f"page_size must be between 1 and {PAGE_LIMIT}, not {size}")
        start = int(query.get("page_token") or 0)
        with self._objects.change():
            found = [self._known(key) for key in self._objects.all(KIND)]
        more = {"next_page_token": str(start + size)} if start + size < len(found) else {}
        return {"clusters": [_shown(one) for one in found[start : start + size]], **more}

    def record(self, cluster_id: str) -> Json | None:
        """Return the cluster as `get` shows it, or None."""
        with self._objects.change():
            return _shown(self._known(cluster_id)) if self._objects.get(KIND, cluster_id) else None

    def wanted_by_job(self, cluster_id: str) -> str:
        """Start the cluster if it is terminated, and return its state for a job; empty if it was deleted."""
        found = self.record(cluster_id)
        if found is None:
            return ""
        if found["state"] == "TERMINATED":
            self._start(cluster_id)
        return str(found["state"])

    def under_policy(self, settings: Json) -> Json:
        """Return a new cluster's settings with its policy's values.

        Raises:
            InvalidParameterError: for settings that the policy or a rule refuses.
        """
        found = self._policies.applied(settings)
        require_disk(found, self._settings)
        return found

    def for_job(self, settings: Json) -> Json:
        """Return the settings of a run's cluster; a policy may have been deleted since the submission."""
        try:
            return self._policies.applied(settings)
        except ApiError:
            return settings

    def _start(self, cluster_id: str) -> None:
        with self._objects.change():
            known = self._known(cluster_id)
            if known["state"] == "TERMINATED":
                gone = ("termination_reason", "terminated_time")
                kept = {key: value for key, value in known.items() if key not in gone}
                self._put(kept | {"start_time": now_ms()}, "PENDING", then="RUNNING")

    def _checked(self, method: Callable[..., Any], parameters: Json) -> Json:
        """Return the settings of create or edit, after their policy and the rules."""
        request = self._policies.applied(checked(method, parameters))
        settings = {key: value for key, value in request.items() if key not in _VOLATILE}
        return sound_cluster(settings, self._objects, self._settings)

    def _known(self, cluster_id: str) -> Json:
        """Return the document of a cluster in its current state."""
        found = self._objects.get(KIND, cluster_id)
        if found is None:
            raise InvalidParameterError(f"Cluster {cluster_id} does not exist")
        following = found.get("next")
        if following and now_ms() >= following["at"]:
            entered = {"RUNNING": "last_restarted_time", "TERMINATED": "terminated_time"}[following["state"]]
            self._put(found | {entered: following["at"]}, following["state"])
        elif found["state"] == "RUNNING" and (idle_since := self._idle_since(found)):
            minutes = str(found["autotermination_minutes"])
            inactivity = {"inactivity_duration_min": minutes}
            why = {"code": "INACTIVITY", "type": "SUCCESS", "parameters": inactivity}
            stopped = idle_since + found["autotermination_minutes"] * 60_000
            self._put(found | {"termination_reason": why, "terminated_time": stopped}, "TERMINATED")
        return self._objects.get(KIND, cluster_id) or found

    def _idle_since(self, cluster: Json) -> int | None:
        """Return the time of its last use once it has been idle for too long, else None."""
        minutes = cluster.get("autotermination_minutes", 0)
        begun = cluster.get("last_restarted_time", 0)
        if not minutes or not begun or now_ms() < begun + minutes * 60_000:
            return None
        used = self.last_use(cluster["cluster_id"])
        since = int(max(begun, now_ms() if used is None else used))
        return since if now_ms() >= since + minutes * 60_000 else None

    def _put(self, document: Json, state: str, *, then: str = "") -> None:
        document = {key: value for key, value in document.items() if key != "next"} | {"state": state}
        document["state_message"] = ""
        if then:
            at = now_ms() + int(self._settings.cluster_seconds * 1000)
            document["next"] = {"state": then, "at": at}
        self._objects.put(KIND, document["cluster_id"], document)


def _shown(document: Json) -> Json:
    return {key: value for key, value in document.items() if key != "next"}
