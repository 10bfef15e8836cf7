"""How long the DAG file takes with many accounts: `python -m tests.benchmarks.dag_accounts`.

In turn 1, 50 and 500 accounts, each a few times in fresh processes: seconds of CPU for `airflow.sdk`, then
for the DAG file with its imports; medians, and their ratio. Then what comes after the parse: the serialized
DAG, which Airflow writes into its database.
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.spark import ROOT
from tests.benchmarks.accounts_run import accounts_yaml

RUNS = 5
COUNTS = (1, 50, 500)
CODE = """
import importlib.util, json, sys, time
sys.path[:0] = ["plugins"]
began = time.process_time()
import airflow.sdk
own = time.process_time()
spec = importlib.util.spec_from_file_location("cloudtrail_ingest", "dags/cloudtrail_ingest.py")
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(own - began, time.process_time() - own)
from airflow.serialization.serialized_objects import DagSerialization
from cloudtrail_to_delta.accounts.dags import accounts_to_build
from cloudtrail_to_delta.dags.ingest import build_dag
from pathlib import Path
account = next(accounts_to_build(Path("dags/accounts.yaml")))
dag = build_dag("measured", account)
DagSerialization.to_dict(dag)
began = time.process_time()
size = len(json.dumps(DagSerialization.to_dict(dag)))
print(time.process_time() - began, size)
"""


def measure(path):
    """Of one fresh process: seconds for Airflow, for the DAG file, to serialize one DAG, and its bytes."""
    environment = os.environ | {"CLOUDTRAIL_ACCOUNTS_FILE": str(path)}
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return [float(number) for line in done.stdout.splitlines()[-2:] for number in line.split()]


def main():
    """Measure and print."""
    with TemporaryDirectory() as folder:
        measured = {count: [] for count in COUNTS}
        for _ in range(RUNS):
            # In turn, so that what else the machine does falls on all of them alike.
            for count in COUNTS:
                path = Path(folder) / f"{count}.yaml"
                path.write_text(
                    accounts_yaml([str(10**11 + n) for n in range(count)], 2, kinds="events, insights")
                )
                measured[count].append(measure(path))
    for count, found in measured.items():
        own, dags, serialized, size = (statistics.median(column) for column in zip(*found, strict=True))
        sys.stdout.write(
            f"{count:>4} accounts: airflow.sdk {own:.2f} s, the DAG file after it {dags:.2f} s, ratio "
            f"{dags / own:.2f}; one DAG serialized in {serialized * 1000:.1f} ms to {size / 1000:.0f} kB\n"
        )


if __name__ == "__main__":
    main()
