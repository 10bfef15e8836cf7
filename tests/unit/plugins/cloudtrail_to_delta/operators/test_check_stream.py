"""`check_stream`: an ended continuous stream fails the task, which alerts."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.operators.completeness import StreamCheckOperator, resolve
from cloudtrail_to_delta.params.completeness import completeness_params
from cloudtrail_to_delta.records.outcome import Outcome
from cloudtrail_to_delta.records.table_event import TableEvent
from cloudtrail_to_delta.runs.names import run_name
from cloudtrail_to_delta.tables.assets import table_asset

DAG_RUN = SimpleNamespace(dag_id="cloudtrail_ingest__prod", run_id="manual__1")
PARAMS = {name: param.value for name, param in completeness_params().items()} | {
    "trigger": "continuous",
    "kinds": ["events", "insights"],
}
REQUESTS, _ = resolve(PARAMS)


@pytest.fixture
def workspace(monkeypatch):
    """A workspace whose active runs have the names in the list that this gives."""
    active = []

    class Jobs(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path.startswith("/api/2.2/jobs/runs/list?")
            assert "active_only=true" in self.path
            body = json.dumps({"runs": [{"run_id": 1, "run_name": name} for name in active]}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            """Nothing is printed."""

    with HTTPServer(("127.0.0.1", 0), Jobs) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        connection = {"conn_type": "databricks", "schema": "http", "host": "127.0.0.1", "password": "x"}
        connection["port"] = server.server_address[1]
        monkeypatch.setenv("AIRFLOW_CONN_DATABRICKS_DEFAULT", json.dumps(connection))
        yield active
        server.shutdown()
        thread.join()


@pytest.fixture
def ingested(supervisor):
    """Says that runs have validated the table of a kind."""

    def say(kind):
        request = REQUESTS[kind]
        event = TableEvent.of_outcome(Outcome(kind=kind, table=request.table, version=3))
        supervisor.add(table_asset(request.table, request.delta_path), event.to_dict())

    return say


def check(**changed):
    context = {"params": PARAMS | changed, "ti": SimpleNamespace(dag_id="cloudtrail_completeness__prod")}
    StreamCheckOperator(task_id="check_stream").execute(context)


def stream(kind):
    return run_name([REQUESTS[kind]], {"dag_run": DAG_RUN})


def test_an_ended_stream_is_named_with_the_dag_that_starts_it_again(workspace, ingested):
    for kind in REQUESTS:
        ingested(kind)
        workspace.append(stream(kind))
    check()
    workspace.remove(stream("insights"))
    with pytest.raises(CloudTrailError, match="Trigger 'cloudtrail_ingest__prod'") as told:
        check()
    assert repr(REQUESTS["insights"].table) in str(told.value)
    assert repr(REQUESTS["events"].table) not in str(told.value)


def test_a_stream_that_nobody_has_started_yet_is_no_alarm(workspace, ingested):
    check()
    ingested("events")
    workspace.append(stream("events"))
    check()


def test_an_ingest_whose_runs_end_has_no_stream_to_check():
    with pytest.raises(AirflowSkipException, match="not continuous"):
        check(trigger="available_now")
