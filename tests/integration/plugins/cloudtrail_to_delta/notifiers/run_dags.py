"""Runs DAGs of a folder in this process, one after the other, as `airflow dags test` does.

The arguments: the folder, and `[[dag id, conf], …]` as JSON.
"""

import json
import sys

from airflow.dag_processing.dagbag import DagBag


def main(folder, runs):
    """Run each; a failed run is a result like any other."""
    dags = DagBag(dag_folder=folder).dags
    for dag_id, conf in runs:
        dags[dag_id].test(run_conf=conf)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
