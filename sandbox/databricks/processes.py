"""The processes of the stand-in's children: known by pid and start time, and by a mark in their environment.

A pid alone says nothing after a restart, since the system gives it out again. The mark names the state folder
and the task run (or the SQL Spark), is inherited by every process below, and finds what a dead parent left
behind: a JVM, a pyspark daemon that made a process group of its own, anything a job started.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

MARK = "SANDBOX_DATABRICKS_CHILD"
# psutil derives the start time from the boot time, which moves a little when the clock is set.
BIRTH_TOLERANCE_SECONDS = 2.0


@dataclass
class Child:
    """A child process; `popen` is None for one that an earlier stand-in started."""

    pid: int
    born: float
    mark: str
    popen: "subprocess.Popen[bytes] | None" = None

    @property
    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        if self.popen is not None:
            return self.popen.poll() is None
        return same_process(self.pid, self.born)

    @property
    def exit_code(self) -> int | None:
        """Its exit code, a signal as a negative number; None when unknown or still running."""
        return None if self.popen is None else self.popen.poll()

    def pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """What is written to a piped child, and what it says.

        Raises:
            ValueError: for a child that was not started with pipes.
        """
        if self.popen is None or self.popen.stdin is None or self.popen.stdout is None:
            raise ValueError(f"process {self.pid} was started without pipes")
        return self.popen.stdin, self.popen.stdout

    def end(self, *, force: bool) -> None:
        """TERM, or KILL, for its process group and for everything that carries its mark."""
        number = signal.SIGKILL if force else signal.SIGTERM
        if self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)
        for process in marked(self.mark):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def end_leader(self) -> None:
        """KILL for the process alone, as the system does when memory runs out."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    @property
    def gone(self) -> bool:
        """Whether it and everything it started have ended."""
        return not self.alive and next(marked(self.mark), None) is None


def start(
    command: list[str],
    *,
    mark: str,
    environment: dict[str, str],
    folder: Path,
    log: Path,
    piped: bool = False,
) -> Child:
    """Start a child in a session of its own, in `folder`, with its output appended to `log`.

    A `piped` one is spoken with through its standard input and output; only what it says on standard error
    goes to the log.
    """
    with log.open("ab") as output:
        popen = subprocess.Popen(
            command,
            env=environment | {MARK: mark},
            cwd=folder,
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else output,
            stderr=output,
            start_new_session=True,
        )
    return Child(pid=popen.pid, born=birth(popen.pid), mark=mark, popen=popen)


def adopt(mark: str, *, pid: int, born: float) -> Child | None:
    """The child of an earlier stand-in: by its recorded identity, else the session leader with its mark."""
    if pid and same_process(pid, born):
        return Child(pid=pid, born=born, mark=mark)
    for process in marked(mark):
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(process.pid) == process.pid:
                return Child(pid=process.pid, born=process.create_time(), mark=mark)
    return None


def marked(mark: str) -> Iterator[psutil.Process]:
    """Every living process that carries `mark`."""
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def birth(pid: int) -> float:
    """When a process started (epoch seconds), 0 when it is gone already."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def same_process(pid: int, born: float) -> bool:
    """Whether `pid` still is the process that started at `born`."""
    if pid <= 0:
        return False
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return bool(abs(process.create_time() - born) < BIRTH_TOLERANCE_SECONDS)
    except psutil.NoSuchProcess:
        return False


def resident_mb(mark: str) -> int:
    """Resident memory of everything that carries `mark`, in MB."""
    total = 0
    for process in marked(mark):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total >> 20
