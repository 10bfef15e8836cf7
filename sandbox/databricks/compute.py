"""One cluster that runs jobs, one SQL warehouse, one user, always running; and clusters that do not fit.

Source: Databricks REST, `clusters/get`, `clusters/list`, `clusters/spark-versions` (what the Airflow
connection's test calls), `clusters/list-node-types`, `instance-profiles/list`, `sql/warehouses`, Unity
Catalog's `external-locations`, and SCIM's `Me`. Jobs run on `sandbox-cluster` only; the others are there for
checks that look before a job is sent.
"""

from fastapi import APIRouter

from sandbox.databricks.errors import InvalidParameterError, NotFoundError
from sandbox.databricks.parameters import Parameters
from sandbox.databricks.payloads import Json
from sandbox.databricks.settings import CLUSTER_ID, SPARK_VERSION, USER, WAREHOUSE_ID

CLUSTER: Json = {
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
    "aws_attributes": {},
}
INSTANCE_PROFILES = ("arn:aws:iam::123456789012:instance-profile/cloudtrail-reader",)
# What a workspace has beside the cluster that fits: id → what is different.
UNFIT: dict[str, Json] = {
    "sandbox-old": {"spark_version": "15.4.x-scala2.12", "state": "TERMINATED"},
    "sandbox-shared": {"data_security_mode": "USER_ISOLATION", "single_user_name": ""},
    "sandbox-legacy": {"data_security_mode": "NONE", "single_user_name": ""},
    "sandbox-reader": {"aws_attributes": {"instance_profile_arn": INSTANCE_PROFILES[0]}},
    "sandbox-stranger": {"aws_attributes": {"instance_profile_arn": f"{INSTANCE_PROFILES[0]}-of-others"}},
    "sandbox-broken": {"state": "ERROR", "state_message": "Instances could not be acquired"},
}
CLUSTERS = {CLUSTER_ID: CLUSTER} | {
    name: CLUSTER | {"cluster_id": name, "cluster_name": name} | change for name, change in UNFIT.items()
}
NODE_TYPES = ("m6id.large", "m6id.xlarge", "sandbox.laptop")
# Url → are new files announced? A location within another one is on its own.
EXTERNAL_LOCATIONS = {"s3://cloudtrail-logs": True, "s3://cloudtrail-logs/quiet/": False}
WAREHOUSE: Json = {
    "id": WAREHOUSE_ID,
    "name": "Sandbox",
    "creator_name": USER,
    "cluster_size": "2X-Small",
    "min_num_clusters": 1,
    "max_num_clusters": 1,
    "num_clusters": 1,
    "auto_stop_mins": 0,
    "enable_serverless_compute": False,
    "warehouse_type": "PRO",
    "state": "RUNNING",
    "health": {"status": "HEALTHY"},
}


def router() -> APIRouter:
    """The routes."""
    routes = APIRouter()
    for version in ("2.0", "2.1"):
        routes.add_api_route(f"/api/{version}/clusters/get", get_cluster, methods=["GET"])
        routes.add_api_route(f"/api/{version}/clusters/list", list_clusters, methods=["GET"])
        routes.add_api_route(f"/api/{version}/clusters/spark-versions", spark_versions, methods=["GET"])
        routes.add_api_route(f"/api/{version}/clusters/list-node-types", node_types, methods=["GET"])
    routes.add_api_route("/api/2.0/instance-profiles/list", instance_profiles, methods=["GET"])
    routes.add_api_route("/api/2.1/unity-catalog/external-locations", external_locations, methods=["GET"])
    routes.add_api_route("/api/2.0/sql/warehouses", list_warehouses, methods=["GET"])
    routes.add_api_route("/api/2.0/sql/warehouses/{warehouse_id}", get_warehouse, methods=["GET"])
    routes.add_api_route("/api/2.0/preview/scim/v2/Me", me, methods=["GET"])
    return routes


def get_cluster(parameters: Parameters) -> Json:
    """A cluster, by its id."""
    cluster = CLUSTERS.get(str(parameters.get("cluster_id")))
    if cluster is None:
        raise InvalidParameterError(f"Cluster {parameters.get('cluster_id')} does not exist")
    return cluster


def list_clusters() -> Json:
    """All clusters."""
    return {"clusters": list(CLUSTERS.values())}


def spark_versions() -> Json:
    """The one runtime that jobs run on, and an old one."""
    return {
        "versions": [
            {"key": SPARK_VERSION, "name": "17.3 LTS (Scala 2.13), played by the sandbox's Spark"},
            {"key": UNFIT["sandbox-old"]["spark_version"], "name": "15.4 LTS (Scala 2.12)"},
        ]
    }


def node_types() -> Json:
    """The node types, each with its id alone."""
    return {"node_types": [{"node_type_id": name} for name in NODE_TYPES]}


def instance_profiles() -> Json:
    """The instance profiles that are registered."""
    return {"instance_profiles": [{"instance_profile_arn": arn} for arn in INSTANCE_PROFILES]}


def external_locations(parameters: Parameters) -> Json:
    """The external locations, one per page."""
    urls = list(EXTERNAL_LOCATIONS)
    number = int(parameters.get("page_token") or 0)
    url = urls[number]
    name = url.removeprefix("s3://").strip("/").replace("/", "-")
    more = {"next_page_token": str(number + 1)} if number + 1 < len(urls) else {}
    announced = EXTERNAL_LOCATIONS[url]
    location = {"name": name, "url": url, "effective_enable_file_events": announced}
    return {"external_locations": [location], **more}


def list_warehouses() -> Json:
    """The one SQL warehouse."""
    return {"warehouses": [WAREHOUSE]}


def get_warehouse(warehouse_id: str) -> Json:
    """The SQL warehouse, by its id."""
    if warehouse_id != WAREHOUSE_ID:
        raise NotFoundError(f"SQL warehouse {warehouse_id} does not exist")
    return WAREHOUSE


def me() -> Json:
    """Whom the token belongs to."""
    return {"id": "1", "userName": USER, "displayName": "Sandbox", "active": True}
