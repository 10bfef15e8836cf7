"""Operators run by hand against the stand-ins over HTTP: connections, a context, tiny wheels."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.operators.submit import RoomTrigger, SubmitIngestOperator
from cloudtrail_to_delta.params.ingest import ingest_params
from cloudtrail_to_delta.params.request import resolve_requests
from tests.fixtures.databricks import build_wheel, until


@dataclass
class TaskInstance:
    """The part of Airflow's task instance that the operators and the notifier use."""

    task_id: str = "events.submit"
    dag_id: str = "cloudtrail_ingest"
    run_id: str = "manual__1"
    try_number: int = 1
    log_url: str = "http://airflow/log"
    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key, value):
        self.pushed[key] = value

    def get_task_states(self, dag_id, run_ids):  # noqa: ARG002 - Airflow's signature
        return {}

    def xcom_pull(self, task_ids, key, **_):  # noqa: ARG002 - Airflow's signature
        return self.pushed.get(key)


ON_THE_CLUSTER = {"compute": "existing_cluster", "cluster_id": "sandbox-cluster", "code_root": None}


def form_values(**changed):
    """The form's defaults, as a DAG run's params hold them, with some of them changed.

    Each kind has a run of its own on the sandbox's cluster, because most tests are about the run of one kind
    and not about its compute.
    """
    form = {name: param.value for name, param in ingest_params().items()}
    return form | {"share_run": False} | ON_THE_CLUSTER | changed


def task_context(*, params, run_id="manual__1", **more):
    """What Airflow hands to `execute`."""
    run_after = datetime.now(UTC) - timedelta(hours=1)
    dag_run = SimpleNamespace(dag_id="cloudtrail_ingest", run_id=run_id, start_date=None, run_after=run_after)
    return {"params": params, "dag_run": dag_run, "ti": TaskInstance(run_id=run_id)} | more


def request_dicts(params):
    """What `resolve` returns for these params."""
    return {kind: request.to_dict() for kind, request in resolve_requests(params).items()}


SUCCEEDS = "def main():\n    print('done')\n"
FAILS = "def main():\n    raise ValueError('the checkpoint belongs to another logs path')\n"
WAITS = "import time\ndef main():\n    print('waiting', flush=True)\n    time.sleep(600)\n"
DIES = "import os, signal\ndef main():\n    os.kill(os.getpid(), signal.SIGKILL)\n"


@pytest.fixture
def connections(aws, databricks, monkeypatch):
    """The two Airflow connections of the pipeline, pointing at the stand-ins."""
    monkeypatch.setenv(
        "AIRFLOW_CONN_AWS_DEFAULT",
        f'{{"conn_type": "aws", "login": "sandbox", "password": "sandbox", '
        f'"extra": {{"endpoint_url": "{aws.endpoint}", "region_name": "us-east-1"}}}}',
    )
    monkeypatch.setenv(
        "AIRFLOW_CONN_DATABRICKS_DEFAULT",
        f'{{"conn_type": "databricks", "schema": "http", "host": "{databricks.host}", '
        f'"port": {databricks.port}, "password": "{databricks.token}"}}',
    )


@pytest.fixture
def stage(aws, tmp_path):
    """Puts a job wheel into the lake and returns its path."""
    s3 = aws.client("s3")

    def put(source: str) -> str:
        points = {"cloudtrail-ingest": "cloudtrail_jobs:main"}
        wheel = build_wheel(tmp_path, "cloudtrail_jobs", source, points=points)
        key = f"code/{abs(hash(source)):x}/{wheel.name}"
        s3.put_object(Bucket="cloudtrail-lake", Key=key, Body=wheel.read_bytes())
        return f"s3://cloudtrail-lake/{key}"

    return put


FINAL_STATES = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
NOTHING_SKIPPED = {"skipped_kinds": {}}


def submit(wheel, run_id, *, kind="events", preflight=NOTHING_SKIPPED, pushed=None, try_number=1, **changed):
    """One try of the submit task, as Airflow makes it: a new operator each time. Its result and context.

    `pushed` is what the other kinds' tasks of the DAG run have left for it. A deferral goes on when its
    trigger has fired, except one for room, which is raised.
    """
    params = form_values(**changed)
    operator = SubmitIngestOperator(
        task_id="submit",
        kind=kind,
        requests=request_dicts(params),
        preflight=preflight,
        wheel=wheel,
        databricks_conn_id="databricks_default",
    )
    context = task_context(params=params, run_id=run_id)
    context["ti"].pushed |= pushed or {}
    context["ti"].try_number = try_number
    try:
        return operator.execute(context), context
    except TaskDeferred as deferred:
        if isinstance(deferred.trigger, RoomTrigger):
            raise
        return operator.resume(context, fire(deferred.trigger)), context


def state_of(run_id):
    """A run's state as the service has it."""
    return IngestHook().get_run(run_id)["state"]


def finished(run_id):
    """The run id, once the run has ended."""
    until(lambda: state_of(run_id)["life_cycle_state"] in FINAL_STATES, f"the end of run {run_id}")
    return run_id


def fire(trigger):
    """The trigger's first event, in an event loop as the triggerer has one."""

    async def first():
        events = trigger.run()
        try:
            async for event in events:
                return event.payload
        finally:
            await events.aclose()
        return None

    return asyncio.run(first())


def run_to_end(operator, context):
    """Execute an operator through all its deferrals, each time as another worker would go on."""
    try:
        return operator.execute(context)
    except TaskDeferred as deferred:
        pending = deferred
    while True:
        event = fire(pending.trigger)
        kept = json.loads(json.dumps(pending.kwargs or {}))
        try:
            return getattr(operator, pending.method_name)(context, event, **kept)
        except TaskDeferred as deferred:
            pending = deferred
