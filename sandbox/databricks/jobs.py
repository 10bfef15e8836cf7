"""The Jobs API calls runs/submit, get, list, cancel, delete and get-output, the same in versions 2.1 and 2.2.

Source: Databricks REST, Jobs API 2.2, and databricks-sdk's `JobsAPI` for names and types. As in the service,
the answer for an unknown run has status 400, which the SDK raises as ResourceDoesNotExist.
"""

from typing import Any

from databricks.sdk.service.jobs import JobsAPI
from fastapi import APIRouter, Request

from sandbox.databricks import shapes, states
from sandbox.databricks.clock import now_ms
from sandbox.databricks.clusters import Clusters
from sandbox.databricks.errors import InvalidParameterError, InvalidStateError, PermissionDeniedError
from sandbox.databricks.parameters import Parameters, base_url
from sandbox.databricks.payloads import Json, checked
from sandbox.databricks.principals import Permissions, caller
from sandbox.databricks.runner import Runner
from sandbox.databricks.scheduler import Scheduler
from sandbox.databricks.settings import USER
from sandbox.databricks.store import Run, Store, TaskRun
from sandbox.databricks.submissions import submission

VERSIONS = ("2.1", "2.2")
# Source: `jobs/runs/list` (limit) and `jobs/runs/get` (elements of an array per page).
LIST_DEFAULT, LIST_LIMIT, PAGE = 20, 25, 100
LOG_LIMIT = 5 * 2**20


class Jobs:
    """The routes; this class has no state."""

    def __init__(
        self,
        store: Store,
        scheduler: Scheduler,
        runner: Runner,
        clusters: Clusters,
        permissions: Permissions,
    ) -> None:
        self._store, self._scheduler, self._runner = store, scheduler, runner
        self._clusters, self._permissions = clusters, permissions

    def router(self) -> APIRouter:
        """Return the routes of both versions."""
        router = APIRouter()
        for version in VERSIONS:
            root = f"/api/{version}/jobs/runs"
            for name in ("submit", "cancel", "delete"):
                router.add_api_route(f"{root}/{name}", getattr(self, name), methods=["POST"])
            router.add_api_route(f"{root}/get", self.get, methods=["GET"])
            router.add_api_route(f"{root}/list", self.list, methods=["GET"])
            router.add_api_route(f"{root}/get-output", self.get_output, methods=["GET"])
        return router

    def submit(self, parameters: Parameters) -> Json:
        """Start a run, or return the one that this idempotency token started, even if it failed."""
        request = submission(parameters, cluster=self._clusters.record, policy=self._clusters.under_policy)
        request |= {"creator_user_name": caller(), "run_as_user_name": self._run_as(request)}
        for task in request["tasks"]:
            self._require(task, request["run_as_user_name"])
        try:
            run, new = self._store.add(request, submitted=now_ms())
        except LookupError as error:
            raise InvalidParameterError(
                f"The run {error.args[0]} of this idempotency_token has been deleted; use another token"
            ) from error
        if new:
            self._scheduler.wake()
        return {"run_id": run.run_id}

    def _run_as(self, request: Json) -> str:
        """Return who the run runs as: the caller, or somebody else if an admin says so."""
        given = next(iter(request.get("run_as", {}).values()), caller())
        if given != caller() and caller() != USER:
            raise PermissionDeniedError(f"{caller()} may not run a job as {given}")
        return str(given)

    def _require(self, task: Json, who: str) -> None:
        """Check the rights that a run needs on an existing cluster."""
        if "existing_cluster_id" in task:
            cluster = self._clusters.record(task["existing_cluster_id"]) or {}
            level = "CAN_ATTACH_TO" if cluster.get("state") == "RUNNING" else "CAN_RESTART"
            level = "CAN_MANAGE" if task.get("libraries") else level
            owner = str(cluster.get("creator_user_name"))
            self._permissions.require("clusters", task["existing_cluster_id"], level, who, owner)
        policy_id = task.get("new_cluster", {}).get("policy_id")
        if policy_id:
            self._permissions.require("cluster-policies", policy_id, "CAN_USE", who)

    def get(self, parameters: Parameters, request: Request) -> Json:
        """Return a run, or a task run by its own id; more than 100 tasks come in pages."""
        query = checked(JobsAPI.get_run, parameters, text=True)
        run, task = self._find(query["run_id"])
        if task is not None:
            return shapes.task_run_shape(run, task, base_url=base_url(request), now=now_ms())
        tasks = self._store.tasks(run.run_id)
        shape = shapes.run_shape(run, tasks, base_url=base_url(request), now=now_ms())
        start = _offset(query.get("page_token"))
        shape["tasks"] = shape["tasks"][start : start + PAGE]
        if start + PAGE < len(tasks):
            shape["next_page_token"] = str(start + PAGE)
        return shape

    def list(self, parameters: Parameters, request: Request) -> Json:
        """Return the runs, newest first."""
        query = checked(JobsAPI.list_runs, parameters, text=True)
        limit = query.get("limit", LIST_DEFAULT) or LIST_LIMIT
        if not 0 < limit <= LIST_LIMIT:
            raise InvalidParameterError(f"limit must be between 0 and {LIST_LIMIT}, not {limit}")
        if query.get("active_only") and query.get("completed_only"):
            raise InvalidParameterError("active_only and completed_only cannot both be true")
        start = _offset(query.get("page_token")) or query.get("offset", 0)
        found = [run for run in self._store.runs() if _matches(run, query)]
        page = found[start : start + limit]
        answer: Json = {"has_more": start + limit < len(found)}
        if page:
            expand = query.get("expand_tasks", False)
            answer["runs"] = [self._listed(run, request, expand=expand) for run in page]
        if answer["has_more"]:
            answer["next_page_token"] = str(start + limit)
        if start:
            answer["prev_page_token"] = str(max(0, start - limit))
        return answer

    def _listed(self, run: Run, request: Request, *, expand: bool) -> Json:
        tasks = self._store.tasks(run.run_id)
        shape = shapes.run_shape(run, tasks, base_url=base_url(request), now=now_ms(), expand=expand)
        if len(tasks) > PAGE and expand:
            shape |= {"tasks": shape["tasks"][:PAGE], "has_more": True}
        return shape

    def cancel(self, parameters: Parameters) -> Json:
        """Request the end of a run or a task run, which takes a moment; do nothing if it has ended."""
        self._find(query := checked(JobsAPI.cancel_run, parameters)["run_id"])
        self._store.request_cancel(query)
        self._scheduler.wake()
        return {}

    def delete(self, parameters: Parameters) -> Json:
        """Delete a run that is not active; its idempotency token cannot be used again."""
        run_id = checked(JobsAPI.delete_run, parameters)["run_id"]
        run, task = self._find(run_id)
        if task is not None:
            raise InvalidParameterError(
                f"Run {run_id} is a task run; delete the run {run.run_id} it belongs to"
            )
        if not run.ended:
            raise InvalidStateError(f"Run {run_id} is active; cancel it and wait for its end first")
        self._store.delete(run_id)
        return {}

    def get_output(self, parameters: Parameters, request: Request) -> Json:
        """Return the error, its trace and the driver's log of a task run."""
        run_id = checked(JobsAPI.get_run_output, parameters, text=True)["run_id"]
        run, task = self._find(run_id)
        if task is None:
            raise InvalidParameterError(
                "Retrieving the output of runs with multiple tasks is not supported. "
                "Please retrieve the output of each individual task run instead."
            )
        log = self._runner.log(run_id)
        content = log.read_bytes() if log.exists() else b""
        answer = {
            "metadata": shapes.task_run_shape(run, task, base_url=base_url(request), now=now_ms()),
            "logs": content[-LOG_LIMIT:].decode(errors="replace"),
            "logs_truncated": len(content) > LOG_LIMIT,
        }
        return answer | error_of(task, self._runner.outcome(run_id))

    def _find(self, run_id: int) -> tuple[Run, TaskRun | None]:
        run = self._store.run(run_id)
        if run is not None:
            return run, None
        task = self._store.task(run_id)
        parent = self._store.run(task.parent) if task is not None else None
        if task is None or parent is None:
            raise InvalidParameterError(f"Run {run_id} does not exist.")
        return parent, task


def error_of(task: TaskRun, outcome: dict[str, str]) -> dict[str, str]:
    """Return `error` and `error_trace` of a failed task run; an empty dict for any other."""
    if task.state not in states.TERMINAL or task.result == "SUCCESS":
        return {}
    if outcome.get("result") == "FAILED" and task.result == "FAILED":
        return {"error": outcome["error"], "error_trace": outcome["error_trace"]}
    return {"error": task.message}


def _matches(run: Run, query: dict[str, Any]) -> bool:
    return (
        not (query.get("active_only") and run.ended)
        and not (query.get("completed_only") and not run.ended)
        and query.get("job_id", run.job_id) == run.job_id
        and query.get("run_type", "SUBMIT_RUN") == "SUBMIT_RUN"
        and query.get("start_time_from", 0) <= run.submitted
        and run.submitted <= query.get("start_time_to", run.submitted)
    )


def _offset(token: str | None) -> int:
    """Return where a page begins; an empty token, which Airflow's provider sends, means the first page."""
    if not token:
        return 0
    if not token.isdecimal():
        raise InvalidParameterError(f"Invalid page_token {token!r}")
    return int(token)
