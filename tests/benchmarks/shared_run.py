"""What kinds save that share a Databricks run: `python -m tests.benchmarks.shared_run [--rounds 3]`.

It starts a sandbox of its own on free ports with tiny sample logs and triggers the form's DAG for events and
insights, in turn with and without `share_run`, each time with tables of their own. It prints of each DAG run
how many Databricks runs there were, each of which starts a driver with a Spark of its own, the seconds that
these ran together, and the seconds of the DAG run; then the medians.
"""

import argparse
import statistics
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from databricks.sdk import WorkspaceClient

from sandbox import up
from sandbox.airflow_client import AirflowClient
from sandbox.ports import free_ports
from sandbox.processes import Processes
from sandbox.sample_logs import SampleSpec
from sandbox.settings import Sandbox, Secrets
from sandbox.signals import interrupt_on_signals

DAG = "cloudtrail_ingest"
FORMS = {"a run for each kind": False, "one run for both": True}


def measure(airflow, jobs, *, shared, number):
    """Databricks runs, their seconds, and the DAG run's seconds, of one DAG run for both kinds."""
    before = {run.run_id for run in jobs.list_runs()}
    tables = {f"{kind}_table": f"{kind}_{number}_{str(shared).lower()}" for kind in ("events", "insights")}
    run = airflow.trigger(DAG, {"kinds": ["events", "insights"], "share_run": shared} | tables)
    state = airflow.wait(run, timeout_seconds=900, poll_seconds=0.5)
    if state != "success":
        sys.exit(f"{run.run_id} ended as {state}")
    found = [job for job in jobs.list_runs() if job.run_id not in before]
    dag_run = airflow.run(run)
    began, ended = (datetime.fromisoformat(dag_run[name]) for name in ("start_date", "end_date"))
    return (
        len(found),
        sum(job.end_time - job.start_time for job in found) / 1000,
        (ended - began).total_seconds(),
    )


def show(name, runs, driver, whole):
    """One line of figures."""
    sys.stdout.write(f"{name:<20} {runs:.0f} Databricks runs of {driver:5.1f} s; DAG run {whole:5.1f} s\n")
    sys.stdout.flush()


def main(arguments=None):
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.shared_run")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    interrupt_on_signals()
    airflow_port, aws_port, databricks_port = free_ports(3)
    own = Sandbox(
        state=Path(mkdtemp(prefix="shared-run-")),
        airflow_port=airflow_port,
        aws_port=aws_port,
        databricks_port=databricks_port,
    )
    spec = SampleSpec(
        until=datetime.now(UTC).replace(second=0, microsecond=0),
        days=1,
        files=8,
        records=80,
        insight_files=2,
        damaged=False,
    )
    found = {name: [] for name in FORMS}
    try:
        up.up(own, spec)
        token = Secrets.of(own).databricks_token
        jobs = WorkspaceClient(host=own.databricks_url, token=token, auth_type="pat").jobs
        with AirflowClient(own.airflow_url) as airflow:
            airflow.wait_for_dag(DAG, timeout_seconds=180)
            # The first one finds everything cold: workers, the warehouse, the file cache.
            measure(airflow, jobs, shared=False, number="cold")
            for number in range(options.rounds):
                for name, shared in FORMS.items():
                    found[name].append(measure(airflow, jobs, shared=shared, number=number))
                    show(name, *found[name][-1])
    finally:
        up.stop(Processes(own.state), *up.SERVICES)
    sys.stdout.write("medians\n")
    for name, figures in found.items():
        show(name, *(statistics.median(column) for column in zip(*figures, strict=True)))


if __name__ == "__main__":
    main()
