"""How long the DAG file takes to import, beside Airflow's own: `python -m tests.benchmarks.dag_import`.

The DAG processor does it every few seconds. Each of a few fresh processes imports Airflow's SDK first, then
the DAG file; what counts is the median of the second, and its ratio to the first.
"""

import statistics
import subprocess
import sys

from sandbox.spark import ROOT

RUNS = 7
CODE = """
import importlib.util, sys, time
sys.path[:0] = ["plugins"]
began = time.perf_counter()
import airflow.sdk
own = time.perf_counter()
spec = importlib.util.spec_from_file_location("cloudtrail_ingest", "dags/cloudtrail_ingest.py")
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(own - began, time.perf_counter() - own)
"""


def measure():
    """Seconds for Airflow and for the DAG file, in one fresh process."""
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    own, dag = done.stdout.split()[-2:]
    return float(own), float(dag)


def main():
    """Measure and print."""
    measured = [measure() for _ in range(RUNS)]
    own, dag = (statistics.median(column) for column in zip(*measured, strict=True))
    sys.stdout.write(f"airflow.sdk {own:.2f} s, the DAG file after it {dag:.2f} s, ratio {dag / own:.2f}\n")


if __name__ == "__main__":
    main()
