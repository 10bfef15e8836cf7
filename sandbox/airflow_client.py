"""A client of Airflow's REST API v2, with the few calls that the demo and the end-to-end tests make."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from sandbox.errors import SandboxError

FINAL_RUN_STATES = frozenset({"success", "failed"})


@dataclass(frozen=True)
class Run:
    """One run of a DAG."""

    dag_id: str
    run_id: str

    @property
    def path(self) -> str:
        """The run's path in the API."""
        return f"/api/v2/dags/{self.dag_id}/dagRuns/{self.run_id}"


class AirflowClient:
    """A client of an Airflow whose simple auth manager treats every user as an admin."""

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None, **fields: Any) -> Run:
        """Trigger a run whose `conf` overrides the form's defaults; add `fields` to the request's body."""
        body = {"logical_date": None, "conf": dict(conf or {}), **fields}
        answer = self._json("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)
        return Run(dag_id, str(answer["dag_run_id"]))

    def add_connection(
        self,
        conn_id: str,
        conn_type: str,
        *,
        url: str = "",
        login: str = "",
        password: str = "",
        **extra: Any,
    ) -> None:
        """Store a connection in Airflow's database; `url` is the scheme, host and port of its service."""
        body: dict[str, Any] = {"connection_id": conn_id, "conn_type": conn_type, "extra": json.dumps(extra)}
        body |= {"login": login} if login else {}
        body |= {"password": password} if password else {}
        if url:
            where = httpx.URL(url)
            body |= {"schema": where.scheme, "host": where.host, "port": where.port}
        self._json("POST", "/api/v2/connections", json=body)

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG that was created paused."""
        self._json("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def variables(self, prefix: str) -> dict[str, str]:
        """Return the Variables whose names begin with `prefix`, name → value."""
        found = self._json("GET", "/api/v2/variables", params={"variable_key_pattern": f"{prefix}%"})
        return {str(one["key"]): str(one["value"]) for one in found["variables"]}

    def run(self, run: Run) -> dict[str, Any]:
        """Return the run as the API shows it: `state`, `conf`, `start_date`, …."""
        return dict(self._json("GET", run.path))

    def wait_for_task(
        self, run: Run, task_id: str, *states: str, timeout_seconds: float = 300, poll_seconds: float = 0.5
    ) -> str:
        """Wait until a task is in one of `states`, or the run has ended, and return the task's state.

        Raises:
            SandboxError: if neither happens in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            ended = self.run(run)["state"] in FINAL_RUN_STATES
            found = {task["task_id"]: str(task["state"]) for task in self.task_instances(run)}[task_id]
            if found in states or ended:
                return found
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"task {task_id!r} of {run.run_id!r} is still {found!r} after {timeout_seconds:.0f} s, "
                    f"expected one of {states!r}"
                )
            time.sleep(poll_seconds)

    def wait(
        self,
        run: Run,
        *,
        timeout_seconds: float = 300,
        poll_seconds: float = 1,
        on_change: Callable[[dict[str, Any]], None] | None = None,
    ) -> str:
        """Wait for the end of a run and return its state, `success` or `failed`.

        `on_change` is called with every task instance whose state has changed since the last poll.

        Raises:
            SandboxError: if the run does not end in time; the message names the tasks that have not ended.
        """
        deadline = time.monotonic() + timeout_seconds
        seen: dict[tuple[str, int], str | None] = {}
        while True:
            # Read the run first: once it shows its end, the tasks that are read next are final.
            state = str(self.run(run)["state"])
            tasks = self.task_instances(run)
            for task in tasks:
                key = (task["task_id"], task["map_index"])
                if seen.get(key) != task["state"] and on_change:
                    on_change(task)
                seen[key] = task["state"]
            if state in FINAL_RUN_STATES:
                return state
            if time.monotonic() > deadline:
                open_tasks = [f"{t['task_id']} ({t['state']})" for t in tasks if t["end_date"] is None]
                raise SandboxError(
                    f"run {run.run_id!r} has not ended after {timeout_seconds:.0f} s; open: {open_tasks}"
                )
            time.sleep(poll_seconds)

    def task_instances(self, run: Run) -> list[dict[str, Any]]:
        """Return the task instances of a run, each with `task_id`, `state`, `try_number`, `start_date`, …."""
        return list(self._json("GET", f"{run.path}/taskInstances")["task_instances"])

    def xcom(self, run: Run, task_id: str, key: str = "return_value") -> Any:
        """Return what a task returned, or pushed under `key`; None if it pushed nothing."""
        path = f"{run.path}/taskInstances/{task_id}/xcomEntries/{key}"
        response = self._send("GET", path, params={"deserialize": "false", "stringify": "false"})
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return _checked(response)["value"]

    def task_log(self, run: Run, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """Return the log of one try of a task, one line per event."""
        path = f"{run.path}/taskInstances/{task_id}/logs/{try_number}"
        answer = self._json("GET", path, params={"full_content": "true", "map_index": map_index})
        return "\n".join(_log_lines(answer["content"]))

    def respond(self, run: Run, task_id: str, option: str) -> None:
        """Answer a task that waits for a person with one of its options."""
        path = f"{run.path}/taskInstances/{task_id}/-1/hitlDetails"
        self._json("PATCH", path, json={"chosen_options": [option], "params_input": {}})

    def question(self, run: Run, task_id: str) -> dict[str, Any]:
        """Return what such a task asks: `subject`, `body`, `options`, and later `responded_by_user`."""
        return dict(self._json("GET", f"{run.path}/taskInstances/{task_id}/-1/hitlDetails"))

    def page(self, run: Run, task_id: str, name: str) -> str:
        """Return the page behind a task's extra link, as HTML."""
        links = self._json("GET", f"{run.path}/taskInstances/{task_id}/links")["extra_links"]
        return self._send("GET", links[name]).text

    def clear(self, run: Run, task_ids: Iterable[str], *, downstream: bool = False) -> list[str]:
        """Clear tasks of a run, so that they run again, and return the ids of those cleared."""
        body = {
            "dry_run": False,
            "dag_run_id": run.run_id,
            "task_ids": list(task_ids),
            "only_failed": False,
            "reset_dag_runs": True,
            "include_downstream": downstream,
        }
        answer = self._json("POST", f"/api/v2/dags/{run.dag_id}/clearTaskInstances", json=body)
        return [str(task["task_id"]) for task in answer["task_instances"]]

    def clear_run(self, run: Run) -> None:
        """Clear all tasks of a run, so that it runs again."""
        self._json("POST", f"{run.path}/clear", json={"dry_run": False})

    def mark_run(self, run: Run, state: str) -> None:
        """Mark a run as `success` or `failed`."""
        self._json("PATCH", run.path, json={"state": state})

    def mark_task(self, run: Run, task_id: str, state: str) -> None:
        """Mark a task as `success`, `failed` or `skipped`; clear the tasks after it that have failed."""
        self._json("PATCH", f"{run.path}/taskInstances/{task_id}", json={"new_state": state})

    def runs(self, dag_id: str) -> list[Run]:
        """Return the runs of a DAG, the oldest first."""
        answer = self._json("GET", f"/api/v2/dags/{dag_id}/dagRuns", params={"order_by": "id", "limit": 100})
        return [Run(dag_id, str(run["dag_run_id"])) for run in answer["dag_runs"]]

    def pause(self, dag_id: str, *, paused: bool = True) -> None:
        """Pause or unpause a DAG."""
        self._json("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": paused})

    def pool(self, name: str) -> dict[str, Any]:
        """Return a pool: `slots`, `open_slots`, …."""
        return dict(self._json("GET", f"/api/v2/pools/{name}"))

    def parse(self, dag_id: str) -> None:
        """Make the DAG processor parse the file of a DAG now, before its turn."""
        token = self._json("GET", f"/api/v2/dags/{dag_id}")["file_token"]
        self._json("PUT", f"/api/v2/parseDagFile/{token}")

    def wait_for_dag(self, dag_id: str, *, timeout_seconds: float = 60, poll_seconds: float = 0.5) -> None:
        """Wait until the DAG processor has parsed a DAG.

        Raises:
            SandboxError: if it is not loaded in time; the message has the import errors of the DAG files.
        """
        deadline = time.monotonic() + timeout_seconds
        while self._send("GET", f"/api/v2/dags/{dag_id}").status_code == httpx.codes.NOT_FOUND:
            errors = self._json("GET", "/api/v2/importErrors")["import_errors"]
            if errors or time.monotonic() > deadline:
                shown = "\n".join(f"{e['filename']}:\n{e['stack_trace']}" for e in errors)
                raise SandboxError(f"DAG {dag_id!r} was not loaded. Import errors: {shown or 'none'}")
            time.sleep(poll_seconds)

    def _json(self, method: str, path: str, **request: Any) -> Any:
        return _checked(self._send(method, path, **request))

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        if "Authorization" not in self._http.headers:
            token = _checked(self._http.get("/auth/token"))["access_token"]
            self._http.headers["Authorization"] = f"Bearer {token}"
        return self._http.request(method, path, **request)


def _checked(response: httpx.Response) -> Any:
    if response.is_success:
        return response.json()
    request = response.request
    raise SandboxError(f"{request.method} {request.url}: HTTP {response.status_code}: {response.text[:2000]}")


def _log_lines(content: Iterable[Any]) -> Iterable[str]:
    """Return the lines of a log that the API returns as events, some with an exception of several frames."""
    for event in content:
        if not isinstance(event, dict):
            yield str(event)
            continue
        fields = (event.get(name) for name in ("timestamp", "level", "event"))
        yield " ".join(str(field) for field in fields if field is not None)
        for error in event.get("error_detail") or []:
            yield f"    {error.get('exc_type')}: {error.get('exc_value')}"
