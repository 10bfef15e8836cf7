"""The content of a new workspace: a suitable cluster and some unsuitable ones, a profile, locations."""

from sandbox.databricks import catalog, clusters, grants, instance_profiles, principals
from sandbox.databricks.payloads import Json
from sandbox.databricks.settings import (
    CATALOGS,
    CLUSTER_ID,
    SERVICE_PRINCIPAL,
    SPARK_VERSION,
    UNITY_CATALOG_ROLE,
    USER,
    WAREHOUSE_ID,
)

_PROFILE = "arn:aws:iam::123456789012:instance-profile/cloudtrail-reader"
_CLUSTER: Json = {
    "cluster_id": CLUSTER_ID,
    "cluster_name": "Sandbox",
    "creator_user_name": USER,
    "single_user_name": USER,
    "spark_version": SPARK_VERSION,
    "data_security_mode": "SINGLE_USER",
    "node_type_id": "sandbox.laptop",
    "driver_node_type_id": "sandbox.laptop",
    "num_workers": 0,
    "autotermination_minutes": 0,
    "cluster_source": "API",
    "state": "RUNNING",
    "state_message": "",
    "spark_conf": {},
    # Without it, no job on the cluster could read its wheel from S3.
    "aws_attributes": {"instance_profile_arn": _PROFILE},
}
# The workspace's unsuitable clusters: id → differences from the suitable one.
_UNFIT: dict[str, Json] = {
    "sandbox-old": {"spark_version": "15.4.x-scala2.12", "state": "TERMINATED"},
    "sandbox-shared": {"data_security_mode": "USER_ISOLATION", "single_user_name": "", "aws_attributes": {}},
    "sandbox-legacy": {"data_security_mode": "NONE", "single_user_name": ""},
    "sandbox-of-others": {"single_user_name": "other@example.com"},
    "sandbox-no-profile": {"aws_attributes": {}},
    "sandbox-standard": {"data_security_mode": "USER_ISOLATION", "single_user_name": ""},
    "sandbox-stranger": {"aws_attributes": {"instance_profile_arn": f"{_PROFILE}-of-others"}},
    "sandbox-broken": {"state": "ERROR", "state_message": "Instances could not be acquired"},
}
_CREDENTIAL = "sandbox"
# URL → whether it has file events. The second is inside the first, which the service once allowed.
_LOCATIONS = {
    "s3://cloudtrail-logs": True,
    "s3://cloudtrail-logs/quiet/": False,
    "s3://cloudtrail-lake": False,
}
_LAKE = "cloudtrail-lake"
_VOLUMES = ("main.default.code", "main.security.code")
# What the sandbox's service principal has in Unity Catalog.
_GRANTS = {
    "CATALOG/main": ["USE_CATALOG"],
    "SCHEMA/main.default": ["USE_SCHEMA", "CREATE_TABLE"],
    "VOLUME/main.default.code": ["READ_VOLUME", "WRITE_VOLUME"],
    "EXTERNAL_LOCATION/cloudtrail-logs": ["READ_FILES"],
    "EXTERNAL_LOCATION/cloudtrail-lake": ["READ_FILES", "WRITE_FILES", "CREATE_EXTERNAL_TABLE"],
}


def seeds(*, service: bool = False) -> dict[str, dict[str, Json]]:
    """Return kind → key → document, as `Objects` expects them.

    With a service principal, the suitable cluster is dedicated to it, and it may manage it.
    """
    suitable = _CLUSTER | ({"single_user_name": SERVICE_PRINCIPAL} if service else {})
    rights = {}
    if service:
        rights[f"clusters/{CLUSTER_ID}"] = {SERVICE_PRINCIPAL: "CAN_MANAGE"}
        rights[f"warehouses/{WAREHOUSE_ID}"] = {SERVICE_PRINCIPAL: "CAN_USE"}
    unfit = {key: {"cluster_id": key, "cluster_name": key} | change for key, change in _UNFIT.items()}
    locations = {}
    for url, announced in _LOCATIONS.items():
        name = url.removeprefix("s3://").strip("/").replace("/", "-")
        locations[name] = {
            "name": name,
            "url": url,
            "credential_name": _CREDENTIAL,
            "read_only": name != _LAKE,
            "owner": USER,
            "effective_enable_file_events": announced,
        }
    role = {
        "role_arn": "arn:aws:iam::123456789012:role/cloudtrail-reader",
        "external_id": "00000000-0000-0000-0000-000000000000",
        "unity_catalog_iam_arn": UNITY_CATALOG_ROLE,
    }
    return {
        clusters.KIND: {CLUSTER_ID: suitable} | {key: _CLUSTER | change for key, change in unfit.items()},
        principals.KIND: rights,
        instance_profiles.KIND: {_PROFILE: {"instance_profile_arn": _PROFILE}},
        catalog.CREDENTIAL: {_CREDENTIAL: {"name": _CREDENTIAL, "owner": USER, "aws_iam_role": role}},
        catalog.LOCATION: locations,
        "catalog": {name: {"name": name, "owner": USER} for name in CATALOGS},
        "schema": {
            name: {"name": name.rpartition(".")[2], "full_name": name, "owner": USER}
            for name in (*(f"{one}.default" for one in CATALOGS), "main.security")
        },
        "volume": {
            name: {"name": "code", "full_name": name, "volume_type": "MANAGED", "owner": USER}
            for name in _VOLUMES
        },
        grants.KIND: {key: {SERVICE_PRINCIPAL: given} for key, given in _GRANTS.items()} if service else {},
    }
