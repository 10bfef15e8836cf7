"""The harness of the end-to-end tests: one whole sandbox for the session, with real processes throughout."""

import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from databricks.sdk import WorkspaceClient

from cloudtrail_to_delta.accounts import FILE_VARIABLE
from sandbox import permissions, seed, up
from sandbox.airflow_client import AirflowClient
from sandbox.aws.seed import client
from sandbox.ports import free_ports
from sandbox.processes import Processes
from sandbox.receiver import Receiver, receiving
from sandbox.sample_logs import SampleSummary
from sandbox.settings import ROOT, Sandbox, Secrets
from sandbox.signals import INTERRUPTS, interrupt_on_signals
from sandbox.warehouse import Row, Warehouse
from tests.fixtures.databricks import ODD_NAME
from tests.fixtures.postgres import Postgres

FILES, RECORDS = 60, 900
DAG = "cloudtrail_ingest"
# Of the same tasks, with a deadline that every run passes; what one is told as is remembered by its DAG.
LATE_DAG, LATE_AGAIN_DAG = "cloudtrail_ingest_late", "cloudtrail_ingest_late_again"
LATE_FILE = f"""\
# Airflow reads a file of the DAGs folder only when it has the words "airflow" and "dag".
from datetime import timedelta

from cloudtrail_to_delta.dags.factory import build_ingest_form

for dag_id in ("{LATE_DAG}", "{LATE_AGAIN_DAG}"):
    build_ingest_form(globals(), __file__, dag_id=dag_id, deadline=timedelta(seconds=1))
"""


def dags_folder(folder: Path) -> Path:
    """The product's DAGs, and the ingest twice more with a deadline that every run passes."""
    shutil.copytree(ROOT / "dags", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / f"{LATE_DAG}.py").write_text(LATE_FILE)
    return folder


@dataclass(frozen=True)
class Aws:
    """The AWS stand-in."""

    endpoint: str

    def client(self, service: str) -> Any:
        """A boto3 client of `service`."""
        return client(service, self.endpoint)

    def age(self, bucket: str, *, hours: int) -> None:
        """Set the times of all objects of a bucket back."""
        asked = {"bucket": bucket, "hours": hours}
        httpx.post(f"{self.endpoint}/sandbox/age", json=asked).raise_for_status()

    def judged(self, *roles: str) -> tuple[set[str], set[str]]:
        """The IAM actions that roles, given by their names, have needed, and those that were refused."""
        answer = httpx.get(f"{self.endpoint}/sandbox/judged").raise_for_status().json()
        own = [one for one in answer if one["principal"].rpartition("/")[2] in roles]
        return {one["action"] for one in own}, {one["action"] for one in own if not one["allowed"]}


@dataclass(frozen=True)
class Databricks:
    """The Databricks stand-in."""

    host: str
    port: int
    token: str

    def sdk(self) -> WorkspaceClient:
        """A client of the workspace."""
        return WorkspaceClient(host=self.host, token=self.token, auth_type="pat")

    def provoke(self, fault: dict[str, Any]) -> None:
        """Make something go wrong, see `sandbox.databricks.faults`."""
        headers = {"Authorization": f"Bearer {self.token}"}
        httpx.post(f"{self.host}/sandbox/faults", json=fault, headers=headers).raise_for_status()

    def requests(self) -> list[dict[str, Any]]:
        """The newest calls of the API, oldest first."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.get(f"{self.host}/sandbox/requests", headers=headers).raise_for_status()
        return [one for one in answer.json()["requests"] if one["path"].startswith("/api/")]


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that runs, with its bucket full of sample logs and its tables not there yet.

    `airflow` triggers and watches DAG runs; `promised` is what the tables must hold after an ingest with the
    form's defaults; `processes` stops and kills single services; `state` has every log. `accounts` is its
    accounts.yaml, empty at the start.
    """

    state: Path
    airflow: AirflowClient
    aws: Aws
    databricks: Databricks
    promised: SampleSummary
    processes: Processes
    warehouse: Warehouse
    accounts: Path

    def sql(self, statement: str) -> list[Row]:
        """Run a statement; rows as column → text."""
        return self.warehouse.sql(statement)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[RunningSandbox]:
    """The session's sandbox, on free ports; stopped at the end, also when pytest is interrupted or ended."""
    airflow_port, aws_port, databricks_port = free_ports(3)
    own = Sandbox(
        # In a folder that shells, option lists and URLs take for something else, on production's database.
        state=tmp_path_factory.mktemp(ODD_NAME),
        database=postgres.url(postgres.database()),
        airflow_port=airflow_port,
        aws_port=aws_port,
        databricks_port=databricks_port,
        dags=dags_folder(tmp_path_factory.mktemp(ODD_NAME) / "dags"),
        # One of the scenarios is the way of the original guide. The demo runs without legacy features.
        legacy=True,
    )
    handlers = {number: signal.getsignal(number) for number in INTERRUPTS}
    interrupt_on_signals()
    processes = Processes(own.state)
    accounts = own.state / "accounts.yaml"
    accounts.write_text("accounts:\n")
    try:
        # What started the processes has to outlive them: it is their parent, and waits for their end.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(FILE_VARIABLE, str(accounts))
            processes = up.up(own, replace(seed.sample_spec(), files=FILES, records=RECORDS))
        token = Secrets.of(own).databricks_token
        with AirflowClient(own.airflow_url) as airflow:
            airflow.wait_for_dag(DAG)
            yield RunningSandbox(
                state=own.state,
                airflow=airflow,
                aws=Aws(own.aws_url),
                databricks=Databricks(own.databricks_url, databricks_port, token),
                promised=seed.promised(own),
                processes=processes,
                warehouse=Warehouse(own.databricks_url, token),
                accounts=accounts,
            )
    finally:
        up.stop(processes, *up.SERVICES)
        for number, handler in handlers.items():
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def receiver(sandbox: RunningSandbox) -> Iterator[Receiver]:
    """What takes alerts over HTTP; it is behind the Airflow connection `receiver`, for the whole session."""
    with receiving() as server:
        sandbox.airflow.add_connection("receiver", "apprise", config=server.config())
        yield server


@pytest.fixture(scope="session")
def limited(sandbox: RunningSandbox) -> None:
    """The Airflow connections of ingest and completeness that may only do what a test lets them do."""
    permissions.connect_ingest(sandbox.airflow, sandbox.aws.endpoint)
