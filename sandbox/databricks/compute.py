"""One cluster, one SQL warehouse, one user: the compute that the sandbox has, always running.

Source: Databricks REST, `clusters/get`, `clusters/list`, `clusters/spark-versions` (what the Airflow
connection's test calls), `sql/warehouses`, and SCIM's `Me`.
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
    routes.add_api_route("/api/2.0/sql/warehouses", list_warehouses, methods=["GET"])
    routes.add_api_route("/api/2.0/sql/warehouses/{warehouse_id}", get_warehouse, methods=["GET"])
    routes.add_api_route("/api/2.0/preview/scim/v2/Me", me, methods=["GET"])
    return routes


def get_cluster(parameters: Parameters) -> Json:
    """The cluster, by its id."""
    if parameters.get("cluster_id") != CLUSTER_ID:
        raise InvalidParameterError(f"Cluster {parameters.get('cluster_id')} does not exist")
    return CLUSTER


def list_clusters() -> Json:
    """The one cluster."""
    return {"clusters": [CLUSTER]}


def spark_versions() -> Json:
    """The one runtime."""
    return {
        "versions": [{"key": SPARK_VERSION, "name": "17.3 LTS (Scala 2.13), played by the sandbox's Spark"}]
    }


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
