"""The available compute: runtimes, node types, the one SQL warehouse.

Source: Databricks REST, `clusters/spark-versions` (which the Airflow connection's test calls),
`clusters/list-node-types`, `sql/warehouses`. Clusters are in the module `clusters`.
"""

from fastapi import APIRouter

from sandbox.databricks.errors import NotFoundError
from sandbox.databricks.payloads import Json
from sandbox.databricks.settings import NODE_TYPES, RUNTIMES, USER, WAREHOUSE_ID

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
        routes.add_api_route(f"/api/{version}/clusters/spark-versions", spark_versions, methods=["GET"])
        routes.add_api_route(f"/api/{version}/clusters/list-node-types", node_types, methods=["GET"])
    routes.add_api_route("/api/2.0/sql/warehouses", list_warehouses, methods=["GET"])
    routes.add_api_route("/api/2.0/sql/warehouses/{warehouse_id}", get_warehouse, methods=["GET"])
    return routes


def spark_versions() -> Json:
    """Return the one runtime that jobs run on, and an old one."""
    return {"versions": [{"key": key, "name": name} for key, name in RUNTIMES.items()]}


def node_types() -> Json:
    """Return the node types, each with its id and its disks."""
    return {
        "node_types": [
            {
                "node_type_id": name,
                "node_instance_type": {
                    "instance_type_id": name,
                    "local_disks": 0,
                    "local_nvme_disks": disks,
                    "local_nvme_disk_size_gb": 118 * disks,
                },
            }
            for name, disks in NODE_TYPES.items()
        ]
    }


def list_warehouses() -> Json:
    """Return the one SQL warehouse."""
    return {"warehouses": [WAREHOUSE]}


def get_warehouse(warehouse_id: str) -> Json:
    """Return the SQL warehouse by its id."""
    if warehouse_id != WAREHOUSE_ID:
        raise NotFoundError(f"SQL warehouse {warehouse_id} does not exist")
    return WAREHOUSE
