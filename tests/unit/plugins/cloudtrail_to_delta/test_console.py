"""The console command."""

from pathlib import Path

import pytest

from cloudtrail_to_delta.console import main

ROOT = Path(__file__).resolve().parents[4]


def test_permissions_prints_the_page(capsys):
    assert main(["permissions"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs/permissions.md").read_text()


def test_accounts_schema_prints_the_file_that_editors_read(capsys):
    assert main(["accounts-schema"]) == 0
    assert capsys.readouterr().out == (ROOT / "dags/accounts.schema.json").read_text()


def test_check_accounts_looks_at_the_file_of_the_dags_folder_by_default(capsys):
    assert main(["check-accounts"]) == 0
    assert "accounts.yaml: 0 accounts, no problems" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["params", "digest"]])
def test_wrong_arguments_are_exit_code_2_and_name_the_commands(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "cloudtrail-to-delta" in capsys.readouterr().err
