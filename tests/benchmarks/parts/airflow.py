"""What Airflow spends: parsing DAGs, the way to a submitted job, memory, slots while waiting."""

import statistics
import time
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from sandbox import seed, up
from sandbox.airflow_client import AirflowClient, Run
from sandbox.memory import resident_bytes
from sandbox.ports import free_ports
from sandbox.processes import Processes
from sandbox.settings import Sandbox
from sandbox.signals import shielded
from tests.benchmarks import dag_import
from tests.benchmarks.figures import figure
from tests.benchmarks.measuring import remove, require
from tests.benchmarks.session import Session

TITLE = "Airflow"
DAG = "cloudtrail_ingest"
# Comes with the per-account DAGs: `accounts_yaml` writes their file, `measure` parses it in a fresh process.
ACCOUNTS = "tests.benchmarks.dag_accounts"
PARSES = 5
FILES, RECORDS = 60, 900
TIMEOUT_SECONDS = 600
POLL_SECONDS = 0.5
WATCHED = ("airflow-scheduler", "airflow-triggerer", "airflow-dag-processor")
HOLDS_A_SLOT = ("queued", "running")


def run(session: Session, entry: dict[str, Any]) -> None:
    """Parse, then one run of the DAG in a sandbox of its own."""
    entry["notes"] = [
        "Parsing is the time to import the DAG file in a fresh process, after Airflow's own import. "
        "Memory is the peak of the process itself during one run of the DAG (for the scheduler, without "
        "the tasks that it runs). A waiting task is one whose name begins with `wait_for`. Its slots are "
        "counted twice a second from its start to its end.",
    ]
    _parse(session, entry)
    session.save()
    _sandbox_run(session, entry)


def _parse(session: Session, entry: dict[str, Any]) -> None:
    measured = [dag_import.measure() for _ in range(PARSES)]
    entry["figures"]["seconds to import airflow.sdk"] = figure(own for own, _ in measured)
    entry["figures"]["seconds to parse the form's DAG"] = figure(dag for _, dag in measured)
    session.say("parse of the form's DAG measured")
    if find_spec(ACCOUNTS) is None:
        entry["notes"].append("Per-account DAGs were missing, so they were not measured.")
        return
    module = import_module(ACCOUNTS)
    session.work.mkdir(parents=True, exist_ok=True)
    for accounts in session.sizes.accounts:
        file = session.work / f"{accounts}.yaml"
        numbers = [str(10**11 + n) for n in range(accounts)]
        file.write_text(module.accounts_yaml(numbers, 2, kinds="events, insights"))
        # Airflow's own import, the DAG file, then what serializing takes.
        found = figure(module.measure(file)[1] for _ in range(PARSES))
        entry["figures"][f"CPU seconds to parse, accounts: {accounts}"] = found
        session.say(f"parse for {accounts} accounts: {found['median']:.2f} CPU s")


def _sandbox_run(session: Session, entry: dict[str, Any]) -> None:
    state = session.work / "airflow"
    remove(state)
    airflow_port, aws_port, databricks_port = free_ports(3)
    own = Sandbox(state=state, airflow_port=airflow_port, aws_port=aws_port, databricks_port=databricks_port)
    processes = Processes(own.state)
    session.say("a sandbox starts")
    try:
        spec = seed.sample_spec()
        processes = up.up(own, type(spec)(until=spec.until, files=FILES, records=RECORDS))
        with AirflowClient(own.airflow_url) as airflow:
            airflow.wait_for_dag(DAG)
            watch = _Watch(airflow, processes)
            entry["figures"] |= watch.follow(time.time(), airflow.trigger(DAG))
        require(watch.state == "success", f"the DAG run has ended as {watch.state}")
        session.say("the DAG run has ended")
    finally:
        with shielded():
            up.stop(processes, *up.SERVICES)
            remove(state)


class _Watch:
    """Looks at one run of the DAG and at Airflow's processes until it ends."""

    def __init__(self, airflow: AirflowClient, processes: Processes) -> None:
        self._airflow = airflow
        self._records = [record for record in processes.records() if record.name in WATCHED]
        self.state = ""

    def follow(self, triggered: float, run: Run) -> dict[str, Any]:
        """The figures of the run."""
        peaks = dict.fromkeys(WATCHED, 0)
        slots: list[int] = []
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while self.state not in ("success", "failed") and time.monotonic() < deadline:
            self.state = str(self._airflow.run(run)["state"])
            tasks = self._airflow.task_instances(run)
            waiting = [task for task in tasks if ".wait_for" in task["task_id"] and task["start_date"]]
            if any(task["end_date"] is None for task in waiting):
                slots.append(sum(task["state"] in HOLDS_A_SLOT for task in waiting))
            for record in self._records:
                leader = record.leader()
                peaks[record.name] = max(peaks[record.name], resident_bytes(leader) if leader else 0)
            time.sleep(POLL_SECONDS)
        found: dict[str, Any] = {
            f"{name.removeprefix('airflow-')} peak MB": round(peak / 1e6) for name, peak in peaks.items()
        }
        if slots:
            found["slots while waiting"] = statistics.median(slots)
            found["slots while waiting, share of looks"] = round(sum(map(bool, slots)) / len(slots), 3)
        for task in tasks:
            if task["task_id"] == "events.submit" and task["end_date"]:
                ended = datetime.fromisoformat(task["end_date"]).timestamp()
                found["seconds from trigger to submitted"] = round(ended - triggered, 1)
        return found
