"""Operators run by hand against the stand-ins over HTTP: connections, a context, tiny wheels."""

import asyncio
import io
import json
import time
import zipfile
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from cloudtrail.form import ingest_params
from cloudtrail.hooks.databricks import IngestHook
from cloudtrail.operators.submit import SubmitIngestOperator
from cloudtrail.request import resolve_requests

VERSION = "0.1.0"


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

    def xcom_pull(self, task_ids, key):  # noqa: ARG002 - Airflow's signature
        return self.pushed.get(key)


def form_values(**changed):
    """The form's defaults, as a DAG run's params hold them, with some of them changed."""
    return {name: param.value for name, param in ingest_params().items()} | changed


def task_context(*, params, run_id="manual__1", **more):
    """What Airflow hands to `execute`."""
    dag_run = SimpleNamespace(dag_id="cloudtrail_ingest", run_id=run_id)
    return {"params": params, "dag_run": dag_run, "ti": TaskInstance(run_id=run_id)} | more


def request_dicts(params):
    """What `resolve` returns for these params."""
    return {kind: request.to_dict() for kind, request in resolve_requests(params).items()}


def job_wheel(source: str) -> bytes:
    """A wheel called cloudtrail_jobs whose entry point `cloudtrail-ingest` is `main()` of `source`."""
    info = f"cloudtrail_jobs-{VERSION}.dist-info"
    files = {
        "cloudtrail_jobs/__init__.py": "",
        "cloudtrail_jobs/ingest.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: cloudtrail_jobs\nVersion: {VERSION}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ncloudtrail-ingest = cloudtrail_jobs.ingest:main\n",
        f"{info}/RECORD": "",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return buffer.getvalue()


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
def stage(aws):
    """Puts a job wheel into the lake and returns its path."""
    s3 = aws.client("s3")

    def put(source: str) -> str:
        content = job_wheel(source)
        key = f"code/{abs(hash(source)):x}/cloudtrail_jobs-{VERSION}-py3-none-any.whl"
        s3.put_object(Bucket="cloudtrail-lake", Key=key, Body=content)
        return f"s3://cloudtrail-lake/{key}"

    return put


def wait_for(question, *, seconds=60.0):
    """Ask until the answer is truthy; the bound is for a test that would otherwise hang."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{question} was still {answer!r} after {seconds} s")
        time.sleep(0.1)
    return answer


FINAL_STATES = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
NOTHING_SKIPPED = {"skipped_kinds": {}}


def submit(wheel, run_id, *, kind="events", preflight=NOTHING_SKIPPED, **changed):
    """One try of the submit task, as Airflow makes it: a new operator each time. Its result and context."""
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
    return operator.execute(context), context


def state_of(run_id):
    """A run's state as the service has it."""
    return IngestHook().get_run(run_id)["state"]


def finished(run_id):
    """The run id, once the run has ended."""
    wait_for(lambda: state_of(run_id)["life_cycle_state"] in FINAL_STATES)
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
