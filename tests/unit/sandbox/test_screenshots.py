"""What `make screenshots` prepares: accounts.yaml, the paths of the pages, the forms of an alert."""

from pathlib import Path

import yaml

from cloudtrail_to_delta.accounts import read_accounts
from cloudtrail_to_delta.alerts.compose import Message
from sandbox.airflow_client import Run
from sandbox.screenshots import ALIASES, FAILING, PUBLISHED, VIEWS, accounts_file, email, pages, slack

MESSAGE = Message(
    title="CloudTrail ingest: preflight checks failed for legacy",
    body="Account:     legacy\nWhy:         a_name: <b> & *c*",
    level="failure",
)


def test_every_entry_of_its_accounts_file_is_sound(tmp_path: Path) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(yaml.safe_dump(accounts_file()))

    accounts = read_accounts(file)

    assert [account.dag_id.rpartition("__")[2] for account in accounts] == [*ALIASES, FAILING]
    assert not [problem for account in accounts for problem in account.problems]


def test_documents_have_pictures_of_pages_that_are_drawn() -> None:
    runs = {alias: Run(f"cloudtrail_ingest__{alias}", "scheduled__1+00:00") for alias in (*ALIASES, FAILING)}
    drawn = {f"{name}{suffix}" for name in (*pages(runs), "approval") for suffix in VIEWS}

    assert set(PUBLISHED) <= drawn
    assert "run_id=scheduled__1%2B00%3A00" in pages(runs)["findings"]


def test_an_alert_is_shown_in_slack_and_in_an_email_as_its_text_reads() -> None:
    for form in (slack(MESSAGE), email(MESSAGE)):
        assert MESSAGE.title in form
        assert "&lt;b&gt; &amp; *c*" in form
