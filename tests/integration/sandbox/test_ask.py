"""What a person asks of a running sandbox: SQL of its tables, and the alerts, on the stand-ins over HTTP."""

import json
import os
import sys

import pytest

from sandbox.__main__ import main
from sandbox.aws.seed import ALERT_TOPIC
from sandbox.processes import Processes
from sandbox.settings import Sandbox, Secrets

WAITS = [sys.executable, "-c", "import signal; signal.pause()"]


@pytest.fixture
def ask(tmp_path, databricks, aws, capsys):
    """Asks as make does: the exit code, what was shown, and what was complained of."""
    Secrets.of(Sandbox(state=tmp_path))
    secrets = tmp_path / "secrets.json"
    secrets.write_text(json.dumps(json.loads(secrets.read_text()) | {"databricks_token": databricks.token}))
    processes = Processes(tmp_path)
    for name, url in (("databricks", databricks.host), ("aws", aws.endpoint)):
        processes.start(name, WAITS, environment=os.environ, cwd=tmp_path, url=url)

    def answered(*arguments):
        code = main([*arguments, "--state", str(tmp_path)])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    yield answered
    processes.stop()


def test_rows_are_shown_beneath_their_columns(ask):
    code, shown, _ = ask(
        "sql", "SELECT * FROM VALUES ('Get', 2), ('Put', NULL) AS calls(name, n) ORDER BY name"
    )

    assert code == 0
    assert shown.splitlines() == ["name  n", "----  ----", "Get   2", "Put   NULL", "(2 rows)"]


def test_of_many_rows_the_first_are_shown_and_it_says_so(ask):
    _, shown, _ = ask("sql", "SELECT id FROM range(101) ORDER BY id")

    assert shown.splitlines()[-2:] == ["99", "(the first 100 rows; there are more)"]


def test_a_table_that_is_not_there_yet_is_explained(ask):
    code, _, said = ask("sql", "SELECT * FROM cloudtrail_of_tomorrow")

    assert code == 1
    assert "cloudtrail_of_tomorrow" in said
    assert "The first ingest creates the tables" in said
    assert "Traceback" not in said


def test_an_error_of_sql_is_in_the_warehouses_words(ask):
    code, _, said = ask("sql", "SELEC 1")

    assert code == 1
    assert "the statement ended as FAILED: SELEC 1\n[PARSE_SYNTAX_ERROR]" in said
    assert "Traceback" not in said


def test_alerts_are_shown_and_stay(ask, aws):
    aws.client("sns").publish(TopicArn=ALERT_TOPIC, Message="records in quarantine: 2", Subject="one")

    first, again = ask("alerts"), ask("alerts")

    assert first == again
    assert first[0] == 0
    assert "records in quarantine: 2" in first[1]
