"""The rules for a cluster's settings that types cannot express, and the stand-in's limitations.

Source: Databricks REST, Clusters API 2.1, and "Compute configuration reference". The messages are the
service's where they are known.
"""

from sandbox.databricks import instance_profiles
from sandbox.databricks.errors import InvalidParameterError, NotSupportedError
from sandbox.databricks.objects import Objects
from sandbox.databricks.payloads import Json
from sandbox.databricks.principals import caller
from sandbox.databricks.rules import Rule
from sandbox.databricks.settings import NODE_TYPES, RUNTIMES, Settings

_REFUSED = (
    "clone_from",
    "docker_image",
    "init_scripts",
    "instance_pool_id",
    "driver_instance_pool_id",
    "kind",
)
_REFUSED_CLOUDS = ("azure_attributes", "gcp_attributes")
SINGLE_USER = ("SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED")
STANDARD = ("USER_ISOLATION", "DATA_SECURITY_MODE_STANDARD")
# Source: Clusters API, `autotermination_minutes`: "between 10 and 10000 minutes", 0 to disable.
IDLE_MINUTES = range(10, 10_001)


def sound_cluster(cluster: Json, objects: Objects, settings: Settings) -> Json:
    """Check the settings, and return them with the service's defaults.

    Raises:
        InvalidParameterError: for settings that the service refuses.
        NotSupportedError: for settings that the stand-in does not support.
    """
    for key in _REFUSED + _REFUSED_CLOUDS:
        if cluster.get(key):
            raise NotSupportedError(f"{key} is not implemented by the sandbox")
    if cluster["spark_version"] not in RUNTIMES:
        raise InvalidParameterError(f"Invalid spark version {cluster['spark_version']}.")
    node = cluster.get("node_type_id")
    if node is None:
        raise InvalidParameterError("Missing required field: node_type_id (or instance_pool_id)")
    for name in (node, cluster.get("driver_node_type_id", node)):
        if name not in NODE_TYPES:
            raise InvalidParameterError(
                f"Node type {name} is not supported. Supported node types: {', '.join(NODE_TYPES)}"
            )
    _size(cluster)
    _require_isolation(cluster, settings)
    require_disk(cluster, settings)
    minutes = cluster.get("autotermination_minutes", 120)
    if minutes and minutes not in IDLE_MINUTES:
        raise InvalidParameterError(
            f"The cluster autotermination time must be 0 or between {IDLE_MINUTES[0]} and "
            f"{IDLE_MINUTES[-1]} minutes, not {minutes}"
        )
    profile = cluster.get("aws_attributes", {}).get("instance_profile_arn")
    if profile and objects.get(instance_profiles.KIND, profile) is None:
        raise InvalidParameterError(
            f"The instance profile {profile} is not registered in this workspace, or you may not use it"
        )
    filled = {"driver_node_type_id": node, "autotermination_minutes": minutes}
    if cluster.get("data_security_mode") in SINGLE_USER:
        filled["single_user_name"] = caller()
    return filled | cluster


def require_disk(cluster: Json, settings: Settings) -> None:
    """Refuse a cluster whose nodes have no disk and get no EBS volume."""
    node, aws = cluster.get("node_type_id", ""), cluster.get("aws_attributes", {})
    diskless = NODE_TYPES.get(node) == 0 and not aws.get("ebs_volume_count")
    if diskless and not cluster.get("enable_elastic_disk") and settings.enforces(Rule.LOCAL_DISK):
        raise InvalidParameterError(
            f"At least one EBS volume must be attached for clusters created with node type {node}."
        )


def _require_isolation(cluster: Json, settings: Settings) -> None:
    """Refuse a cluster without isolation where legacy features are off."""
    mode = cluster.get("data_security_mode", "NONE")
    if (mode == "NONE" or mode.startswith("LEGACY_")) and settings.enforces(Rule.LEGACY_FEATURES):
        raise InvalidParameterError(
            f"Access mode {mode} is disabled in this workspace, as legacy features are turned off"
        )


def _size(cluster: Json) -> None:
    scale, workers = cluster.get("autoscale"), cluster.get("num_workers")
    if scale is None and workers is None:
        raise InvalidParameterError("Missing required field: size (num_workers or autoscale)")
    if scale is not None and workers is not None:
        raise InvalidParameterError("Only one of num_workers and autoscale may be given")
    if workers is not None and workers < 0:
        raise InvalidParameterError(f"num_workers must not be negative, it is {workers}")
    if scale is not None and not 0 < scale.get("min_workers", 0) <= scale.get("max_workers", 0):
        raise InvalidParameterError(
            f"autoscale must have 1 <= min_workers <= max_workers, not {scale.get('min_workers')} and "
            f"{scale.get('max_workers')}"
        )
