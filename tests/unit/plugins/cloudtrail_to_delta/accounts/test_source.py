"""A file that cannot be read as a whole says where and why."""

import pytest

from cloudtrail_to_delta.accounts import FILE_VARIABLE, AccountsFileError, accounts_file, read_accounts


@pytest.mark.parametrize(
    ("written", "line", "said"),
    [
        ("accounts:\n  - alias: a\n   - b: c: d", 3, "not valid YAML"),
        ("accounts:\n\talias: a", 2, "not valid YAML"),
        ("- alias: a", 1, "give `defaults:`"),
        ("acounts: []", 1, "unknown part 'acounts'"),
        ("accounts: []\naccounts: []", 2, "twice"),
        ("accounts:\n  payments: 1", 2, "give a list"),
        ("accounts: \x00", 1, "not valid YAML"),
        ("accounts: 'null'", 1, "give a list"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_line(tmp_path, written, line, said):
    path = tmp_path / "accounts.yaml"
    path.write_text(written)
    with pytest.raises(AccountsFileError, match=said) as refused:
        read_accounts(path)
    assert (refused.value.problem.line, refused.value.problem.file) == (line, str(path))


@pytest.mark.parametrize(
    "written",
    [
        *("", "# nothing\n", "defaults:\naccounts:\n", "accounts: []", "defaults: {}"),
        *("null", "~", "accounts: null", "accounts: ~", "defaults: null\naccounts: null"),
    ],
)
def test_a_file_without_entries_gives_no_account(tmp_path, written):
    path = tmp_path / "accounts.yaml"
    path.write_text(written)
    assert read_accounts(path) == []


def test_no_file_gives_no_account_unless_the_environment_names_it(tmp_path, monkeypatch):
    path = tmp_path / "accounts.yaml"
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    assert read_accounts(accounts_file(path)) == []
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "elsewhere.yaml"))
    with pytest.raises(AccountsFileError, match=r"elsewhere\.yaml:1: the file cannot be read"):
        read_accounts(accounts_file(path))
