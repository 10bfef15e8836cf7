"""What the CloudTrail DAGs are made of: params contract, checks, operators, sensors, notifiers."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Any

__version__ = "0.1.0"
# pyproject.toml says the same to pip; a copied `plugins/` folder has nobody else to say it.
AIRFLOW_MINIMUM, AIRFLOW_BOUND = (3, 3), (4,)


def get_provider_info() -> dict[str, Any]:
    """What Airflow shows of this package among its providers."""
    return {
        "package-name": "cloudtrail-to-delta",
        "name": "CloudTrail to Delta",
        "description": "AWS CloudTrail logs, verifiably complete, in Delta tables on Databricks.",
        "versions": [__version__],
    }


def airflow_problem(installed: str) -> str:
    """Say in a sentence why the installed Airflow cannot run this package; empty when it can."""
    release = tuple(int(part) for part in installed.split(".")[:2] if part.isdigit())
    if AIRFLOW_MINIMUM <= release < AIRFLOW_BOUND:
        return ""
    return (
        f"cloudtrail-to-delta {__version__} needs Apache Airflow 3.3 or newer, below 4, and {installed} is "
        "installed: upgrade Airflow, or remove the package and its DAG files."
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
