"""The cluster that the ingest runs on. Source: Databricks REST, Clusters API 2.1."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cloudtrail_to_delta.runs.disks import volumes_for
from cloudtrail_to_delta.setup.databricks.calls import NOT_YET, send
from cloudtrail_to_delta.setup.databricks.principals import CLUSTERS, MANAGE, grant, has_level
from cloudtrail_to_delta.setup.resources import TAG, Clouds, Document, Found, Resource

LIST = "2.1/clusters/list"
# A cluster that a job created for itself cannot be adopted.
SOURCES = ("UI", "API", None)
# Fields that `clusters/get` returns and `clusters/edit` does not accept.
_SHOWN_ONLY = frozenset(
    (
        *("cluster_id", "creator_user_name", "driver", "executors", "spark_context_id", "jdbc_port", "state"),
        *("state_message", "start_time", "terminated_time", "last_state_loss_time", "last_activity_time"),
        *("last_restarted_time", "cluster_memory_mb", "cluster_cores", "default_tags", "cluster_log_status"),
        *("termination_reason", "cluster_source", "spec", "init_scripts_safe_mode", "disk_spec"),
        *("instance_source", "driver_instance_source", "effective_spark_version", "pinned_by_user_name"),
    )
)
# A cluster without workers needs these. Source: Databricks, "Compute configuration reference", single node.
_SINGLE_NODE = {"spark.databricks.cluster.profile": "singleNode", "spark.master": "local[*]"}
# In the document: whether the ingest's principal may install libraries.
_PERMISSION = "ingest_principal_can_manage"
DEDICATED = ("SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED")
_SIZES = ("num_workers", "autoscale")


@dataclass(frozen=True, kw_only=True)
class Cluster(Resource):
    """An all-purpose cluster. Its name identifies it, and its tag says who owns it.

    If `max_workers` is above `min_workers`, the cluster autoscales. If both are 0, it is a single node.
    """

    action = "databricks"
    not_yet: ClassVar[frozenset[str]] = frozenset({NOT_YET})
    setup: str
    cluster: str
    spark_version: str
    node_type_id: str
    min_workers: int
    max_workers: int
    access_mode: str
    autotermination_minutes: int
    instance_profile_arn: str = ""
    #: Who runs the ingest, if it is not the set-up's principal.
    principal: str = ""
    #: For a removal: ignore other clusters of the same name.
    only_ours: bool = False

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `cluster cloudtrail`."""
        return f"cluster {self.cluster}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read `clusters/list`. If several clusters have the name, the set-up's own comes first."""
        named = [one for one in self._named(clouds) if not self.only_ours or owner_of(one) == self.setup]
        if not named:
            return None
        one = next((cluster for cluster in named if owner_of(cluster) == self.setup), named[0])
        key = str(one["cluster_id"])
        document = document_of(one)
        if self.principal:
            document[_PERMISSION] = has_level(clouds, CLUSTERS, key, self.principal, MANAGE)
        if self._user:
            document["single_user_name"] = one.get("single_user_name") or ""
        return Found(document=document, owner=owner_of(one), facts={"cluster_id": key})

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """Return the settings that the set-up manages. An existing cluster keeps all others.

        Without a given principal, a dedicated cluster keeps its user, who is at first its creator.
        """
        size: Document = {"num_workers": self.min_workers}
        if self.max_workers > self.min_workers:
            size = {"autoscale": {"min_workers": self.min_workers, "max_workers": self.max_workers}}
        return size | {
            "spark_version": self.spark_version,
            "node_type_id": self.node_type_id,
            "data_security_mode": self.access_mode,
            "autotermination_minutes": self.autotermination_minutes,
            "instance_profile_arn": self.instance_profile_arn,
            **({"single_user_name": self._user} if self._user else {}),
            **({_PERMISSION: True} if self.principal else {}),
        }

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Create the cluster with its tag, or edit it. An edit replaces, so it repeats, all settings."""
        volumes = volumes_for(clouds.databricks, str(after["node_type_id"]))
        if found is None:
            own = {"cluster_name": self.cluster, "custom_tags": {TAG: self.setup}}
            body = _body(own | {"aws_attributes": volumes}, after)
            cluster_id = str(send(clouds, "POST", "2.1/clusters/create", body)["cluster_id"])
            self._permit(clouds, cluster_id, after)
            return
        cluster_id = found.facts["cluster_id"]
        self._permit(clouds, cluster_id, after)
        if _settings(found.document) == _settings(after):
            return
        now = clouds.databricks.get("2.1/clusters/get", cluster_id=cluster_id)
        kept = {key: value for key, value in now.items() if key not in _SHOWN_ONLY and key not in _SIZES}
        # Their number, size and type may differ from ours.
        kept["aws_attributes"] = volumes | (kept.get("aws_attributes") or {})
        send(clouds, "POST", "2.1/clusters/edit", {"cluster_id": cluster_id} | _body(kept, after))

    @property
    def _user(self) -> str:
        """To whom the cluster must be dedicated; empty for anybody."""
        return self.principal if self.access_mode in DEDICATED else ""

    def _permit(self, clouds: Clouds, cluster_id: str, after: Document) -> None:
        if after.get(_PERMISSION):
            grant(clouds, CLUSTERS, cluster_id, self.principal, MANAGE)

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Delete permanently every cluster of this name that the set-up owns."""
        for cluster in self._named(clouds):
            if owner_of(cluster) == self.setup:
                body = {"cluster_id": cluster["cluster_id"]}
                send(clouds, "POST", "2.1/clusters/permanent-delete", body)

    def _named(self, clouds: Clouds) -> list[dict[str, Any]]:
        clusters = clouds.databricks.pages(LIST, "clusters", page_size="100")
        return [
            one
            for one in clusters
            if one.get("cluster_name") == self.cluster and one.get("cluster_source") in SOURCES
        ]


def owner_of(cluster: Mapping[str, Any]) -> str:
    """Return the value of the set-up's tag on a cluster from `clusters/list`."""
    return str((cluster.get("custom_tags") or {}).get(TAG, ""))


def document_of(cluster: Mapping[str, Any]) -> Document:
    """Return the settings that the set-up manages, for a cluster from `clusters/list`."""
    scale = cluster.get("autoscale")
    size: Document = {"num_workers": cluster.get("num_workers", 0)}
    if scale:
        size = {"autoscale": {key: scale.get(key, 0) for key in ("min_workers", "max_workers")}}
    return size | {
        "spark_version": cluster.get("spark_version", ""),
        "node_type_id": cluster.get("node_type_id", ""),
        "data_security_mode": cluster.get("data_security_mode", "NONE"),
        "autotermination_minutes": cluster.get("autotermination_minutes", 0),
        "instance_profile_arn": (cluster.get("aws_attributes") or {}).get("instance_profile_arn", ""),
    }


def _settings(document: Document) -> Document:
    """Return the settings of the cluster itself."""
    return {key: value for key, value in document.items() if key != _PERMISSION}


def _body(kept: Mapping[str, Any], after: Document) -> dict[str, Any]:
    """Return the body of a call: `kept`, with the settings of the document in place of its own."""
    settings = {key: value for key, value in _settings(after).items() if key != "instance_profile_arn"}
    body: dict[str, Any] = {**kept, **settings}
    aws = {
        key: value for key, value in body.get("aws_attributes", {}).items() if key != "instance_profile_arn"
    }
    if after["instance_profile_arn"]:
        aws["instance_profile_arn"] = after["instance_profile_arn"]
    conf = {key: value for key, value in body.get("spark_conf", {}).items() if key not in _SINGLE_NODE}
    tags = {key: value for key, value in body.get("custom_tags", {}).items() if key != "ResourceClass"}
    if after.get("num_workers") == 0:
        conf |= _SINGLE_NODE
        tags["ResourceClass"] = "SingleNode"
    parts = {"aws_attributes": aws, "spark_conf": conf, "custom_tags": tags}
    return body | {key: part for key, part in parts.items() if part or key in kept}
