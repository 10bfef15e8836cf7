"""Submit the ingest job: never two runs on one checkpoint, and a retry finds the run it has submitted."""

import hashlib
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from random import SystemRandom
from typing import Any

from airflow.providers.databricks.exceptions import DatabricksApiError
from airflow.providers.databricks.hooks.databricks import RunState
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from cloudtrail_to_delta.errors import CloudTrailError, FatalError
from cloudtrail_to_delta.hooks.databricks import start_order
from cloudtrail_to_delta.hooks.waiting import workspace
from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.operators.one_time_run import OneTimeRunOperator, may_be_a_used_token
from cloudtrail_to_delta.params.request import IngestRequest, shares_run
from cloudtrail_to_delta.records.databricks_run import PAGE_KEY, RUN_ID_KEY
from cloudtrail_to_delta.records.preflight import PreflightResult
from cloudtrail_to_delta.runs.disks import volumes_for
from cloudtrail_to_delta.runs.names import own_run, run_name, works_on
from cloudtrail_to_delta.runs.payload import node_type_of, submit_payload
from cloudtrail_to_delta.runs.pools import SUBMIT_POOL


class SettledTrigger(BaseTrigger):
    """Fires when the run has ended, or is still active and not being canceled after `grace_seconds`.

    A run that is TERMINATING may still write, so the trigger waits until it has ended.

    Args:
        databricks_conn_id: the connection to the workspace.
        run_id: the Databricks run.
        grace_seconds: how long to wait for a cancellation.
        poll_seconds: how often to check.
    """

    def __init__(
        self, *, databricks_conn_id: str, run_id: int, grace_seconds: float, poll_seconds: float
    ) -> None:
        super().__init__()
        self.databricks_conn_id = databricks_conn_id
        self.run_id = run_id
        self.grace_seconds = grace_seconds
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what another triggerer process needs to continue this wait."""
        return (
            "cloudtrail_to_delta.operators.submit.SettledTrigger",
            {
                "databricks_conn_id": self.databricks_conn_id,
                "run_id": self.run_id,
                "grace_seconds": self.grace_seconds,
                "poll_seconds": self.poll_seconds,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Check until the trigger can fire."""
        databricks, until = workspace(self.databricks_conn_id), time.monotonic() + self.grace_seconds
        async for active in databricks.polls(self.poll_seconds):
            run = active.get(self.run_id) or await databricks.ask(lambda hook: hook.find_run(self.run_id))
            state = None if run is None else RunState(**run["state"])
            if state is None or state.is_terminal:
                break
            if state.life_cycle_state != "TERMINATING" and time.monotonic() >= until:
                break
        yield TriggerEvent({"run_id": self.run_id})

    async def on_kill(self) -> None:
        """Cancel the run if a person cancels, clears or fails the waiting task, which watches the run."""
        await workspace(self.databricks_conn_id).cancel(lambda hook: hook.cancel_run(self.run_id))


class RoomTrigger(BaseTrigger):
    """Fires when the task has a place among `limit` active ingest runs of the workspace.

    One triggerer wakes no more tasks than there are places. Another triggerer or another Airflow may wake a
    task for the same place, so the task checks again before it submits.

    Args:
        databricks_conn_id: the connection to the workspace.
        limit: how many runs may be active.
        poll_seconds: how often to check, and up to a fifth longer, so that triggerers do not check at once.
        run_name: the run that the task will submit; empty for a wait that an earlier release began.
    """

    def __init__(self, *, databricks_conn_id: str, limit: int, poll_seconds: int, run_name: str = "") -> None:
        super().__init__()
        self.databricks_conn_id = databricks_conn_id
        self.limit = limit
        self.poll_seconds = poll_seconds
        self.run_name = run_name

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what another triggerer process needs to continue this wait."""
        return (
            "cloudtrail_to_delta.operators.submit.RoomTrigger",
            {
                "databricks_conn_id": self.databricks_conn_id,
                "limit": self.limit,
                "poll_seconds": self.poll_seconds,
                "run_name": self.run_name,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Check until there is a place."""
        databricks = workspace(self.databricks_conn_id)
        databricks.give_back(self.run_name)
        async for active in databricks.polls(self.poll_seconds * SystemRandom().uniform(1, 1.2)):
            if databricks.reserve(self.run_name, self.limit):
                yield TriggerEvent({"active": len(active)})
                return


# If a DAG run has started its job this often, another start will not help.
MAX_GENERATIONS = 20
# How often a task that waits for room checks for it.
ROOM_POLL_SECONDS = 15
# If this task is cleared with the tasks that wait for its run, the triggerer cancels the run in the meantime.
SETTLE_SECONDS = 15
SETTLE_POLL_SECONDS = 2


class SubmitIngestOperator(OneTimeRunOperator):
    """Submits one ingest run and returns its run id. It does not wait for the run.

    The idempotency token is made of DAG, DAG run, kinds and generation. A retry or a cleared task sends the
    same token, so Databricks returns the existing run. The task uses the next generation only if that run
    ended without success or was deleted. A run that is being canceled may still write, so the task first
    waits for its end. If another run is active on the same checkpoint, the task fails and submits nothing:
    two streams on one checkpoint lose records.

    While the number of active ingest runs has reached param `max_concurrent_runs`, the task defers. The pool
    `SUBMIT_POOL` has one slot, so checking for room and submitting is one step across all DAGs.

    With param `share_run` one run ingests every kind that is not skipped. Each kind's task requests the same
    run with the same token, and the first task starts it. Any other run on one of its checkpoints is a rival.

    The task is skipped, and so its group, if `kinds` does not name the kind or preflight found no log files
    of it, or no new ones. `stage_code` skips it, so that it does not take the pool's slot only for that. If
    it runs nevertheless, it skips itself.
    """

    template_fields = (*OneTimeRunOperator.template_fields, "requests", "preflight", "wheel", "public_keys")

    def __init__(
        self,
        *,
        kind: str,
        requests: Any,
        preflight: Any,
        wheel: Any,
        public_keys: Any = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("pool", SUBMIT_POOL)
        super().__init__(**kwargs)
        self.kind = kind
        self.requests = requests
        self.preflight = preflight
        self.wheel = wheel
        self.public_keys = public_keys

    def execute(self, context: Context) -> int:
        """Submit the run, or find the run that an earlier try submitted; return its id."""
        return self._submit(context)

    def resume(self, context: Context, event: dict[str, Any]) -> int:
        """Check again after there was room for another run, or after a run has settled (`run_id`)."""
        return self._submit(context, settled=event.get("run_id"))

    def _submit(self, context: Context, settled: int | None = None) -> int:
        if reason := self.reason_to_skip(self.requests, self.preflight):
            raise AirflowSkipException(reason)
        requests = self._requests_of_run(shared=shares_run(context["params"]))
        kinds = [request.kind for request in requests]
        name = run_name(requests, context)
        limit = int(context["params"]["max_concurrent_runs"])
        self._wait_for_room(context, kinds, name, limit)
        self.json = self._payload(context, requests, name)
        run, found = self._start_or_find(context, requests, name)
        run_id, state = int(run["run_id"]), RunState(**run["state"])
        self.log.info("%s run %s: %s", "Found again" if found else "Submitted", run_id, state)
        context["ti"].xcom_push(key=RUN_ID_KEY, value=run_id)
        context["ti"].xcom_push(key=PAGE_KEY, value=run.get("run_page_url", ""))
        if not state.is_terminal:
            # A first try finds a run only if another kind's task has started the shared run.
            self._settle(state, run_id, doubted=found and context["ti"].try_number > 1, settled=settled)
            self._yield_to_an_earlier_run(run, requests, name)
            self._yield_room(run, limit)
        return run_id

    def _payload(self, context: Context, requests: Sequence[IngestRequest], name: str) -> dict[str, Any]:
        """Return the body of `runs/submit`."""
        return submit_payload(
            requests,
            context["params"],
            wheel=self.wheel,
            name=name,
            run=own_run(context),
            public_keys=self.public_keys or "",
            volumes=self._volumes(context["params"]),
        )

    def _volumes(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the EBS volumes that a new cluster of this node type needs."""
        node_type = node_type_of(params)
        return volumes_for(self._hook, node_type) if node_type else {}

    def reason_to_skip(self, requests: Mapping[str, Any], preflight: Any) -> str:
        """Return why this task starts no Databricks run; empty if it starts one.

        Args:
            requests: the requests of the DAG run, by kind.
            preflight: what `preflight` returned.
        """
        if self.kind not in requests:
            return f"Param `kinds` does not include {self.kind}."
        return PreflightResult.from_dict(preflight).left_out.get(self.kind, "")

    def _left_out(self) -> Mapping[str, str]:
        return PreflightResult.from_dict(self.preflight).left_out

    def _requests_of_run(self, *, shared: bool) -> list[IngestRequest]:
        """Return the run's requests, in the same order for each kind's task that shares the run."""
        left_out = self._left_out()
        kinds = [kind for kind in KINDS if kind in self.requests and kind not in left_out]
        return [IngestRequest.from_dict(self.requests[kind]) for kind in (kinds if shared else [self.kind])]

    def _start_or_find(
        self, context: Context, requests: Sequence[IngestRequest], name: str
    ) -> tuple[dict[str, Any], bool]:
        """Return the run of the first generation that has not failed, and whether it already existed."""
        kinds = [request.kind for request in requests]
        refused: DatabricksApiError | None = None
        for generation in range(MAX_GENERATIONS):
            active = list(self._hook.active_runs())
            if rivals := find_rivals(active, requests, name):
                raise CloudTrailError(describe_rival(rivals[0], requests))
            self.idempotency_token = idempotency_token(context, kinds, generation)
            try:
                self.run_id = int(self._hook.submit_run(self._prepare_submit_json(context)))
            except DatabricksApiError as refusal:
                if not may_be_a_used_token(refusal, context):
                    raise
                refused = refused or refusal
                continue
            run = self._hook.find_run(self.run_id)
            if run is None:
                self.log.info("Run %s (generation %s) no longer exists", self.run_id, generation)
                continue
            state = RunState(**run["state"])
            if not state.is_terminal:
                self._require_alone(run, active, requests, name)
            if state.is_successful or not state.is_terminal:
                return run, state.is_terminal or any(other["run_id"] == run["run_id"] for other in active)
            self.log.info("Run %s (generation %s) has ended: %s", self.run_id, generation, state)
        raise refused or FatalError(
            f"{MAX_GENERATIONS} Databricks runs of {', '.join(kinds)} failed in this DAG run, the last one "
            f"is {self.run_id}. Fix the error shown in its driver log, then trigger a new DAG run."
        )

    def _require_alone(
        self,
        run: dict[str, Any],
        active: Iterable[dict[str, Any]],
        requests: Sequence[IngestRequest],
        name: str,
    ) -> None:
        """Raise if another run of this DAG run is active: a person has repaired or repeated a failed one."""
        for other in active:
            if other.get("run_name") == name and other["run_id"] != run["run_id"]:
                # The list may still have a run that has just ended.
                now = self._hook.find_run(int(other["run_id"]))
                if now is not None and not RunState(**now["state"]).is_terminal:
                    raise CloudTrailError(describe_rival(other, requests))

    def _settle(self, state: RunState, run_id: int, *, doubted: bool, settled: int | None) -> None:
        """Defer until a run that is being canceled has ended, or a doubted run is known to continue."""
        if state.life_cycle_state == "TERMINATING" or (doubted and run_id != settled):
            self.log.info(
                "Waiting without a worker slot to see whether run %s continues or is canceled", run_id
            )
            self.defer(
                trigger=SettledTrigger(
                    databricks_conn_id=self.databricks_conn_id,
                    run_id=run_id,
                    grace_seconds=SETTLE_SECONDS,
                    poll_seconds=SETTLE_POLL_SECONDS,
                ),
                method_name="resume",
            )

    def _yield_to_an_earlier_run(
        self, run: dict[str, Any], requests: Sequence[IngestRequest], name: str
    ) -> None:
        """If two runs were submitted at the same moment, cancel the one that started later."""
        rivals = find_rivals(self._hook.active_runs(), requests, name)
        earlier = [rival for rival in rivals if start_order(rival) < start_order(run)]
        if earlier:
            self._hook.cancel_run(int(run["run_id"]))
            raise CloudTrailError(describe_rival(earlier[0], requests))

    def _wait_for_room(self, context: Context, kinds: Sequence[str], name: str, limit: int) -> None:
        """Defer while `limit` other runs are active, unless a run of this DAG run is among them."""
        active = self._hook.active_ingest_runs() if limit else []
        if len(active) < max(limit, 1) or any(run["run_name"] == name for run in active):
            return
        if not self._has_ended(context, kinds, name):
            self._defer(active, limit, name)

    def _has_ended(self, context: Context, kinds: Sequence[str], name: str) -> bool:
        """Return whether the run has already succeeded, in an earlier try or for another kind's task."""
        for kind in kinds:
            task_id = f"{kind}.{self.task_id.rpartition('.')[2]}"
            run_id = context["ti"].xcom_pull(task_ids=task_id, key=RUN_ID_KEY) if kind != self.kind else None
            if run_id is not None:
                run = self._hook.find_run(int(run_id))
                return run is not None and run.get("run_name") == name and succeeded(run)
        if context["ti"].try_number == 1:
            return False
        ended = self._hook.ended_runs(since=context["dag_run"].run_after)
        return any(run.get("run_name") == name and succeeded(run) for run in ended)

    def _yield_room(self, run: dict[str, Any], limit: int) -> None:
        """Cancel the run and wait if, because of another Airflow, it is one more than the limit."""
        active = self._hook.active_ingest_runs() if limit else []
        earlier = [other for other in active if start_order(other) < start_order(run)]
        if limit and len(earlier) >= limit and any(other["run_id"] == run["run_id"] for other in active):
            self._hook.cancel_run(int(run["run_id"]))
            self._defer(earlier, limit, run["run_name"])

    def _defer(self, active: list[dict[str, Any]], limit: int, name: str) -> None:
        self.log.info(
            "%s ingest runs are active, param max_concurrent_runs is %s; waiting without a worker slot: %s",
            len(active),
            limit,
            ", ".join(run["run_name"] for run in active),
        )
        self.defer(
            trigger=RoomTrigger(
                databricks_conn_id=self.databricks_conn_id,
                limit=limit,
                poll_seconds=ROOM_POLL_SECONDS,
                run_name=name,
            ),
            method_name="resume",
        )


def find_rivals(
    active: Iterable[dict[str, Any]], requests: Sequence[IngestRequest], name: str
) -> list[dict[str, Any]]:
    """Return the active runs on one of these checkpoints that do not have this name."""
    return [
        run
        for run in active
        if (other := run.get("run_name", "")) != name and any(works_on(other, one) for one in requests)
    ]


def succeeded(run: dict[str, Any]) -> bool:
    """Return whether a run has ended with success."""
    return bool(RunState(**run["state"]).is_successful)


def describe_rival(run: dict[str, Any], requests: Sequence[IngestRequest]) -> str:
    """Return the error for another active run on the same checkpoint, and what to do."""
    checkpoints = [repr(one.checkpoint_path) for one in requests if works_on(run["run_name"], one)]
    return (
        f"Databricks run {run['run_id']} ({run['run_name']!r}, {run.get('run_page_url', 'no run page')}) "
        f"is already working on checkpoint {' and '.join(checkpoints)}. Two runs on one checkpoint would "
        "lose records. Wait for that run to end, or cancel it, then clear this task."
    )


def idempotency_token(context: Context, kinds: Sequence[str], generation: int) -> str:
    """Return 64 hex characters (Databricks' limit), the same for each try and each kind of a shared run."""
    dag_run = context["dag_run"]
    identity = "\n".join([dag_run.dag_id, dag_run.run_id, ",".join(kinds), str(generation)])
    return hashlib.sha256(identity.encode()).hexdigest()
