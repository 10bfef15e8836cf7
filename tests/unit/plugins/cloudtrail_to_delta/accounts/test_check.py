"""`check-accounts` as a person or a pipeline runs it: a process, its output and its exit code."""

import contextlib
import io
import subprocess
import sys
from pathlib import Path

import pytest

from cloudtrail_to_delta.console import main

from .files import text

ROOT = Path(__file__).resolve().parents[5]


def check(path):
    """The command in this process: its exit code, what it printed, and its complaints."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["check-accounts", str(path)])
    return code, out.getvalue(), err.getvalue()


def check_in_a_process(path):
    command = [sys.executable, "-m", "cloudtrail_to_delta", "check-accounts", str(path)]
    environment = {"PYTHONPATH": "plugins", "PATH": "/usr/bin:/bin", "AIRFLOW_HOME": "/nonexistent/airflow"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def path(tmp_path):
    return tmp_path / "accounts.yaml"


def test_a_sound_file_lists_its_dags_without_an_airflow(path):
    path.write_text(text('alias: payments\naccount: "111122223333"\nschedule: 15 * * * *'))
    code, out, err = check_in_a_process(path)
    assert (code, err) == (0, "")
    assert out.startswith("cloudtrail_ingest__payments ")
    assert "15 * * * *" in out
    assert "1 accounts, no problems" in out


def test_problems_are_told_by_file_line_and_field_and_fail_the_command(path):
    path.write_text(text('alias: payments\naccount: "111122223333"\nduplicates: drop'))
    code, out, err = check_in_a_process(path)
    assert (code, out) == (1, "")
    assert f"{path}:19: duplicates: 'drop': give one of keep, remove." in err
    assert "1 of 1 accounts would be disabled" in err


def test_a_slip_in_the_defaults_is_told_once(path):
    path.write_text(text('account: "111122223333"', 'account: "444455556666"', defaults="region: mars"))
    code, _, err = check(path)
    assert code == 1
    assert err.count("region: 'mars'") == 1
    assert "(2 accounts)" in err


@pytest.mark.parametrize("written", ["accounts: [", None])
def test_a_file_that_cannot_be_read_fails_the_command(path, written):
    if written is not None:
        path.write_text(written)
    code, _, err = check(path)
    assert code == 1
    assert str(path) in err


def test_an_entry_without_events_is_listed_by_its_first_kind(path):
    path.write_text(text('alias: payments\naccount: "111122223333"\nkinds: [insights]'))
    code, out, err = check(path)
    assert (code, err) == (0, "")
    assert "-> insights_payments" in out


SETUP = 'setup: {accounts: {"111122223333": aws_payments, "123456789012": aws_default}}'


def test_a_set_up_is_listed_beside_its_account(path):
    path.write_text(text(f'alias: payments\naccount: "111122223333"\n{SETUP}'))
    code, out, err = check(path)
    assert (code, err) == (0, "")
    assert "cloudtrail_setup__payments " in out
    assert "payments -> s3://example-cloudtrail-logs" in out
    assert "1 accounts, 1 set-ups, no problems" in out


def test_a_slip_in_a_block_fails_the_command_and_what_the_entry_shares_is_told_once(path):
    path.write_text(text(f'alias: payments\naccount: "111122223333"\nregion: mars\n{SETUP}'))
    code, _, err = check(path)
    assert code == 1
    assert err.count("region: 'mars'") == 1
    path.write_text(text('alias: payments\naccount: "111122223333"\nsetup:\n  kms_key: old'))
    code, _, err = check(path)
    assert code == 1
    assert f"{path}:20: setup.kms_key: 'old'" in err
    assert f"{path}:19: setup.accounts: is missing" in err
    assert "0 of 1 accounts would be disabled.\n1 of 1 set-ups would be disabled." in err


def test_the_shipped_file_is_sound():
    assert check(ROOT / "dags/accounts.yaml")[:2] == (0, "dags/accounts.yaml: 0 accounts, no problems\n")
