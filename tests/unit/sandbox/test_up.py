"""What `make up` tells a person at its end."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudtrail_plugin import CloudTrailPlugin
from sandbox import up
from sandbox.aws.seed import ALERT_TOPIC
from sandbox.processes import Processes
from sandbox.settings import Sandbox

WAITS = [sys.executable, "-c", "import signal; signal.pause()"]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox that was started on other ports than this command's."""
    processes = Processes(tmp_path)
    for name, port in (("airflow-api-server", 1001), ("aws", 1002), ("databricks", 1003)):
        url = f"http://127.0.0.1:{port}"
        processes.start(name, WAITS, environment=os.environ, cwd=tmp_path, url=url)
    yield Sandbox(state=tmp_path)
    processes.stop()


def test_the_addresses_are_those_that_it_was_started_with(running: Sandbox) -> None:
    shown = up.addresses(running)

    assert "http://127.0.0.1:1001/dags/cloudtrail_ingest" in shown
    assert "http://127.0.0.1:1002" in shown
    assert "http://127.0.0.1:1003" in shown


def test_it_says_how_to_query_the_tables_and_how_to_read_the_alerts(running: Sandbox) -> None:
    shown = up.addresses(running)

    assert 'make sql Q="SELECT' in shown
    assert "make alerts" in shown
    assert ALERT_TOPIC in shown


def test_the_page_of_all_accounts_is_where_the_plugin_puts_it(running: Sandbox) -> None:
    (view,) = (one for one in CloudTrailPlugin.external_views if one["destination"] == "nav")

    assert f"http://127.0.0.1:1001/plugin/{view['url_route']} " in up.addresses(running)
