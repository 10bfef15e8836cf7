"""Children are known by pid and start time, or by the mark they carry; a pid alone is nobody."""

import os
import sys
import time

import psutil
import pytest

from sandbox.databricks import processes
from sandbox.databricks.processes import Child, adopt, same_process, start

WAIT = [sys.executable, "-c", "input()"]


@pytest.fixture
def child(tmp_path):
    """A child that waits for a line on its input."""
    started = start(WAIT, mark="a mark", environment={}, folder=tmp_path, log=tmp_path / "log", piped=True)
    # The system shows a process before it shows its environment.
    while not psutil.Process(started.pid).environ():
        time.sleep(0.01)
    yield started
    started.end(force=True)
    started.popen.wait()
    for pipe in started.pipes():
        pipe.close()


def test_a_child_is_adopted_by_its_recorded_identity(child):
    found = adopt("a mark", pid=child.pid, born=child.born)
    assert (found.pid, found.born, found.popen) == (child.pid, child.born, None)
    assert found.alive


def test_a_child_whose_pid_was_never_recorded_is_found_by_its_mark(child):
    assert adopt("a mark", pid=0, born=0.0).pid == child.pid
    assert adopt("another mark", pid=0, born=0.0) is None


def test_a_process_that_has_the_pid_but_another_start_is_somebody_else(child):
    assert same_process(child.pid, child.born)
    assert not same_process(child.pid, child.born - 60)
    assert not same_process(0, 0.0)
    assert adopt("another mark", pid=child.pid, born=child.born - 60) is None


def test_an_adopted_child_ends_by_its_group_and_its_exit_code_stays_unknown(child):
    adopted = adopt("a mark", pid=child.pid, born=child.born)
    adopted.end(force=True)
    child.popen.wait()
    assert adopted.gone
    assert adopted.exit_code is None
    assert child.exit_code == -9


def test_a_dead_child_can_be_ended_again(tmp_path):
    dead = Child(pid=2**22 - 1, born=1.0, mark="nobody's mark")
    dead.end(force=True)
    dead.end_leader()
    assert dead.gone


def test_only_a_piped_child_can_be_spoken_with(tmp_path):
    done = start([sys.executable, "-c", ""], mark="m", environment={}, folder=tmp_path, log=tmp_path / "log")
    done.popen.wait()
    with pytest.raises(ValueError, match="without pipes"):
        done.pipes()
    assert processes.birth(os.getpid()) > 0
