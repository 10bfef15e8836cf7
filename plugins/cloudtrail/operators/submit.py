"""Submitting the ingest job: never two runs for one checkpoint, and a retry gets its own run back."""

import hashlib
from typing import Any

from airflow.providers.databricks.hooks.databricks import RunState
from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail.errors import CloudTrailError, FatalError
from cloudtrail.hooks.databricks import IngestHook
from cloudtrail.payload import run_name, run_name_prefix, submit_payload
from cloudtrail.request import IngestRequest

# A DAG run that had to start its job this often has a fault that another start will not mend.
MAX_GENERATIONS = 20


class SubmitIngestOperator(DatabricksSubmitRunOperator):
    """Submits one ingest run and returns its run id; it does not wait for the run.

    The idempotency token names DAG, DAG run, kind and generation. A retry or a cleared task sends the same
    token, so Databricks answers with the run it already has; only a run that ended without success moves to
    the next generation. An active run of the same checkpoint from elsewhere is an error, never a rival: two
    streams on one checkpoint lose records.

    Skips itself, and with it its group, when the kind was not asked for or preflight says why there is
    nothing to read.
    """

    template_fields = (*DatabricksSubmitRunOperator.template_fields, "requests", "preflight", "wheel")

    def __init__(self, *, kind: str, requests: Any, preflight: Any, wheel: Any, **kwargs: Any) -> None:
        kwargs.setdefault("databricks_conn_id", "{{ params.databricks_conn_id }}")
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
        request = self._request_or_skip()
        name = run_name(request, context)
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
        earlier = [rival for rival in self._rivals(request, name) if _order(rival) < _order(run)]
        if earlier:
            self._hook.cancel_run(int(run["run_id"]))
            raise CloudTrailError(describe_rival(earlier[0], request))


def _order(run: dict[str, Any]) -> tuple[int, int]:
    return int(run.get("start_time", 0)), int(run["run_id"])


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
