"""The stand-in as one ASGI app: its parts, its errors in the service's format, its start and end."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sandbox.databricks import compute
from sandbox.databricks.catalog import Catalog
from sandbox.databricks.cluster_policies import ClusterPolicies
from sandbox.databricks.clusters import Clusters
from sandbox.databricks.errors import ApiError, EndpointNotFoundError, InvalidParameterError
from sandbox.databricks.faults import Faults
from sandbox.databricks.gateway import Gateway, Requests
from sandbox.databricks.grants import Grants
from sandbox.databricks.instance_profiles import InstanceProfiles
from sandbox.databricks.jobs import Jobs
from sandbox.databricks.named import Named
from sandbox.databricks.objects import Objects
from sandbox.databricks.pages import Pages
from sandbox.databricks.parameters import Parameters
from sandbox.databricks.payloads import Json
from sandbox.databricks.principals import Permissions
from sandbox.databricks.run_access import RunAccess
from sandbox.databricks.runner import Runner
from sandbox.databricks.scheduler import Scheduler
from sandbox.databricks.seeds import seeds
from sandbox.databricks.settings import SERVICE_PRINCIPAL, USER, Settings
from sandbox.databricks.statements import Statements
from sandbox.databricks.store import Store
from sandbox.databricks.volumes import Volumes
from sandbox.databricks.warehouse import Warehouse

logger = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """Return the app of one stand-in; a TERM ends every job and the SQL Spark as well, a KILL does not."""
    store = Store(settings.state / "state.sqlite")
    faults, requests = Faults(), Requests()
    objects = Objects(settings.state / "workspace.sqlite", seeds(service=bool(settings.service_token)))
    permissions = Permissions(objects, settings)
    grants = Grants(objects, settings)
    runner = Runner(settings, RunAccess(objects, grants, settings))
    policies = ClusterPolicies(objects)
    clusters = Clusters(objects, policies, settings)
    scheduler = Scheduler(store, runner, faults, settings, clusters)
    clusters.last_use, clusters.on_stop = store.last_use, _stopper(store, scheduler, runner)
    warehouse = Warehouse(store, settings, Named(objects))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        scheduler.start()
        warehouse.start()
        yield
        scheduler.stop()
        warehouse.stop()
        store.close()
        objects.close()

    tokens = {settings.token: USER}
    if settings.service_token:
        tokens[settings.service_token] = SERVICE_PRINCIPAL
    app = FastAPI(
        title="Databricks stand-in", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    for routed in (
        Jobs(store, scheduler, runner, clusters, permissions),
        Statements(store, warehouse, permissions, grants),
        Volumes(settings, grants),
        *(clusters, policies, permissions, grants),
        InstanceProfiles(objects, settings),
        Catalog(objects, settings),
        Pages(store, runner),
    ):
        app.include_router(routed.router())
    app.include_router(compute.router())
    app.include_router(_control(faults, requests, store, warehouse))
    app.add_middleware(Gateway, tokens=tokens, faults=faults, requests=requests)
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(RequestValidationError, _wrong_parameter)
    app.add_exception_handler(Exception, _internal_error)
    return app


def _stopper(store: Store, scheduler: Scheduler, runner: Runner) -> Callable[[str], None]:
    """Return a function that ends the runs on a cluster that stops, and forgets its libraries."""

    def stop(cluster_id: str) -> None:
        for task in store.active_on(cluster_id):
            store.request_cancel(task.run_id)
        runner.forget(cluster_id)
        scheduler.wake()

    return stop


def _control(faults: Faults, requests: Requests, store: Store, warehouse: Warehouse) -> APIRouter:
    """Return the routes that the service lacks or has elsewhere: health, scripted faults, requests, expiry.

    In the service, the time zone of later statements is a setting of the workspace's warehouses.
    """
    router = APIRouter()

    @router.get("/health")
    def health() -> Json:
        return {"status": "ok", "active_runs": len(store.active()), "sql": warehouse.status()}

    @router.post("/sandbox/faults")
    def add_fault(parameters: Parameters) -> Json:
        return {"fault_id": faults.add(parameters).fault_id}

    @router.get("/sandbox/faults")
    def list_faults() -> Json:
        return {"faults": faults.pending()}

    @router.delete("/sandbox/faults")
    def clear_faults() -> Json:
        faults.clear()
        return {}

    @router.delete("/sandbox/runs/{run_id}")
    def expire_run(run_id: int) -> Json:
        store.forget(run_id)
        return {}

    @router.get("/sandbox/requests")
    def list_requests() -> Json:
        return {"requests": requests.all()}

    @router.delete("/sandbox/requests")
    def clear_requests() -> Json:
        requests.clear()
        return {}

    @router.put("/sandbox/sql-time-zone/{region}/{city}")
    def set_time_zone(region: str, city: str) -> Json:
        warehouse.time_zone = f"{region}/{city}"
        return {}

    return router


async def _api_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ApiError):
        raise error
    return JSONResponse(error.body(), status_code=error.status)


async def _no_route(request: Request, error: Exception) -> JSONResponse:
    """Answer an unknown path or method; the service answers both in the same way."""
    path = (
        request.url.path.removeprefix("/api").removeprefix("/2.0").removeprefix("/2.1").removeprefix("/2.2")
    )
    missing = EndpointNotFoundError(f"No API found for '{request.method} {path}'")
    status = error.status_code if isinstance(error, HTTPException) else missing.status
    return JSONResponse(missing.body(), status_code=404 if status == 405 else status)


async def _wrong_parameter(_: Request, error: Exception) -> JSONResponse:
    """Answer a path or query parameter of a wrong type."""
    defects: list[Any] = list(error.errors()) if isinstance(error, RequestValidationError) else []
    words = "; ".join(f"{defect['loc'][-1]}: {defect['msg']}" for defect in defects)
    return JSONResponse(InvalidParameterError(words).body(), status_code=InvalidParameterError.status)


async def _internal_error(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return JSONResponse({"error_code": "INTERNAL_ERROR", "message": repr(error)}, status_code=500)
