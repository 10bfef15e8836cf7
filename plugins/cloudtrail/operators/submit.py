"""Submitting the ingest job: never two runs for one checkpoint, and a retry gets its own run back."""

import hashlib
from typing import Any

from airflow.providers.databricks.hooks.databricks import RunState
from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail.errors import CloudTrailError, FatalError
from cloudtrail.hooks.databricks import IngestHook, start_order
from cloudtrail.payload import run_name, run_name_prefix, submit_payload
from cloudtrail.pools import SUBMIT_POOL
from cloudtrail.request import IngestRequest
from cloudtrail.triggers.room import RoomTrigger

# A DAG run that had to start its job this often has a fault that another start will not mend.
MAX_GENERATIONS = 20
# How often a task that waits for room looks for it.
ROOM_POLL_SECONDS = 15


class SubmitIngestOperator(DatabricksSubmitRunOperator):
    """Submits one ingest run and returns its run id; it does not wait for the run.

    The idempotency token names DAG, DAG run, kind and generation. A retry or a cleared task sends the same
    token, so Databricks answers with the run it already has; only a run that ended without success moves to
    the next generation. An active run of the same checkpoint from elsewhere is an error, never a rival: two
    streams on one checkpoint lose records.

    While as many ingest runs are active as param `max_concurrent_runs` allows it defers; the pool
    `SUBMIT_POOL`, of one slot, makes the look and the submit one step for all DAGs.

    Skips itself, and with it its group, when the kind was not asked for or preflight says why there is
    nothing to read.
    """

    template_fields = (*DatabricksSubmitRunOperator.template_fields, "requests", "preflight", "wheel")

    def __init__(self, *, kind: str, requests: Any, preflight: Any, wheel: Any, **kwargs: Any) -> None:
        kwargs.setdefault("databricks_conn_id", "{{ params.databricks_conn_id }}")
        kwargs.setdefault("pool", SUBMIT_POOL)
        # durable: the token already closes the gap between submit and remembering the run id.
        super().__init__(wait_for_termination=False, deferrable=False, durable=False, **kwargs)
        self.kind = kind
        self.requests = requests
        self.preflight = preflight
        self.wheel = wheel

    def _get_hook(self, caller: str) -> IngestHook:
        return IngestHook(
            self.databricks_conn_id,
            retry_limit=self.databricks_retry_limit,
            retry_delay=self.databricks_retry_delay,
            retry_args=self.databricks_retry_args,
            caller=caller,
        )

    def execute(self, context: Context) -> int:
        """Submit, or find the run that an earlier try submitted, and return its id."""
        return self._submit(context)

    def resume(self, context: Context, event: dict[str, Any]) -> int:  # noqa: ARG002 - Airflow's signature
        """Look again, now that there was room for another run."""
        return self._submit(context)

    def _submit(self, context: Context) -> int:
        request = self._request_or_skip()
        name = run_name(request, context)
        limit = int(context["params"]["max_concurrent_runs"])
        self._wait_for_room(name, limit)
        self.json = submit_payload(request, context["params"], wheel=self.wheel, name=name)
        for generation in range(MAX_GENERATIONS):
            if rivals := self._rivals(request, name):
                raise CloudTrailError(describe_rival(rivals[0], request))
            self.idempotency_token = idempotency_token(context, self.kind, generation)
            super().execute(context)
            run = self._hook.get_run(int(self.run_id or 0))
            state = RunState(**run["state"])
            if not state.is_terminal or state.is_successful:
                self._yield_to_an_earlier_run(run, request, name)
                self._yield_room(run, limit)
                self.log.info("Run %s (generation %s): %s", self.run_id, generation, state)
                return int(self.run_id or 0)
            self.log.info(
                "Run %s of generation %s ended as %s; starting another", self.run_id, generation, state
            )
        raise FatalError(
            f"{MAX_GENERATIONS} runs of {request.kind} failed in this DAG run, the last one with id "
            f"{self.run_id}: mend what its driver log shows, then trigger a new DAG run."
        )

    def _request_or_skip(self) -> IngestRequest:
        if self.kind not in self.requests:
            raise AirflowSkipException(f"{self.kind} were not asked for: param `kinds` does not name them.")
        if reason := self.preflight["skipped_kinds"].get(self.kind):
            raise AirflowSkipException(reason)
        return IngestRequest.from_dict(self.requests[self.kind])

    def _rivals(self, request: IngestRequest, name: str) -> list[dict[str, Any]]:
        """Active runs on this checkpoint that this DAG run did not submit."""
        prefix = run_name_prefix(request)
        return [
            run
            for run in self._hook.active_runs()
            if run.get("run_name", "").startswith(prefix) and run["run_name"] != name
        ]

    def _yield_to_an_earlier_run(self, run: dict[str, Any], request: IngestRequest, name: str) -> None:
        """Of two runs submitted at the same moment, let the one that started first go on."""
        earlier = [rival for rival in self._rivals(request, name) if start_order(rival) < start_order(run)]
        if earlier:
            self._hook.cancel_run(int(run["run_id"]))
            raise CloudTrailError(describe_rival(earlier[0], request))

    def _wait_for_room(self, name: str, limit: int) -> None:
        """Defer while `limit` other runs are active; a run of this DAG run has its room already."""
        active = self._hook.active_ingest_runs() if limit else []
        if len(active) >= max(limit, 1) and all(run["run_name"] != name for run in active):
            self._defer(active, limit)

    def _yield_room(self, run: dict[str, Any], limit: int) -> None:
        """Cancel a run that another Airflow's look and submit has made one too many, and wait."""
        active = self._hook.active_ingest_runs() if limit else []
        earlier = [other for other in active if start_order(other) < start_order(run)]
        if limit and len(earlier) >= limit and any(other["run_id"] == run["run_id"] for other in active):
            self._hook.cancel_run(int(run["run_id"]))
            self._defer(earlier, limit)

    def _defer(self, active: list[dict[str, Any]], limit: int) -> None:
        self.log.info(
            "%s ingest runs are active, param max_concurrent_runs is %s; waiting without a worker slot: %s",
            len(active),
            limit,
            ", ".join(run["run_name"] for run in active),
        )
        self.defer(
            trigger=RoomTrigger(
                databricks_conn_id=self.databricks_conn_id, limit=limit, poll_seconds=ROOM_POLL_SECONDS
            ),
            method_name="resume",
        )


def describe_rival(run: dict[str, Any], request: IngestRequest) -> str:
    """Why nothing was submitted beside an active run of the same checkpoint, and what to do."""
    return (
        f"Databricks run {run['run_id']} ({run['run_name']!r}, {run.get('run_page_url', 'no page')}) is "
        f"already working on checkpoint {request.checkpoint_path!r}. Two runs on one checkpoint would "
        "lose records: wait for it to end, or cancel it, then clear this task."
    )


def idempotency_token(context: Context, kind: str, generation: int) -> str:
    """64 hex characters, the service's limit, that stay the same for every try of this task."""
    dag_run = context["dag_run"]
    identity = "\n".join([dag_run.dag_id, dag_run.run_id, kind, str(generation)])
    return hashlib.sha256(identity.encode()).hexdigest()
