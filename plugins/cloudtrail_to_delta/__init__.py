"""The building blocks of the CloudTrail DAGs: params, checks, operators, sensors, notifiers."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Any

__version__ = "0.1.0"
# pyproject.toml says the same to pip. A copied `plugins/` folder has only this check.
AIRFLOW_MINIMUM, AIRFLOW_BOUND = (3, 3), (4,)


def get_provider_info() -> dict[str, Any]:
    """Return what Airflow shows about this package in its list of providers."""
    return {
        "package-name": "cloudtrail-to-delta",
        "name": "CloudTrail to Delta",
        "description": "AWS CloudTrail logs, verifiably complete, in Delta tables on Databricks.",
        "versions": [__version__],
    }


def airflow_problem(installed: str) -> str:
    """Return a sentence on why the installed Airflow cannot run this package; empty if it can."""
    release = tuple(int(part) for part in installed.split(".")[:2] if part.isdigit())
    if AIRFLOW_MINIMUM <= release < AIRFLOW_BOUND:
        return ""
    return (
        f"cloudtrail-to-delta {__version__} needs Apache Airflow 3.3 or newer, below 4, but {installed} is "
        "installed. Upgrade Airflow, or remove the package and its DAG files."
    )


def _check_airflow() -> None:
    for distribution in ("apache-airflow-core", "apache-airflow"):
        try:
            problem = airflow_problem(version_of(distribution))
        except PackageNotFoundError:
            continue
        if problem:
            raise ImportError(problem)
        return


_check_airflow()
