"""The command line: arguments, defaults by environment, exit codes."""

import fcntl
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.__main__ import COMMANDS, main, parser
from sandbox.settings import ROOT, Sandbox


def test_ports_and_folder_have_defaults() -> None:
    parsed = parser({}).parse_args(["up"])

    assert (parsed.state, parsed.airflow_port) == (ROOT / ".sandbox", 8080)
    assert (parsed.aws_port, parsed.databricks_port) == (Sandbox.aws_port, Sandbox.databricks_port)


def test_the_environment_gives_defaults(tmp_path: Path) -> None:
    environment = {"CLOUDTRAIL_SANDBOX_STATE": str(tmp_path), "CLOUDTRAIL_SANDBOX_AWS_PORT": "1234"}

    parsed = parser(environment).parse_args(["demo"])

    assert (parsed.state, parsed.aws_port) == (tmp_path, 1234)


def test_an_argument_wins_over_the_environment() -> None:
    parsed = parser({"CLOUDTRAIL_SANDBOX_AWS_PORT": "1234"}).parse_args(["up", "--aws-port", "4321"])

    assert parsed.aws_port == 4321


@pytest.mark.parametrize("value", ["many", "0", "65536", "-1", ""])
def test_a_variable_that_is_no_port_is_named(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        parser({"CLOUDTRAIL_SANDBOX_AWS_PORT": value}).parse_args(["up"])

    assert error.value.code == 2
    assert f"--aws-port: {value!r} is not a port: give a number from 1 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_folder_that_is_a_file_is_said_in_a_sentence(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    assert main([command, "--state", str(tmp_path / "file")]) == 1

    said = capsys.readouterr().err
    assert said.startswith("sandbox: ")
    assert str(tmp_path / "file") in said


def test_status_of_nothing_is_3_and_names_every_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--state", str(tmp_path)]) == 3

    shown = capsys.readouterr().out
    assert shown.count("not running") == 6
    assert "airflow-triggerer" in shown


def test_down_of_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down", "--state", str(tmp_path)]) == 0

    assert capsys.readouterr().out == "Nothing was running.\n"


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_taken_port_is_said_before_anything_is_started(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = main([command, "--state", str(tmp_path), "--databricks-port", str(port)])

    assert code == 1
    said = capsys.readouterr().err
    assert "nothing was started" in said
    assert f"port {port} for databricks is in use" in said
    assert 'make up ARGS="--databricks-port ' in said
    assert "CLOUDTRAIL_SANDBOX_DATABRICKS_PORT=" in said
    assert list(tmp_path.rglob("run/*.json")) == []


@pytest.mark.parametrize(("command", "lock"), [("up", "lock"), ("demo", "demo.lock")])
def test_two_commands_at_once_do_not_mix(
    command: str, lock: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / lock).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        assert main([command, "--state", str(tmp_path)]) == 1

    assert "another command is at work" in capsys.readouterr().err


def test_logs_are_shown_with_their_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "aws.log").write_text("one\ntwo\n")

    assert main(["logs", "--state", str(tmp_path)]) == 0

    assert capsys.readouterr().out == f"{tmp_path}/logs/aws.log\n    one\n    two\n"


@pytest.mark.parametrize("module", ["sandbox.demo", "sandbox.up", "sandbox.seed"])
def test_the_commands_need_nothing_of_the_product_on_their_path(module: str) -> None:
    environment = {"PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", f"import {module}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_has_seen_enough_ends_the_logs_without_an_error(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    # More than a pipe holds.
    (tmp_path / "logs" / "aws.log").write_text(f"{'long ' * 10_000}\n" * 15)
    command = [sys.executable, "-m", "sandbox", "logs", "--state", str(tmp_path)]
    shown = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert shown.stdout
    assert shown.stderr

    shown.stdout.readline()
    shown.stdout.close()

    assert shown.stderr.read() == ""
    shown.stderr.close()
    assert shown.wait() == 0


def test_a_python_without_the_packages_is_told_how_to_get_them(tmp_path: Path) -> None:
    # -S: as one that has the standard library alone.
    command = [sys.executable, "-I", "-S", "-c", "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "]
    command[-1] += "runpy.run_module('sandbox', run_name='__main__')"
    arguments = [str(ROOT), "status", "--state", str(tmp_path)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert re.search(r"lacks the package \w+: run `make setup`", done.stderr)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_folder_with_a_name_that_the_parts_would_misread_is_refused(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--state", str(tmp_path / "50%: why?")]) == 1

    said = capsys.readouterr().err
    assert "has ':', '?', '%' in its name" in said
    assert "move it" in said


def test_status_of_nothing_says_how_to_start_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["status", "--state", str(tmp_path)])

    assert capsys.readouterr().out.splitlines()[-1] == "The sandbox is stopped. `make up` starts it."


@pytest.mark.parametrize("arguments", [["sql", "SELECT 1"], ["alerts"]])
def test_there_is_nothing_to_ask_before_the_sandbox_runs(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--state", str(tmp_path)]) == 1

    assert "start one with `make up`" in capsys.readouterr().err


def test_no_sql_is_answered_with_an_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "--state", str(tmp_path), ""]) == 1

    said = capsys.readouterr().err
    assert "the SQL statement is missing. For example:\n  make sql Q=" in said
    assert "SHOW TABLES" in said
