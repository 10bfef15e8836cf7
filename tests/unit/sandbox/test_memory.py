"""The memory of a sandbox is that of all its processes at one moment."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sandbox.memory import MemorySampler, measure, resident_bytes
from sandbox.processes import Processes

MEGABYTE = 2**20
STAYS = "import signal; held = bytearray(b'x' * (40 << 20)); print('ready', flush=True); signal.pause()"


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path)
    yield started
    started.stop(grace_seconds=1)


def start(processes: Processes, name: str) -> psutil.Process:
    command = [sys.executable, "-u", "-c", STAYS]
    record = processes.start(name, command, environment=os.environ, cwd=Path("/"))
    while "ready" not in processes.tail(name).replace("print('ready'", ""):
        assert psutil.pid_exists(record.pid)
    return psutil.Process(record.pid)


def test_a_process_counts_with_what_it_holds(processes: Processes) -> None:
    held = resident_bytes(start(processes, "one"))

    assert 40 * MEGABYTE < held < 80 * MEGABYTE


def test_a_process_that_ended_holds_nothing(processes: Processes) -> None:
    process = start(processes, "one")
    processes.stop()

    assert resident_bytes(process) == 0


def test_every_recorded_process_is_measured(processes: Processes) -> None:
    start(processes, "one")
    start(processes, "two")

    assert measure(processes, size=lambda _: 5) == {"one": 5, "two": 5}


def test_the_peak_stays_when_processes_have_ended(processes: Processes) -> None:
    start(processes, "one")
    with MemorySampler(processes, poll_seconds=0.01) as sampler:
        while "one" not in sampler.peak:
            assert processes.running()
        processes.stop()

    assert sampler.peak_bytes > 40 * MEGABYTE
    assert set(sampler.peak) == {"one", "supervisor"}
