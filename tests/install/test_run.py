"""One whole ingest, run by the Airflow of a fresh environment with the installed distribution.

Its scheduler, API server, DAG processor and triggerer run outside the checkout. AWS and Databricks are the
sandbox's stand-ins, which run in other processes with the packages of the checkout's environment.
"""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from cloudtrail_to_delta.kinds import KINDS
from sandbox import results
from sandbox.airflow import COMPONENTS, connections, settings
from sandbox.airflow_client import AirflowClient
from sandbox.demo import failures
from sandbox.health import answers, wait_until_ready
from sandbox.ports import free_ports
from sandbox.processes import Processes
from sandbox.sample_logs import SampleSpec, write
from sandbox.settings import Sandbox, Secrets
from sandbox.warehouse import Warehouse

DAG = "cloudtrail_ingest"
READY_SECONDS = 180
RUN_SECONDS = 600


@pytest.fixture(scope="module")
def promised(aws):
    """Put sample logs into the log bucket, and return the counts that the tables must hold."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    spec = SampleSpec(until=now, files=60, records=900)
    return write(aws.endpoint, aws.reset().logs_bucket, spec)


@pytest.fixture
def airflow(environment, aws, databricks):
    """Start the environment's Airflow and yield a client of it; stop Airflow after the test."""
    if not environment.case.runs:
        pytest.skip("only for the environments that run an ingest")
    (port,) = free_ports(1)
    sandbox = Sandbox(
        state=environment.home.parent,
        airflow_port=port,
        aws_port=urlsplit(aws.endpoint).port,
        databricks_port=databricks.port,
        database=f"sqlite:///{environment.home / 'airflow.db'}?timeout=60",
    )
    secrets = replace(Secrets.of(sandbox), databricks_service_token=databricks.token)
    variables = settings(sandbox, secrets) | connections(sandbox, secrets) | environment.variables()
    processes = Processes(sandbox.state)
    try:
        for name, arguments in COMPONENTS.items():
            command = (str(environment.python), "-m", "airflow", *arguments)
            processes.start(name, command, environment=variables, cwd=environment.home)
        ready = {"airflow-api-server": answers(f"{sandbox.airflow_url}/api/v2/version")}
        wait_until_ready(ready, processes, timeout_seconds=READY_SECONDS)
        with AirflowClient(sandbox.airflow_url) as client:
            client.wait_for_dag(DAG)
            yield client
    finally:
        processes.stop()


def test_an_ingest_succeeds_and_its_tables_hold_every_record(airflow, environment, databricks, promised):
    # The environments share the stand-ins, so each has its own table.
    table = f"events_{environment.case.name.replace('-', '_').replace('.', '_')}"
    run = airflow.trigger(DAG, {"kinds": ["events"], "events_table": table})
    state = airflow.wait(run, timeout_seconds=RUN_SECONDS)

    assert state == "success", failures(airflow, run)
    states = {task["task_id"]: task["state"] for task in airflow.task_instances(run)}
    not_asked_for = tuple(f"{kind}." for kind in KINDS if kind != "events")
    others = {task for task in states if task.startswith(not_asked_for)}
    assert {states.pop(task) for task in others} == {"skipped"}
    assert set(states.values()) == {"success"}, states
    found = results.read(
        "events",
        Warehouse(databricks.host, databricks.token).sql,
        airflow.xcom(run, "events.validate_rows"),
    )
    assert found.table == table
    assert results.differences(found, promised.counts("events")) == []
