"""Accounts on the Celery executor with PostgreSQL and Redis, two schedulers and two triggerers.

Usage: python -m tests.deployments.celery [--accounts 5] [--rounds 2] [--minutes 60]

Each account has a scheduled DAG. In each round new log files are delivered, and the next scheduled run of
each account must ingest them. In the second round one scheduler, one triggerer and one of two workers are
killed while runs are active, and nobody starts them again. The exit code is 1 unless every run succeeded and
every table has the rows that the log files promise. It needs `redis-server` on the path.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from sandbox import airflow, database, seed, up
from sandbox.airflow_client import AirflowClient
from sandbox.aws.seed import LOGS_BUCKET
from sandbox.ports import free_ports
from sandbox.processes import Processes
from sandbox.sample_logs import SampleSpec, SampleSummary
from sandbox.settings import HOST, ROOT, Sandbox, Secrets
from sandbox.signals import interrupt_on_signals
from sandbox.warehouse import Warehouse
from tests.benchmarks.accounts_run import FORM, accounts_yaml
from tests.fixtures.postgres import server_folder

PACKAGES = ROOT / ".cache/celery"
LOCK = ROOT / "requirements-celery.txt"
EVERY_MINUTES = 5
# Name → airflow sub-command, in addition to those of every sandbox.
MORE = {
    "airflow-scheduler-2": ("scheduler", "--skip-serve-logs"),
    "airflow-triggerer-2": ("triggerer", "--skip-serve-logs"),
    "airflow-worker-1": ("celery", "worker", "--skip-serve-logs", "--celery-hostname", "one@sandbox"),
    "airflow-worker-2": ("celery", "worker", "--skip-serve-logs", "--celery-hostname", "two@sandbox"),
}
KILLED = ("airflow-scheduler", "airflow-triggerer", "airflow-worker-1")


def install() -> None:
    """Install Celery's packages into a folder of their own, once."""
    wanted = LOCK.read_text()
    kept = PACKAGES / "installed"
    if kept.exists() and kept.read_text() == wanted:
        return
    shutil.rmtree(PACKAGES, ignore_errors=True)
    options = ("--quiet", "--no-deps", "--require-hashes", "--target", str(PACKAGES))
    command = [sys.executable, "-m", "uv", "pip", "install", *options, "--requirement", str(LOCK)]
    subprocess.run(command, check=True)
    kept.write_text(wanted)


def settings(redis_port: int, address: str) -> dict[str, str]:
    """Return what differs from the sandbox's Airflow; `address` is that of the metadata database."""
    return {
        "PYTHONPATH": str(PACKAGES),
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CELERY__BROKER_URL": f"redis://{HOST}:{redis_port}/0",
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{address}",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
        # A task whose worker was killed is run again after this time.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "10",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "30",
    }


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[int]:
    """Run a Redis server and yield its port."""
    (port,) = free_ports(1)
    options = ["--bind", HOST, "--port", str(port), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(20)


class Run:
    """The running deployment and what its tables must hold."""

    def __init__(self, own: Sandbox, accounts: list[str], minutes: float) -> None:
        self.own, self.accounts = own, accounts
        self.deadline = time.monotonic() + minutes * 60
        self.began = time.monotonic()
        self.processes = Processes(own.state)
        self.promised = SampleSummary()
        self.problems: list[str] = []

    def say(self, text: str) -> None:
        """Print a line with the time since the start."""
        sys.stdout.write(f"[{time.monotonic() - self.began:5.0f} s] {text}\n")
        sys.stdout.flush()

    def start_more(self, environment: Mapping[str, str]) -> None:
        """Start the second scheduler and triggerer, and the workers."""
        for name, arguments in MORE.items():
            self.processes.start(name, airflow.command(*arguments), environment=environment, cwd=ROOT)

    def kill(self) -> None:
        """Kill one of each, as a node that is lost."""
        for record in self.processes.records():
            if record.name in KILLED:
                for process in record.members():
                    process.kill()
                self.say(f"killed {record.name}")

    def wait_for_all(self, client: AirflowClient, delivered: datetime, *, kill: bool = False) -> None:
        """Wait until a run of each account that began after the delivery has ended.

        Args:
            client: the client of Airflow.
            delivered: the moment of the delivery.
            kill: whether to kill one of each while the first of these runs is active.
        """
        left = {f"{FORM}__account_{n}" for n in range(len(self.accounts))}
        while left and time.monotonic() < self.deadline:
            for dag in sorted(left):
                runs = [client.run(run) for run in client.runs(dag)]
                later = [run for run in runs if run["start_date"] and _time(run["start_date"]) > delivered]
                if kill and any(run["state"] == "running" for run in later):
                    time.sleep(20)
                    self.kill()
                    kill = False
                ended = [run for run in later if run["state"] in ("success", "failed")]
                if ended:
                    left.discard(dag)
                    states = [run["state"] for run in ended]
                    self.say(f"{dag} {states}")
                    if "success" not in states:
                        self.problems.append(f"{dag}: {states}")
            time.sleep(5)
        self.problems += [f"{dag}: no run has ended" for dag in sorted(left)]

    def compare(self) -> None:
        """Compare the rows of each table with what was delivered."""
        sql = Warehouse(self.own.databricks_url, Secrets.of(self.own).databricks_token).sql
        for n, account in enumerate(self.accounts):
            (row,) = sql(
                f"SELECT (SELECT COUNT(*) FROM events_account_{n}) AS n, "  # noqa: S608 - names of our own
                f"(SELECT COUNT(*) FROM events_account_{n}_files WHERE NOT balanced) AS unbalanced"
            )
            expected = self.promised.counts("events", account).rows
            found, unbalanced = int(row["n"]), int(row["unbalanced"])
            self.say(f"events_account_{n}: {found} of {expected} rows, {unbalanced} files unbalanced")
            if (found, unbalanced) != (expected, 0):
                self.problems.append(f"events_account_{n}: {found} rows instead of {expected}")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _now() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


def main(arguments: list[str] | None = None) -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.deployments.celery")
    parser.add_argument("--accounts", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--state", type=Path)
    options = parser.parse_args(arguments)
    if shutil.which("redis-server") is None:
        sys.stderr.write("redis-server is not on the path: install Redis (Debian: redis-server)\n")
        return 2
    interrupt_on_signals()
    install()
    state = options.state or Path(mkdtemp(prefix="celery-run-"))
    state.mkdir(parents=True, exist_ok=True)
    accounts = [str(100_000_000_000 + n) for n in range(options.accounts)]
    file = state / "accounts.yaml"
    schedule = f'defaults:\n  schedule: "*/{EVERY_MINUTES} * * * *"\n'
    file.write_text(accounts_yaml(accounts, 2).replace("defaults:\n", schedule))
    os.environ["CLOUDTRAIL_ACCOUNTS_FILE"] = str(file)
    with server_folder() as server, redis(state) as redis_port:
        server.initialize()
        server.start()
        server.execute("CREATE DATABASE airflow")
        address = server.url("airflow")
        database.migrate(address, state / "migration")
        airflow_port, aws_port, databricks_port = free_ports(3)
        own = Sandbox(
            state=state,
            airflow_port=airflow_port,
            aws_port=aws_port,
            databricks_port=databricks_port,
            database=address,
            settings=settings(redis_port, address),
        )
        run = Run(own, accounts, options.minutes)
        try:
            _play(run, options.rounds)
        finally:
            up.stop(run.processes, *MORE, *up.SERVICES)
    run.say(f"problems: {run.problems or 'none'}")
    return 1 if run.problems else 0


def _play(run: Run, rounds: int) -> None:
    """Start everything, and let the accounts ingest each round of log files."""
    own = run.own
    spec = SampleSpec(
        until=_now(),
        days=1,
        files=3 * len(run.accounts),
        records=30 * len(run.accounts),
        insight_files=0,
        damaged=False,
        accounts=tuple(run.accounts),
    )
    delivered = datetime.now(UTC)
    up.up(own, spec)
    run.start_more(airflow.environment(own, Secrets.of(own)))
    run.promised += seed.promised(own)
    run.say(f"{len(run.accounts)} accounts; {own.airflow_url}; {own.state}")
    with AirflowClient(own.airflow_url) as client:
        client.wait_for_dag(f"{FORM}__account_0", timeout_seconds=180)
        run.wait_for_all(client, delivered)
        for number in range(1, rounds):
            later = spec.later(number, until=_now())
            seed.deliver(own.aws_url, LOGS_BUCKET, later, seed.summary_path(own))
            run.promised += seed.promised(own)
            delivered = datetime.now(UTC)
            run.say(f"round {number + 1}: delivered {later.records} more records")
            run.wait_for_all(client, delivered, kill=number == 1)
    run.compare()


if __name__ == "__main__":
    sys.exit(main())
