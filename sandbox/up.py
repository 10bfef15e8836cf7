"""How to start, show and stop a whole sandbox.

`up` starts the AWS and Databricks stand-ins and the four processes of Airflow, and fills the bucket with
sample logs while Airflow starts. When it fails or is interrupted, it stops what it has started.
"""

import sys
import time
from pathlib import Path

from sandbox import airflow, database, ports, seed, wheel
from sandbox.aws.seed import ALERT_TOPIC
from sandbox.aws.seed import seed as seed_account
from sandbox.health import Check, answers, beats, wait_until_ready
from sandbox.lock import exclusive
from sandbox.memory import resident_bytes
from sandbox.processes import Processes, Record
from sandbox.sample_logs import SampleSpec
from sandbox.settings import ROOT, Sandbox, Secrets
from sandbox.signals import shielded

STAND_INS = ("aws", "databricks")
SERVICES = (*STAND_INS, *airflow.COMPONENTS)
READY_SECONDS = 180
# The product's page of all accounts, in Airflow's UI.
PAGE = "/plugin/cloudtrail"
EXAMPLE = '"SELECT * FROM cloudtrail_events LIMIT 5"'


def up(sandbox: Sandbox, samples: SampleSpec | None = None, *, with_logs: bool = True) -> Processes:
    """Start the services that do not run, wait until all are ready, and fill an empty bucket with logs.

    Without logs, the account has only what the set-up DAG does not create, such as the tables' bucket.

    Raises:
        PortInUseError: if a port is in use; nothing is started.
        ProcessError: if a service does not become ready; everything started here is stopped.
    """
    with exclusive(sandbox.state / "lock"):
        processes = Processes(sandbox.state)
        running = {record.name for record in processes.running()}
        missing = [name for name in SERVICES if name not in running]
        if not missing:
            return processes
        ports.require_free(_ports_of(sandbox, missing))
        wheel.build()
        try:
            _start(sandbox, processes, missing)
            ready = {"aws": answers(f"{sandbox.aws_url}/sandbox/health")}
            wait_until_ready(ready, processes, timeout_seconds=READY_SECONDS)
            if with_logs:
                seed.fill(sandbox.aws_url, samples or seed.sample_spec(), seed.summary_path(sandbox))
            else:
                seed_account(sandbox.aws_url)
            wait_until_ready(_checks(sandbox, processes), processes, timeout_seconds=READY_SECONDS)
        except BaseException:
            with shielded():  # services that ran before continue to run
                stop(processes, *missing)
            raise
    return processes


def down(sandbox: Sandbox) -> list[str]:
    """Stop every process of the sandbox and of a killed demo, and return their names."""
    stopped = []
    for state in (sandbox.state, demo_state(sandbox)):
        if (state / "run").exists():
            with exclusive(state / "lock"):
                processes = Processes(state)
                stopped += stop(processes, *(record.name for record in processes.records()))
    return stopped


def stop(processes: Processes, *names: str, grace_seconds: float = 8) -> list[str]:
    """Stop the named processes: Airflow first, then Databricks with its jobs, then AWS, which both use.

    A process that has not ended after `grace_seconds` is killed.
    """
    stopped = []
    for tier in (set(names) - set(STAND_INS), {"databricks"}, {"aws"}):
        chosen = tier & set(names)
        stopped += processes.stop(*chosen, grace_seconds=grace_seconds) if chosen else []
    return stopped


def is_up(sandbox: Sandbox) -> bool:
    """Return whether every service runs."""
    return {record.name for record in Processes(sandbox.state).running()} >= set(SERVICES)


def addresses(sandbox: Sandbox) -> str:
    """Return the next steps and the addresses of a running sandbox, with the ports that it runs on."""
    urls = {record.name: record.url for record in Processes(sandbox.state).running()}
    airflow_url, aws_url = urls["airflow-api-server"], urls["aws"]
    return (
        f"  Airflow     {airflow_url}/dags/cloudtrail_ingest (no login; the form's defaults work here)\n"
        f"  Set-up      {airflow_url}/dags/cloudtrail_setup (not required for the ingest above)\n"
        f"  State page  {airflow_url}{PAGE} (all accounts and tables, after the first ingest)\n"
        f"  AWS         {aws_url} (any keys, region us-east-1)\n"
        f"  Databricks  {urls['databricks']} (token: databricks_token in {sandbox.state}/secrets.json)\n"
        f"  Alert topic {ALERT_TOPIC} (param `alert_topic_arn`)\n"
        f"  Logs        {sandbox.logs}\n"
        f"`make sql Q={EXAMPLE}` queries the tables. `make alerts` shows the\n"
        "alerts that were sent. `make status` shows the processes. `make down` stops them."
    )


def demo_state(sandbox: Sandbox) -> Path:
    """Return the folder of the demo's sandbox, which starts empty each time and affects no other sandbox."""
    return sandbox.state / "demo"


def status(sandbox: Sandbox) -> tuple[str, bool]:
    """Return a table of the processes, and whether every service runs."""
    records = {record.name: record for record in Processes(sandbox.state).running()}
    lines = [f"{'process':<22}{'pid':>8}{'memory':>10}{'uptime':>10}  url"]
    for name in SERVICES:
        record = records.get(name)
        if record is None:
            lines.append(f"{name:<22}{'-':>8}{'-':>10}{'-':>10}  not running")
            continue
        memory = sum(resident_bytes(process) for process in record.members())
        uptime = time.strftime("%H:%M:%S", time.gmtime(max(0, time.time() - record.started)))
        lines.append(f"{name:<22}{record.pid:>8}{memory / 2**20:>7.0f} MB{uptime:>10}  {record.url}")
    if not records:
        lines.append("The sandbox is stopped. `make up` starts it.")
    return "\n".join(lines), all(name in records for name in SERVICES)


def _ports_of(sandbox: Sandbox, services: list[str]) -> dict[str, int]:
    wanted = {
        "airflow": ("airflow-api-server", sandbox.airflow_port),
        "aws": ("aws", sandbox.aws_port),
        "databricks": ("databricks", sandbox.databricks_port),
    }
    return {option: port for option, (service, port) in wanted.items() if service in services}


def _start(sandbox: Sandbox, processes: Processes, missing: list[str]) -> None:
    secrets = Secrets.of(sandbox)
    for name in STAND_INS:
        if name in missing:
            _start_stand_in(name, sandbox, processes, secrets)
    database.create(sandbox, secrets)
    environment = airflow.environment(sandbox, secrets)
    for name, arguments in airflow.COMPONENTS.items():
        if name in missing:
            url = sandbox.airflow_url if name == "airflow-api-server" else ""
            processes.start(name, airflow.command(*arguments), environment=environment, cwd=ROOT, url=url)


def _start_stand_in(name: str, sandbox: Sandbox, processes: Processes, secrets: Secrets) -> None:
    state = str(sandbox.state / name)
    command = [sys.executable, "-m", f"sandbox.{name}", "--state", state]
    if name == "aws":
        command += ["--port", str(sandbox.aws_port)]
        environment, url = airflow.inherited(), sandbox.aws_url
    else:
        command += ["--port", str(sandbox.databricks_port), "--aws-endpoint", sandbox.aws_url]
        # Its Spark starts together with Airflow, instead of with the first statement.
        command += ["--warm-sql"]
        if sandbox.legacy:
            command += ["--without-rule", "legacy-features"]
        # Not an argument, because every user of the machine can list the arguments.
        environment = airflow.inherited(
            {
                "SANDBOX_DATABRICKS_TOKEN": secrets.databricks_token,
                "SANDBOX_DATABRICKS_SERVICE_TOKEN": secrets.databricks_service_token,
            }
        )
        url = sandbox.databricks_url
    processes.start(name, command, environment=environment, cwd=ROOT, url=url)


def _checks(sandbox: Sandbox, processes: Processes) -> dict[str, Check]:
    records: dict[str, Record] = {record.name: record for record in processes.records()}
    url = sandbox.airflow_url
    return {
        "databricks": answers(f"{sandbox.databricks_url}/health"),
        "airflow-api-server": answers(f"{url}/api/v2/version"),
        "airflow-scheduler": beats(url, "scheduler", records["airflow-scheduler"]),
        "airflow-dag-processor": beats(url, "dag_processor", records["airflow-dag-processor"]),
        "airflow-triggerer": beats(url, "triggerer", records["airflow-triggerer"]),
    }
