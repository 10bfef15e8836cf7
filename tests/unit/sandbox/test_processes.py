"""Real processes, small ones: what is started is found again and stopped, and nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from sandbox.errors import ProcessError
from sandbox.processes import Processes

# Says "ready" to the log once it can be stopped, and then waits.
WAITS = "import signal; print('ready', flush=True); signal.pause()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAITS
# A child in a session of its own, as a job of the Databricks stand-in is.
PARENT = (
    "import signal, subprocess, sys; "
    f"subprocess.Popen([sys.executable, '-c', {WAITS!r}], start_new_session=True); "
    "signal.pause()"
)
# A child as Airflow's executor and its supervisor make them: in a group of its own, under a title that is
# written over its environment.
TITLED = (
    "import os, signal, sys, time\n"
    "from setproctitle import setproctitle\n"
    "if os.fork() == 0:\n"
    "    os.setpgid(0, 0)\n"
    "    setproctitle('airflow worker -- LocalExecutor: <idle>' + ' ' * 100000)\n"
    "    print('ready', os.getpid(), flush=True)\n"
    "signal.pause()\n"
)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path)
    yield started
    started.stop(grace_seconds=0.1)


def start(processes: Processes, name: str, code: str) -> psutil.Process:
    """Start Python code and wait until it has printed "ready"."""
    record = processes.start(name, [sys.executable, "-c", code], environment=os.environ, cwd=Path("/"))
    follow = subprocess.run(
        ["timeout", "20", "sh", "-c", f"until grep -q ^ready '{processes.log(name)}'; do sleep 0.01; done"],
        check=False,
    )
    assert follow.returncode == 0, processes.tail(name)
    return psutil.Process(record.pid)


@contextmanager
def stranger(code: str = WAITS) -> Iterator[psutil.Process]:
    """A process that the sandbox did not start."""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert child.stdout
        assert child.stdout.readline() == b"ready\n"
        yield psutil.Process(child.pid)
    finally:
        child.kill()
        child.communicate()


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_a_started_process_is_found_again_by_another_command(processes: Processes, tmp_path: Path) -> None:
    process = start(processes, "one", WAITS)

    found = Processes(tmp_path).running()

    assert [(record.name, record.pid) for record in found] == [("one", process.pid)]


def test_a_started_process_is_stopped_by_another_command(processes: Processes, tmp_path: Path) -> None:
    process = start(processes, "one", WAITS)

    assert Processes(tmp_path).stop() == ["one"]

    assert not is_alive(process)
    assert processes.records() == []


def test_all_are_stopped_and_named_the_youngest_first(processes: Processes) -> None:
    for name in ("b", "c", "a"):
        start(processes, name, WAITS)

    assert processes.stop() == ["a", "c", "b"]


def test_only_named_processes_are_stopped(processes: Processes) -> None:
    kept = start(processes, "kept", WAITS)
    start(processes, "ended", WAITS)

    assert processes.stop("ended") == ["ended"]

    assert is_alive(kept)


def test_a_process_deaf_to_sigterm_is_killed(processes: Processes) -> None:
    process = start(processes, "deaf", DEAF)
    processes.stop(grace_seconds=0.1)

    assert not is_alive(process)


def test_a_child_in_another_session_is_stopped_too(processes: Processes) -> None:
    parent = start(processes, "parent", PARENT)
    (child,) = parent.children()

    processes.stop()

    assert not is_alive(child)


def test_a_child_that_outlived_its_parent_is_found_by_its_mark_and_stopped(processes: Processes) -> None:
    parent = start(processes, "parent", PARENT)
    (child,) = parent.children()
    parent.kill()
    psutil.wait_procs([parent])
    assert is_alive(child)

    assert processes.stop() == ["parent"]

    assert not is_alive(child)


def test_a_record_of_an_ended_process_is_cleaned(processes: Processes) -> None:
    process = start(processes, "one", WAITS)
    process.kill()
    psutil.wait_procs([process])

    assert processes.running() == []
    assert processes.records() == []


def test_a_process_that_was_given_the_pid_of_an_ended_one_is_left_alone(processes: Processes) -> None:
    process = start(processes, "one", WAITS)
    path = processes.records_folder / "one.json"
    with stranger() as other:
        fields = json.loads(path.read_text()) | {"pid": other.pid, "started": other.create_time() - 60}
        path.write_text(json.dumps(fields | {"mark": "of another process"}))

        assert processes.running() == []
        assert processes.stop() == []

        assert is_alive(other)
    process.kill()
    psutil.wait_procs([process])


def test_a_process_interrupted_while_it_was_started_is_found_by_its_mark(processes: Processes) -> None:
    process = start(processes, "one", WAITS)
    path = processes.records_folder / "one.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": 0, "started": 0.0}))

    assert processes.stop() == ["one"]

    assert not is_alive(process)


def test_a_name_that_runs_is_not_started_twice(processes: Processes) -> None:
    start(processes, "one", WAITS)

    with pytest.raises(ProcessError, match="one is running already"):
        start(processes, "one", WAITS)


def test_a_program_that_does_not_exist_leaves_no_record(processes: Processes) -> None:
    with pytest.raises(ProcessError, match=r"one could not be started.*no-such-program"):
        processes.start("one", ["no-such-program"], environment=os.environ, cwd=Path("/"))

    assert processes.records() == []


def test_output_of_both_streams_goes_to_one_log(processes: Processes) -> None:
    start(processes, "one", "import sys; print('to stderr', file=sys.stderr); " + WAITS)

    assert {"    to stderr", "    ready"} <= set(processes.tail("one").splitlines())


def test_the_tail_of_a_log_is_its_last_lines(processes: Processes) -> None:
    start(processes, "one", "[print(i) for i in range(50)]; " + WAITS)

    assert processes.tail("one", lines=2) == "    49\n    ready"


def test_secrets_of_the_environment_are_not_recorded(processes: Processes) -> None:
    environment = {**os.environ, "TOKEN": "dapi-secret"}
    command = [sys.executable, "-c", WAITS]
    processes.start("one", command, environment=environment, cwd=Path("/"))

    assert "dapi-secret" not in (processes.records_folder / "one.json").read_text()


def test_what_a_killed_leader_left_is_stopped_though_it_hides_its_environment(processes: Processes) -> None:
    leader = start(processes, "one", TITLED)
    child = psutil.Process(int(processes.log("one").read_text().split()[-1]))
    # Nobody waits for it: it stays as a zombie, as where nothing reaps orphans.
    leader.kill()

    assert processes.stop("one") == ["one"]

    assert not is_alive(child)


def test_a_start_after_a_kill_first_stops_what_the_killed_one_left(processes: Processes) -> None:
    leader = start(processes, "one", TITLED)
    child = psutil.Process(int(processes.log("one").read_text().split()[-1]))
    leader.kill()
    leader.wait()

    start(processes, "one", WAITS)

    assert not is_alive(child)
