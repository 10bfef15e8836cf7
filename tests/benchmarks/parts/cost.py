"""What one hourly run costs, as the services would bill it: counted from the stand-ins' own logs of requests.

Each account is an entry of accounts.yaml with events and insights. After a first load, every account's DAG
runs once with new log files and once without. No seconds of the stand-ins' compute are of a real cluster;
the counts are.
"""

import os
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import httpx
from databricks.sdk import WorkspaceClient

from sandbox import up
from sandbox.airflow_client import AirflowClient, Run
from sandbox.ports import free_ports
from sandbox.processes import Processes
from sandbox.sample_logs import SampleSpec
from sandbox.sample_logs.upload import write
from sandbox.settings import Sandbox, Secrets
from sandbox.signals import shielded
from tests.benchmarks.accounts_run import accounts_yaml
from tests.benchmarks.measuring import remove, require
from tests.benchmarks.session import Session

TITLE = "What an hourly run costs"
DAG = "cloudtrail_ingest__account_{}"
LOGS = "cloudtrail-logs"
TIMEOUT_SECONDS = 1200
POLL_SECONDS = 1.0
HOLDS_A_SLOT = ("queued", "running")
STATEMENT = ("POST", "/api/2.0/sql/statements")
# A warehouse stops this long after its last statement: 10 minutes, the least that a classic one can have.
AUTO_STOP_MS = 600_000
# The operation's verb → the class in S3's price list. Source: Amazon S3 pricing, requests and retrievals.
CLASSES = {"List": "LIST", "Get": "GET and HEAD", "Head": "GET and HEAD", "Delete": "DELETE"}
# How old every log file is made before the run without new log files.
QUIET_HOURS = 3


def run(session: Session, entry: dict[str, Any]) -> None:
    """Measure each number of accounts in a sandbox of its own."""
    entry["notes"] = [
        "One hourly run of every account, with events and insights in one Databricks run. All counts are of "
        "all accounts together. Slot seconds are those of tasks that are queued or running, counted once a "
        "second. [What they cost](explanation/cost.md).",
    ]
    for accounts in session.sizes.cost_accounts:
        _sandbox(session, entry, accounts)
        session.save()


def _sandbox(session: Session, entry: dict[str, Any], accounts: int) -> None:
    state = session.work / f"cost-{accounts}"
    remove(state)
    state.mkdir(parents=True)
    airflow_port, aws_port, databricks_port = free_ports(3)
    own = Sandbox(state=state, airflow_port=airflow_port, aws_port=aws_port, databricks_port=databricks_port)
    numbers = tuple(str(100_000_000_000 + n) for n in range(accounts))
    file = state / "accounts.yaml"
    file.write_text(_accounts_file(numbers))
    os.environ["CLOUDTRAIL_ACCOUNTS_FILE"] = str(file)
    processes = Processes(state)
    try:
        processes = up.up(own, _samples(numbers, seed=7))
        services = _Services(own)
        with AirflowClient(own.airflow_url) as airflow:
            dags = [DAG.format(n) for n in range(accounts)]
            for dag in dags:
                airflow.wait_for_dag(dag, timeout_seconds=180)
            for case in ("first load", "new log files", "nothing new"):
                if case == "new log files":
                    write(own.aws_url, LOGS, _samples(numbers, seed=8))
                if case == "nothing new":
                    services.age(QUIET_HOURS)
                found = _measure(airflow, services, dags)
                name = f"{accounts} account{'s' if accounts > 1 else ''}, {case}"
                entry["figures"] |= {f"{name}: {what}": value for what, value in found.items()}
                session.say(f"{name}: {found}")
    finally:
        with shielded():
            up.stop(processes, *up.SERVICES)
            remove(state)


def _accounts_file(numbers: tuple[str, ...]) -> str:
    text: str = accounts_yaml(numbers, 4, kinds="events, insights")
    return text.replace("defaults:\n", "defaults:\n  schedule: none\n", 1)


def _samples(numbers: tuple[str, ...], *, seed: int) -> SampleSpec:
    """A few log files for each account; another seed has other names."""
    return SampleSpec(
        until=datetime.now(UTC).replace(second=0, microsecond=0),
        seed=seed,
        days=1,
        files=4 * len(numbers) + 2,
        records=40 * len(numbers),
        insight_files=2,
        damaged=False,
        accounts=numbers,
    )


def _measure(airflow: AirflowClient, services: "_Services", dags: list[str]) -> dict[str, float]:
    """Run every DAG once, and return what the services have counted meanwhile."""
    services.forget()
    before = services.runs()
    slots = _follow(airflow, [airflow.trigger(dag) for dag in dags])
    seconds = {run: took for run, took in services.runs().items() if run not in before}
    return {"compute starts": len(seconds), "compute seconds": round(sum(seconds.values()))} | {
        **services.counted(),
        "Airflow slot seconds": round(slots),
    }


def _follow(airflow: AirflowClient, runs: list[Run]) -> float:
    """Wait for the end of every run; return for how many seconds its tasks have held a slot."""
    slots, deadline, looked = 0.0, time.monotonic() + TIMEOUT_SECONDS, time.monotonic()
    open_runs = list(runs)
    while open_runs:
        require(time.monotonic() < deadline, f"{len(open_runs)} DAG runs have not ended in time")
        time.sleep(POLL_SECONDS)
        ended = {run: str(airflow.run(run)["state"]) for run in open_runs}
        tasks = [task["state"] for run in open_runs for task in airflow.task_instances(run)]
        now = time.monotonic()
        slots += (now - looked) * sum(state in HOLDS_A_SLOT for state in tasks)
        looked = now
        for run, state in ended.items():
            require(state != "failed", f"{run.dag_id} has failed")
            if state == "success":
                open_runs.remove(run)
    return slots


class _Services:
    """The stand-ins of a sandbox, and what they have counted."""

    def __init__(self, own: Sandbox) -> None:
        self._own = own
        self._token = Secrets.of(own).databricks_token
        self._jobs = WorkspaceClient(host=own.databricks_url, token=self._token, auth_type="pat").jobs

    def forget(self) -> None:
        """Empty both logs of requests."""
        self._call("DELETE", f"{self._own.aws_url}/sandbox/requests")
        self._call("DELETE", f"{self._own.databricks_url}/sandbox/requests")

    def age(self, hours: int) -> None:
        """Set the times of all log files back."""
        self._call("POST", f"{self._own.aws_url}/sandbox/age", {"bucket": LOGS, "hours": hours})

    def runs(self) -> dict[int, float]:
        """Each Databricks run → its seconds."""
        found = list(self._jobs.list_runs())
        return {int(one.run_id or 0): ((one.end_time or 0) - (one.start_time or 0)) / 1000 for one in found}

    def counted(self) -> dict[str, float]:
        """Statements, warehouse wake-ups, Databricks calls and S3 requests since the logs were emptied."""
        asked = self._call("GET", f"{self._own.databricks_url}/sandbox/requests").json()["requests"]
        calls = [one for one in asked if one["path"].startswith("/api/")]
        statements = sorted(one["at"] for one in calls if (one["method"], one["path"]) == STATEMENT)
        gaps = sum(later - one > AUTO_STOP_MS for one, later in pairwise(statements))
        served = self._call("GET", f"{self._own.aws_url}/sandbox/requests").json()
        s3 = Counter(_class_of(one["action"]) for one in served if one["service"] == "s3")
        return {
            "SQL statements": len(statements),
            "warehouse wake-ups": gaps + bool(statements),
            "other Databricks API calls": len(calls) - len(statements),
            **{f"S3 {name}": s3[name] for name in ("LIST", "GET and HEAD", "PUT", "DELETE")},
            "other AWS API calls": sum(one["service"] != "s3" for one in served),
        }

    def _call(self, method: str, url: str, body: Any = None) -> httpx.Response:
        ours = url.startswith(self._own.databricks_url)
        headers = {"Authorization": f"Bearer {self._token}"} if ours else {}
        answer = httpx.request(method, url, json=body, headers=headers, timeout=60).raise_for_status()
        require(answer.headers.get("X-Dropped", "0") == "0", f"the log of requests at {url} overflowed")
        return answer


def _class_of(action: str) -> str:
    verb = next((verb for verb in CLASSES if action.startswith(verb)), "")
    return CLASSES.get(verb, "PUT")
