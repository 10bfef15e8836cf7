"""The package says itself what it is, and which Airflow it needs."""

import tomllib
from pathlib import Path

import pytest

from cloudtrail_to_delta import AIRFLOW_BOUND, AIRFLOW_MINIMUM, airflow_problem, get_provider_info

PROJECT = tomllib.loads(Path(__file__).resolve().parents[4].joinpath("pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("installed", ["3.3.0", "3.3.2", "3.4.0.dev0", "3.10.1"])
def test_every_airflow_from_3_3_on_is_accepted(installed):
    assert airflow_problem(installed) == ""


@pytest.mark.parametrize("installed", ["2.11.0", "3.0.6", "3.2.1", "4.0.0"])
def test_another_airflow_gets_one_sentence_with_both_versions_and_what_to_do(installed):
    problem = airflow_problem(installed)
    assert (
        f"needs Apache Airflow 3.3 or newer, below 4, but {installed} is installed. Upgrade Airflow"
        in problem
    )
    assert "\n" not in problem


def test_pip_is_told_the_same_range():
    least = ".".join(map(str, AIRFLOW_MINIMUM))
    assert f"apache-airflow>={least},<{AIRFLOW_BOUND[0]}" in PROJECT["dependencies"]


def test_the_provider_is_named_as_the_distribution_is():
    assert get_provider_info()["package-name"] == PROJECT["name"]
