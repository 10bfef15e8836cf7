"""`make demo`: one whole ingest in a sandbox of its own, with the result on the screen.

The sandbox is new each time, in `<state>/demo`, so that it touches no tables of `make up`; its files stay
until the next demo. Whatever happens, its processes are stopped at the end.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sandbox import results, seed, up
from sandbox.airflow_client import AirflowClient, Run
from sandbox.errors import DemoError, SandboxError
from sandbox.lock import exclusive
from sandbox.memory import MEASURE, MemorySampler
from sandbox.processes import Processes
from sandbox.sample_logs import SampleSpec
from sandbox.sample_logs.spec import Kind
from sandbox.settings import Sandbox, Secrets
from sandbox.signals import shielded
from sandbox.warehouse import Warehouse

DAG = "cloudtrail_ingest"
KINDS: tuple[Kind, ...] = ("events", "insights")
RUN_SECONDS = 600
LOG_LINES = 40
# A task passes through more states; these say something.
SHOWN_STATES = ("running", "deferred", "success", "failed", "up_for_retry", "skipped")

Say = Callable[[str], None]


def demo(sandbox: Sandbox, samples: SampleSpec | None = None) -> None:
    """Run the demo, printing as it goes.

    Raises:
        SandboxError: when a sandbox runs on these ports already, or the ingest failed.
        DemoError: when the tables do not hold what the sample logs promise.
    """
    with exclusive(sandbox.state / "demo.lock"):
        own = _new_sandbox(sandbox)
        started = time.monotonic()
        processes = Processes(own.state)
        memory = MemorySampler(processes)
        try:
            with memory:
                problems = _run(own, samples, lambda text: _print_timed(started, text))
        finally:
            with shielded():
                up.stop(processes, *up.SERVICES)
        _print_timed(started, f"everything is stopped; logs of all processes: {own.logs}")
    parts = ", ".join(f"{name} {size >> 20}" for name, size in sorted(memory.peak.items()))
    print(f"\nwall time          {time.monotonic() - started:.0f} s")
    print(f"peak memory ({MEASURE})  {memory.peak_bytes / 2**30:.2f} GB at one moment, in MB: {parts}")
    if problems:
        raise DemoError("the tables do not hold what the sample logs promise:\n" + "\n".join(problems))


def _new_sandbox(sandbox: Sandbox) -> Sandbox:
    if Processes(sandbox.state).running():
        raise SandboxError(
            f"a sandbox is running already: trigger {DAG} in its UI ({sandbox.airflow_url}), or stop it "
            "first (`make down`)"
        )
    own = replace(sandbox, state=up.demo_state(sandbox))
    left = up.stop(Processes(own.state), *up.SERVICES)
    if left:
        print(f"Stopped what a killed demo had left: {', '.join(left)}.")
    shutil.rmtree(own.state, ignore_errors=True)
    return own


def _run(sandbox: Sandbox, samples: SampleSpec | None, say: Say) -> list[str]:
    """Start, ingest, show; the differences between the tables and what was promised."""
    say("starting AWS, Databricks and Airflow, and writing sample logs")
    up.up(sandbox, samples)
    promised = seed.promised(sandbox)
    say(f"ready: {sandbox.airflow_url} shows the run while it lasts; in the bucket:\n{promised}")
    with AirflowClient(sandbox.airflow_url) as airflow:
        run = _ingest(airflow, say)
        validations = {kind: airflow.xcom(run, f"{kind}.validate_rows") for kind in KINDS}
    say("the run succeeded; in the tables, by SQL:")
    sql = Warehouse(sandbox.databricks_url, Secrets.of(sandbox).databricks_token).sql
    problems: list[str] = []
    for kind in KINDS:
        found = results.read(kind, sql, validations[kind])
        print(f"\n{results.render(found)}", flush=True)
        problems += results.differences(found, promised.counts(kind))
    if not problems:
        print("\nEvery count is the one that the sample logs promise.\n")
    return problems


def _ingest(airflow: AirflowClient, say: Say) -> Run:
    """Trigger the DAG with the form's defaults and wait for the end of its run."""
    airflow.wait_for_dag(DAG)
    run = airflow.trigger(DAG)
    say(f"triggered {DAG} ({run.run_id})")

    def show(task: dict[str, Any]) -> None:
        if task["state"] in SHOWN_STATES:
            say(f"  {task['task_id']:<28} {task['state']}")

    if airflow.wait(run, timeout_seconds=RUN_SECONDS, on_change=show) != "success":
        raise SandboxError(f"the run failed:\n{failures(airflow, run)}")
    return run


def failures(airflow: AirflowClient, run: Run) -> str:
    """The end of the log of every task that failed, for a person."""
    failed = [task for task in airflow.task_instances(run) if task["state"] == "failed"]
    shown = []
    for task in failed:
        log = airflow.task_log(run, task["task_id"], task["try_number"], task["map_index"])
        lines = log.splitlines()[-LOG_LINES:]
        shown.append("\n".join([f"{task['task_id']} failed:", *(f"    {line}" for line in lines)]))
    return "\n".join(shown)


def _print_timed(started: float, text: str) -> None:
    first, *more = text.splitlines()
    print(f"[{time.monotonic() - started:4.0f} s] {first}", flush=True)
    for line in more:
        print(f"         {line}", flush=True)
