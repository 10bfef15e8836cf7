"""One sandbox: its secrets, and what its Airflow is told."""

import json
import stat
from pathlib import Path

import pytest

from sandbox import airflow
from sandbox.settings import UNUSABLE, Sandbox, Secrets, folder_problem
from tests.fixtures.databricks import ODD_NAME


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    sandbox = Sandbox(state=tmp_path)

    assert Secrets.of(sandbox) == Secrets.of(sandbox)


def test_two_sandboxes_have_different_secrets(tmp_path: Path) -> None:
    first, second = (Secrets.of(Sandbox(state=tmp_path / name)) for name in "ab")

    assert not set(vars(first).values()) & set(vars(second).values())


def test_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    Secrets.of(Sandbox(state=tmp_path))

    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_airflow_is_told_nothing_of_the_callers_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "DATABRICKS_TOKEN", "AIRFLOW_CONN_AWS_DEFAULT"):
        monkeypatch.setenv(name, "the caller's")
    monkeypatch.setenv("LANG", "C.UTF-8")

    told = airflow.inherited()

    assert "the caller's" not in told.values()
    assert told["LANG"] == "C.UTF-8"


def test_connections_point_at_this_sandbox(tmp_path: Path) -> None:
    sandbox = Sandbox(state=tmp_path, aws_port=1001, databricks_port=1002)
    secrets = Secrets.of(sandbox)

    told = {name: json.loads(text) for name, text in airflow.connections(sandbox, secrets).items()}

    assert told["AIRFLOW_CONN_AWS_DEFAULT"]["extra"]["endpoint_url"] == "http://127.0.0.1:1001"
    databricks = told["AIRFLOW_CONN_DATABRICKS_DEFAULT"]
    assert (databricks["schema"], databricks["host"], databricks["port"]) == ("http", "127.0.0.1", 1002)
    assert databricks["password"] == secrets.databricks_service_token


def test_airflow_listens_on_the_loopback_interface_only(tmp_path: Path) -> None:
    sandbox = Sandbox(state=tmp_path)

    assert airflow.settings(sandbox, Secrets.of(sandbox))["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_links_and_tasks_reach_airflow_on_the_port_that_was_chosen(tmp_path: Path) -> None:
    sandbox = Sandbox(state=tmp_path, airflow_port=1003)
    settings = airflow.settings(sandbox, Secrets.of(sandbox))

    assert settings["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:1003"
    assert settings["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:1003/execution/"
    assert settings["AIRFLOW__API__PORT"] == "1003"


@pytest.mark.parametrize("character", UNUSABLE)
def test_a_folder_that_the_parts_would_misread_is_refused_by_name(character: str) -> None:
    problem = folder_problem(Path(f"/home/me/a{character}b"))

    assert f"has {character!r} in its name" in problem
    assert "move it" in problem


def test_a_folder_may_have_any_other_name() -> None:
    assert folder_problem(Path(f"/home/me/{ODD_NAME}")) == ""


def test_a_given_database_is_airflows(tmp_path: Path) -> None:
    sandbox = Sandbox(state=tmp_path, database="postgresql+psycopg2://airflow@/one?host=/tmp")

    told = airflow.settings(sandbox, Secrets.of(sandbox))

    assert told["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == sandbox.database
