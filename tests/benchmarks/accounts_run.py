"""Many accounts on a schedule in a sandbox, to the end, without a person: how long, how many at once.

Usage: python -m tests.benchmarks.accounts_run [--accounts 50] [--at-once 2] [--minutes 60] [--state FOLDER]

It starts a sandbox of its own on free ports, writes tiny sample logs for each account and an accounts.yaml
with an entry for each, and waits until each account's DAG has run once by its schedule. It prints a line for
each account that ends, then the totals, and stops everything. The exit code is 1 unless every account's table
has the rows that its sample logs promise.
"""

import argparse
import contextlib
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from databricks.sdk import WorkspaceClient

from sandbox import seed, up
from sandbox.airflow_client import AirflowClient
from sandbox.errors import SandboxError
from sandbox.ports import free_ports
from sandbox.processes import Processes
from sandbox.sample_logs import SampleSpec
from sandbox.settings import Sandbox, Secrets
from sandbox.signals import interrupt_on_signals
from sandbox.warehouse import Warehouse

FORM = "cloudtrail_ingest"
DEFAULTS = """\
defaults:
  bucket: cloudtrail-logs
  region: us-east-1
  target_root: s3://cloudtrail-lake/delta/{alias}
  checkpoint_root: s3://cloudtrail-lake/checkpoints/{alias}
  code_root: s3://cloudtrail-lake/code
  events_table: events_{alias}
  insights_table: insights_{alias}
  network_activity_table: network_activity_{alias}
  aggregated_table: aggregated_{alias}
  compute: existing_cluster
  cluster_id: sandbox-cluster
  warehouse_id: sandbox-warehouse
  reader_role_arn: arn:aws:iam::123456789012:role/cloudtrail-reader
"""


def accounts_yaml(accounts, at_once, kinds="events"):
    """The file: an entry for each account, named after its number."""
    entries = [f'  - alias: account_{n}\n    account: "{account}"' for n, account in enumerate(accounts)]
    return (
        f"{DEFAULTS}  kinds: [{kinds}]\n  max_concurrent_runs: {at_once}\naccounts:\n"
        + "\n".join(entries)
        + "\n"
    )


def most_at_once(times):
    """How many of these (start, end) overlap at one moment, at the most."""
    changes = sorted([(start, 1) for start, _ in times] + [(end, -1) for _, end in times])
    active = most = 0
    for _, change in changes:
        active += change
        most = max(most, active)
    return most


def watch(airflow, dags, *, minutes, say):
    """Dag id → state of its first scheduled run, of those that ended in time."""
    ended = {}
    deadline = time.monotonic() + minutes * 60
    while len(ended) < len(dags) and time.monotonic() < deadline:
        for dag in dags:
            runs = airflow.runs(dag) if dag not in ended else []
            state = airflow.run(runs[0])["state"] if runs else None
            if state in ("success", "failed"):
                ended[dag] = state
                # One run of each is what is asked for.
                with contextlib.suppress(SandboxError):
                    airflow.pause(dag)
                say(f"{len(ended):>3} {dag} {state}")
        # Each look is two requests for each account that has not ended.
        time.sleep(10)
    return ended


def differences(own, token, ended, accounts):
    """What is not as it should be: runs that did not succeed, tables that lack rows or have too many."""
    sql = Warehouse(own.databricks_url, token).sql
    promised = seed.promised(own)
    problems = []
    for n, account in enumerate(accounts):
        if (state := ended.get(f"{FORM}__account_{n}", "not ended")) != "success":
            problems.append(f"account_{n}: {state}")
            continue
        (row,) = sql(f"SELECT COUNT(*) AS n FROM events_account_{n}")  # noqa: S608 - names of our own
        if int(row["n"]) != promised.counts("events", account).rows:
            problems.append(f"events_account_{n}: {row['n']} rows")
    return problems


def main(arguments=None):
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.accounts_run")
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--state", type=Path)
    options = parser.parse_args(arguments)
    interrupt_on_signals()
    airflow_port, aws_port, databricks_port = free_ports(3)
    own = Sandbox(
        state=options.state or Path(mkdtemp(prefix="accounts-run-")),
        airflow_port=airflow_port,
        aws_port=aws_port,
        databricks_port=databricks_port,
    )
    accounts = [str(100_000_000_000 + n) for n in range(options.accounts)]
    own.state.mkdir(parents=True, exist_ok=True)
    file = own.state / "accounts.yaml"
    file.write_text(accounts_yaml(accounts, options.at_once))
    os.environ["CLOUDTRAIL_ACCOUNTS_FILE"] = str(file)
    spec = SampleSpec(
        until=datetime.now(UTC).replace(second=0, microsecond=0),
        days=1,
        files=3 * len(accounts),
        records=30 * len(accounts),
        insight_files=0,
        damaged=False,
        accounts=tuple(accounts),
    )
    began = time.monotonic()

    def say(text):
        sys.stdout.write(f"[{time.monotonic() - began:5.0f} s] {text}\n")
        sys.stdout.flush()

    try:
        up.up(own, spec)
        say(f"{len(accounts)} accounts, {options.at_once} at once; {own.airflow_url}")
        token = Secrets.of(own).databricks_token
        with AirflowClient(own.airflow_url) as airflow:
            dags = {f"{FORM}__account_{n}": account for n, account in enumerate(accounts)}
            airflow.wait_for_dag(next(iter(dags)), timeout_seconds=180)
            ended = watch(airflow, dags, minutes=options.minutes, say=say)
        problems = differences(own, token, ended, accounts)
        workspace = WorkspaceClient(host=own.databricks_url, token=token, auth_type="pat")
        now = int(time.time() * 1000)
        jobs = [(run.start_time, run.end_time or now) for run in workspace.jobs.list_runs()]
        say(
            f"{sum(state == 'success' for state in ended.values())} of {len(dags)} succeeded; {len(jobs)} "
            f"Databricks runs, at most {most_at_once(jobs)} at once; problems: {problems or 'none'}"
        )
    finally:
        up.stop(Processes(own.state), *up.SERVICES)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
