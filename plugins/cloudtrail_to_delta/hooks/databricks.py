"""The Databricks calls that the provider's hook lacks: SQL results, active runs, files in volumes.

This hook adds no retries of its own: `DatabricksHook` says that connection errors, 429 and 5xx are retried.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import requests
from airflow.providers.common.compat.sdk import AirflowException
from airflow.providers.databricks.exceptions import DatabricksApiError
from airflow.providers.databricks.hooks.databricks import DatabricksHook, RunState
from airflow.providers.databricks.utils.databricks import extract_failed_task_errors
from tenacity import RetryError, stop_after_attempt

from cloudtrail_to_delta.errors import CloudTrailError, FatalError
from cloudtrail_to_delta.runs.names import is_ingest_run

SQL_STATEMENTS = "2.0/sql/statements"
LIST_RUNS = ("GET", "2.2/jobs/runs/list")
# Databricks allows 5 to 50 seconds. A running warehouse answers nearly every statement within this time. A
# slower statement is deferred, which costs work of a triggerer, the scheduler and a new worker. An overloaded
# scheduler (fifty accounts on two cores, Airflow 3.3.2) fails a task that resumes before the scheduler has
# seen that it deferred.
STATEMENT_WAIT = "30s"

Row = dict[str, str | None]


class IngestHook(DatabricksHook):
    """`DatabricksHook` with SQL results, the active runs, and files in Unity Catalog volumes."""

    def _do_api_call(self, *call: Any, **options: Any) -> Any:
        """Make a call as the provider does; name the connection if Databricks refuses its credentials."""
        try:
            return super()._do_api_call(*call, **options)
        except DatabricksApiError as refused:
            if not (renew := self._of_credentials(refused.http_status_code, str(refused))):
                raise
            raise DatabricksApiError(
                f"{refused}. {renew}", http_status_code=refused.http_status_code
            ) from refused

    def _of_credentials(self, status: int | None, words: str) -> str:
        """Return what to do about credentials that Databricks refused; empty for any other refusal.

        Databricks answers 401 without valid credentials, and 403 ("Invalid access token") to a personal
        access token that has expired.
        """
        if status != 401 and "Invalid access token" not in words:
            return ""
        return (
            f"Databricks did not accept the credentials of connection {self.databricks_conn_id!r}: renew or "
            "correct them, then clear this task."
        )

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the answer to a GET of `/api/<path>`."""
        answer: dict[str, Any] = self._do_api_call(("GET", path), query or None)
        return answer

    def pages(self, path: str, key: str, **query: str) -> Iterator[dict[str, Any]]:
        """Yield everything that a GET lists under `key`, page by page; a page may be empty."""
        while True:
            page = self.get(path, **query)
            yield from page.get(key, [])
            token = page.get("next_page_token")
            if not token:
                return
            query = {**query, "page_token": str(token)}

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a POST, PATCH, DELETE or PUT of `/api/<path>` once and return the answer.

        After a lost answer, the hook's retries could create a second cluster. The caller must check what
        exists before it tries again.

        Raises:
            DatabricksApiError: if the service refused the call, also for 429 and 5xx.
            CloudTrailError: if no answer came.
        """
        alone = {"stop": stop_after_attempt(1), "reraise": True}
        once = type(self)(self.databricks_conn_id, retry_args=alone, caller=self.caller)
        try:
            if method == "PUT":
                return once._request(method, path, json=body)
            answer: dict[str, Any] = once._do_api_call((method, path), body)
        except requests.RequestException as lost:
            raise CloudTrailError(
                f"Databricks did not answer {method} {path} ({lost}). Clear this task: it first checks "
                "whether the call took effect."
            ) from lost
        return answer

    def start_statement(self, statement: str, *, warehouse_id: str) -> dict[str, Any]:
        """Start one SQL statement and wait for it for some seconds; the answer may still be PENDING.

        Source: Databricks REST, Statement Execution API, `POST /api/2.0/sql/statements`.
        """
        body = {
            "statement": statement,
            "warehouse_id": warehouse_id,
            "wait_timeout": STATEMENT_WAIT,
            "on_wait_timeout": "CONTINUE",
            "disposition": "INLINE",
            "format": "JSON_ARRAY",
        }
        answer: dict[str, Any] = self._do_api_call(("POST", SQL_STATEMENTS), body)
        return answer

    def get_statement(self, statement_id: str) -> dict[str, Any]:
        """Return the state of a statement and, once it has SUCCEEDED, its result."""
        answer: dict[str, Any] = self._do_api_call(("GET", api_path(SQL_STATEMENTS, statement_id)))
        return answer

    def active_runs(self) -> Iterator[dict[str, Any]]:
        """Return every active one-time run that the connection's principal can see, newest first."""
        return self._runs(active_only="true")

    def ended_runs(self, since: datetime) -> Iterator[dict[str, Any]]:
        """Return every one-time run that started since then and has ended, newest first."""
        return self._runs(completed_only="true", start_time_from=int(since.timestamp() * 1000))

    def _runs(self, **which: Any) -> Iterator[dict[str, Any]]:
        """Yield one-time runs, newest first. Source: Databricks REST, Jobs API 2.2, `jobs/runs/list`."""
        query: dict[str, Any] = {**which, "run_type": "SUBMIT_RUN", "limit": 24}
        while True:
            page = self._do_api_call(LIST_RUNS, query)
            yield from page.get("runs", [])
            token = page.get("next_page_token")
            if not token:
                return
            query = {**query, "page_token": token}

    def active_ingest_runs(self) -> list[dict[str, Any]]:
        """Return the active runs of this pipeline, of any account and Airflow, the oldest first."""
        ours = (run for run in self.active_runs() if is_ingest_run(run.get("run_name", "")))
        return sorted(ours, key=start_order)

    def find_run(self, run_id: int) -> dict[str, Any] | None:
        """Return the run as `get_run` does; None if it was deleted or Databricks no longer keeps it."""
        try:
            run: dict[str, Any] = self.get_run(run_id)
        except DatabricksApiError as refused:
            # Source: Databricks REST, Jobs API 2.2, `runs/get`: 400 for a run that does not exist.
            if refused.http_status_code == 404 or re.search(r"Run \d+ does not exist", str(refused)):
                return None
            raise
        return run

    def has_ended(self, run_id: int) -> bool:
        """Return whether the run has ended or no longer exists."""
        run = self.find_run(run_id)
        return run is None or bool(RunState(**run["state"]).is_terminal)

    def failure_of(self, run_id: int) -> str | None:
        """Return why an ingest run failed or no longer exists, and what to do; None if neither is so."""
        run = self.find_run(run_id)
        if run is None:
            return describe_gone(run_id)
        failure = self.run_failure(run)
        return f"{failure} {start_again('submit')}" if failure else None

    def run_failure(self, run: dict[str, Any]) -> str | None:
        """Return why a run ended without success, with its error and page; None if it did not.

        Args:
            run: the run as `get_run` returns it.
        """
        state = RunState(**run["state"])
        if not state.is_terminal or state.is_successful:
            return None
        try:
            errors = [str(task["error"]) for task in extract_failed_task_errors(self, run, state)]
        except AirflowException as lost:
            # Databricks may have deleted the output but still know the state, which must be enough.
            errors = [f"its output could not be read: {lost}"]
        return describe_failure(run["run_id"], state, errors, run.get("run_page_url", ""))

    def put_volume_file(self, path: str, content: bytes) -> None:
        """Write a file into a Unity Catalog volume (`/Volumes/…`); replace it if it exists.

        Source: Databricks REST, Files API, `PUT /api/2.0/fs/files{path}`.

        Raises:
            CloudTrailError: if Databricks refused it, or did not answer after some tries.
        """
        folders = PurePosixPath(path).relative_to("/").parts
        try:
            file = api_path("2.0/fs/files", *folders)
            self._request("PUT", file, params={"overwrite": "true"}, data=content)
        except DatabricksApiError as refused:
            status = refused.http_status_code
            remedy = self._of_credentials(status, str(refused)) or {
                403: "Grant the connection's principal WRITE VOLUME on that volume.",
                404: "Create that volume, or correct code_root; the principal needs WRITE VOLUME on it.",
            }.get(status or 0, "Clear this task.")
            raise CloudTrailError(f"Databricks refused to write {path!r}: {refused}. {remedy}") from refused
        except AirflowException as lost:
            raise CloudTrailError(f"{path!r} could not be written: {lost}. Clear this task.") from lost

    def delete_from_volume(self, path: str, *, folder: bool = False) -> None:
        """Delete a file from a Unity Catalog volume, or an empty folder, if it exists.

        Source: Databricks REST, Files API, `DELETE /api/2.0/fs/files{path}` and `/fs/directories{path}`.
        """
        parts = PurePosixPath(path).relative_to("/").parts
        try:
            self._request("DELETE", api_path(f"2.0/fs/{'directories' if folder else 'files'}", *parts))
        except DatabricksApiError as refused:
            # A file whose upload was refused does not exist, and neither does anything in a missing volume.
            if refused.http_status_code != 404:
                raise

    def _request(self, method: str, path: str, **what: Any) -> dict[str, Any]:
        """Send a PUT, which the provider lacks, or a DELETE whose answer is empty, which it cannot read.

        With the hook's headers, proxies and retries, as the provider sends any other call.
        """
        headers = {
            **self.user_agent_header,
            **self._get_aad_headers(),
            "Authorization": f"Bearer {self._get_token(raise_error=True)}",
        }

        def send() -> dict[str, Any]:
            response = requests.request(
                method,
                self._endpoint_url(f"api/{path}"),
                headers=headers,
                timeout=self.timeout_seconds,
                **self._get_requests_kwargs(),
                **what,
            )
            response.raise_for_status()
            return dict(response.json()) if response.content else {}

        try:
            return self._get_retry_object()(send)
        except RetryError as given_up:
            last = given_up.last_attempt.exception()
            raise AirflowException(f"{method} {path} failed {self.retry_limit} times: {last}") from last
        except requests.HTTPError as refused:
            words = f"Response: {refused.response.text[:2000]}, Status Code: {refused.response.status_code}"
            raise DatabricksApiError(words, http_status_code=refused.response.status_code) from refused


def start_order(run: dict[str, Any]) -> tuple[int, int]:
    """Return the sort key of a run: its start, then its id."""
    return int(run.get("start_time", 0)), int(run["run_id"])


def describe_gone(run_id: int, *, task: str = "submit") -> str:
    """Return the error for a run that no longer exists. Source: Databricks, Jobs: runs last 60 days.

    `task` is the task that submits it.
    """
    return (
        f"Databricks run {run_id} no longer exists: somebody deleted it, or it is older than 60 days, after "
        f"which Databricks deletes runs. {start_again(task)} Log files that are in the tables already are "
        "not ingested twice."
    )


def start_again(task: str) -> str:
    """Return what to do after a run that ended without success: clearing another task finds the same run."""
    return f"To start another run, clear `{task}` with its downstream tasks, or trigger a new DAG run."


def describe_failure(run_id: int, state: RunState, errors: list[str], page: str) -> str:
    """Return a paragraph about a failed run: its state, its error, and its page."""
    outcome = state.result_state or state.life_cycle_state
    why = "; ".join(errors) or state.state_message or "Databricks gave no reason"
    return f"Databricks run {run_id} ended as {outcome}: {why}. Driver log: {page}"


def result_rows(answer: dict[str, Any]) -> list[Row]:
    """Return the rows of a SUCCEEDED statement, each as column name → text or None.

    Raises:
        CloudTrailError: if the result has several chunks, which no statement here should need.
    """
    manifest = answer.get("manifest", {})
    if manifest.get("truncated") or manifest.get("total_chunk_count", 1) > 1:
        raise CloudTrailError(
            f"statement {answer.get('statement_id')!r} returned more rows than one answer can hold"
        )
    names = [column["name"] for column in manifest.get("schema", {}).get("columns", [])]
    data = answer.get("result", {}).get("data_array") or []
    return [dict(zip(names, row, strict=True)) for row in data]


def api_path(root: str, *parts: str) -> str:
    """Return `<root>/<part>/…`, with each part quoted so that it always stays one part.

    Raises:
        FatalError: if an HTTP client would resolve a part to another folder.
    """
    for part in parts:
        if part in ("", ".", ".."):
            raise FatalError(f"{part!r} cannot be part of a URL below /api/{root}: use a name or an id.")
    return "/".join([root, *(quote(part, safe="") for part in parts)])
