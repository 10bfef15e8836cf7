"""Search the workspace for objects with the set-up's tag or mark. A removal needs only their names."""

from collections.abc import Iterator, Mapping
from typing import Any

from cloudtrail_to_delta.setup.databricks.calls import code_of
from cloudtrail_to_delta.setup.databricks.catalog import (
    CREDENTIALS,
    LOCATIONS,
    ExternalLocation,
    StorageCredential,
)
from cloudtrail_to_delta.setup.databricks.cluster_policies import ClusterPolicy
from cloudtrail_to_delta.setup.databricks.clusters import LIST, Cluster
from cloudtrail_to_delta.setup.databricks.clusters import owner_of as owner_of_cluster
from cloudtrail_to_delta.setup.databricks.grants import Given, GivenGrant, noted
from cloudtrail_to_delta.setup.databricks.markers import owner_of
from cloudtrail_to_delta.setup.resources import Clouds, Resource


def find_marked(setup: str, clouds: Clouds) -> Iterator[tuple[str, str]]:
    """Find kind and name of the set-up's clusters, cluster policies, storage credentials and locations.

    A workspace without Unity Catalog has no storage credentials and no external locations.

    Raises:
        DatabricksApiError: if Databricks refuses a list.
    """
    databricks = clouds.databricks
    for one in databricks.pages(LIST, "clusters", page_size="100"):
        if owner_of_cluster(one) == setup:
            yield "cluster", str(one["cluster_name"])
    for one in databricks.get("2.0/policies/clusters/list").get("policies", []):
        if owner_of(one.get("description")) == setup:
            yield "cluster policy", str(one["name"])
    for kind, path, key in (
        ("storage credential", CREDENTIALS, "storage_credentials"),
        ("external location", LOCATIONS, "external_locations"),
    ):
        for found in _of_catalog(clouds, path, key):
            if owner_of(found.get("comment")) == setup:
                yield kind, str(found["name"])
                if kind == "storage credential":
                    for given in noted(found.get("comment")):
                        yield "privileges", f"{found['name']} {given.text}"


def marked_resource(setup: str, kind: str, name: str) -> Resource:
    """Return the resource that removes the object. Its other settings do not matter."""
    cluster: dict[str, Any] = {
        "setup": setup,
        **dict.fromkeys(("spark_version", "node_type_id", "access_mode"), ""),
        **dict.fromkeys(("max_workers", "autotermination_minutes"), 0),
    }
    match kind:
        case "cluster":
            return Cluster(**cluster, cluster=name, min_workers=0, only_ours=True)
        case "cluster policy":
            return ClusterPolicy(**cluster, policy=name)
        case "storage credential":
            return StorageCredential(setup=setup, credential=name, role_arn="")
        case "external location":
            return ExternalLocation(
                setup=setup, location=name, url="", credential="", read_only=True, only_ours=True
            )
        case "privileges":
            credential, _, text = name.partition(" ")
            return GivenGrant(setup=setup, credential=credential, given=Given.parse(text))
    raise ValueError(f"a removal finds no object of kind {kind!r} in Databricks")


def _of_catalog(clouds: Clouds, path: str, key: str) -> list[Mapping[str, Any]]:
    from airflow.providers.databricks.exceptions import DatabricksApiError

    try:
        return list(clouds.databricks.pages(path, key))
    except DatabricksApiError as refused:
        if code_of(refused).startswith("METASTORE_"):
            return []
        raise
