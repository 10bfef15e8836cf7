"""Waiting for services: real processes that end or stay, and checks that come true or do not."""

import os
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sandbox.errors import ProcessError
from sandbox.health import answers, beats, wait_until_ready
from sandbox.processes import Processes, Record

STAYS = "import signal; signal.pause()"


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path)
    yield started
    started.stop(grace_seconds=1)


def start(processes: Processes, name: str, code: str) -> Record:
    return processes.start(name, [sys.executable, "-c", code], environment=os.environ, cwd=Path("/"))


class Health(BaseHTTPRequestHandler):
    """An Airflow whose scheduler has beaten once, at the end of 2026's first minute."""

    def do_GET(self) -> None:
        beat = '{"scheduler": {"latest_scheduler_heartbeat": "2026-01-01T00:01:00+00:00"}}'
        found = self.path == "/api/v2/monitor/health"
        self.send_response(200 if found else 503)
        self.end_headers()
        self.wfile.write(beat.encode() if found else b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing to standard error."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def record(started: float) -> Record:
    return Record(name="airflow-scheduler", mark="m", command=(), position=1, pid=1, started=started)


def test_it_waits_until_every_check_finds_nothing_missing(processes: Processes) -> None:
    start(processes, "one", STAYS)
    missing = ["a", "b", ""]

    wait_until_ready({"one": lambda: missing.pop(0)}, processes, timeout_seconds=60, poll_seconds=0)

    assert missing == []


def test_a_process_that_ends_is_named_with_the_end_of_its_log(processes: Processes) -> None:
    start(processes, "one", "print('port taken'); raise SystemExit(1)")

    with pytest.raises(ProcessError, match=r"one ended before it was ready[\s\S]*port taken"):
        wait_until_ready({"one": lambda: "no answer"}, processes, timeout_seconds=60, poll_seconds=0)


def test_a_process_that_is_never_ready_is_named_with_what_is_missing(processes: Processes) -> None:
    start(processes, "one", STAYS)

    with pytest.raises(ProcessError, match=r"one is not ready after 0 s: no answer"):
        wait_until_ready({"one": lambda: "no answer"}, processes, timeout_seconds=0, poll_seconds=0)


def test_an_answer_is_readiness(url: str) -> None:
    assert answers(f"{url}/api/v2/monitor/health")() == ""


def test_an_error_is_no_readiness(url: str) -> None:
    assert answers(f"{url}/other")() == f"{url}/other: HTTP 503"


def test_no_server_is_no_readiness() -> None:
    assert "http://127.0.0.1:9/" in answers("http://127.0.0.1:9/")()


def test_a_heartbeat_after_the_start_is_readiness(url: str) -> None:
    start_of_2026 = 1767225600.0

    assert beats(url, "scheduler", record(start_of_2026))() == ""


def test_a_heartbeat_of_an_earlier_process_is_not(url: str) -> None:
    two_minutes_into_2026 = 1767225720.0

    assert (
        "no heartbeat since 2026-01-01 00:01:00" in beats(url, "scheduler", record(two_minutes_into_2026))()
    )


def test_a_component_without_a_heartbeat_is_not_ready(url: str) -> None:
    assert beats(url, "triggerer", record(0))() == "no heartbeat yet"
