"""A program that a fresh environment runs: it prints what it can import, find and parse as a line of JSON."""

import importlib
import json
import pkgutil
import sys

import cloudtrail_to_delta


def modules():
    """Import every module of the package; return their names and the package's path."""
    names = [
        one.name
        for one in pkgutil.walk_packages(cloudtrail_to_delta.__path__, "cloudtrail_to_delta.")
        # Importing it would run the console command.
        if not one.name.endswith(".__main__")
    ]
    for name in names:
        importlib.import_module(name)
    return {"package": cloudtrail_to_delta.__file__, "names": names}


def wheel():
    """Return the path of the job's wheel, which the ingest uploads."""
    from cloudtrail_to_delta.runs.wheel import find_wheel

    return str(find_wheel())


def dags():
    """Parse the DAGs folder; return the DAG ids and the import errors."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag()
    return {"ids": sorted(bag.dags), "errors": bag.import_errors}


def versions():
    """Return the installed packages, name → version."""
    from importlib.metadata import distributions

    return {one.metadata["Name"].lower(): one.version for one in distributions()}


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(globals()[sys.argv[1]]()))
