"""The EBS volumes of a new cluster whose nodes have no disk.

Source: Databricks REST, Clusters API 2.1, `aws_attributes.ebs_volume_count`: "For node types with no instance
store, at least one EBS volume needs to be specified; otherwise, cluster creation will fail". Such types are
m6i, m7g, r6i and others. Which disks a type has is said by `clusters/list-node-types`; databricks-sdk counts
them in the same way (`ClustersExt.select_node_type`).
"""

from collections.abc import Mapping
from typing import Any, Protocol

# What Databricks' own form proposes. Spark uses it for shuffles and spills.
VOLUMES: Mapping[str, Any] = {
    "ebs_volume_type": "GENERAL_PURPOSE_SSD",
    "ebs_volume_count": 1,
    "ebs_volume_size": 100,
}


class Workspace(Protocol):
    """The Databricks call that lists node types."""

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the answer to a GET below /api/."""


def node_types(workspace: Workspace) -> dict[str, bool]:
    """Return node type → whether its nodes have a disk; True if the service does not say."""
    listed = workspace.get("2.1/clusters/list-node-types").get("node_types", [])
    return {one["node_type_id"]: _has_disk(one.get("node_instance_type")) for one in listed}


def volumes_for(workspace: Workspace, node_type_id: str) -> dict[str, Any]:
    """Return the settings that a cluster of this node type needs for its disks; none for most types."""
    return {} if node_types(workspace).get(node_type_id, True) else dict(VOLUMES)


def _has_disk(instance: Mapping[str, Any] | None) -> bool:
    if instance is None:
        return True
    return int(instance.get("local_disks") or 0) + int(instance.get("local_nvme_disks") or 0) > 0
