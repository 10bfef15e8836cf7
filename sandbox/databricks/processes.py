"""The stand-in's child processes, identified by pid and start time, and by a mark in their environment.

After a restart a pid alone is not enough, because the system reuses pids. The mark names the state folder and
the task run (or the SQL Spark), and every descendant inherits it. It finds the processes that a dead parent
has left: a JVM, a pyspark daemon in another process group, or any process that a job has started.
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
# psutil derives the start time from the boot time, which shifts slightly when the clock is corrected.
BIRTH_TOLERANCE_SECONDS = 2.0


@dataclass
class Child:
    """A child process; `popen` is None if an earlier stand-in has started it."""

    pid: int
    born: float
    mark: str
    popen: "subprocess.Popen[bytes] | None" = None

    @property
    def alive(self) -> bool:
        """Return whether it still runs; a zombie does not."""
        if self.popen is not None:
            return self.popen.poll() is None
        return same_process(self.pid, self.born)

    @property
    def exit_code(self) -> int | None:
        """Return its exit code, with a signal as a negative number; None if unknown or still running."""
        return None if self.popen is None else self.popen.poll()

    def pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """The standard input and the standard output of a piped child.

        Raises:
            ValueError: for a child that was not started with pipes.
        """
        if self.popen is None or self.popen.stdin is None or self.popen.stdout is None:
            raise ValueError(f"process {self.pid} was started without pipes")
        return self.popen.stdin, self.popen.stdout

    def end(self, *, force: bool) -> None:
        """Send TERM or KILL to its process group and to every process with its mark."""
        number = signal.SIGKILL if force else signal.SIGTERM
        if self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)
        for process in marked(self.mark):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def end_leader(self) -> None:
        """Send KILL to the process alone, as the system does when memory runs out."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    @property
    def gone(self) -> bool:
        """Return whether the process and everything that it started have ended."""
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
    """Start a child in a new session, in `folder`, and append its output to `log`.

    A `piped` child has pipes for standard input and output, and only its standard error goes to the log.
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
    """Find the child of an earlier stand-in by its recorded identity, else by its mark as session leader."""
    if pid and same_process(pid, born):
        return Child(pid=pid, born=born, mark=mark)
    for process in marked(mark):
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(process.pid) == process.pid:
                return Child(pid=process.pid, born=process.create_time(), mark=mark)
    return None


def marked(mark: str) -> Iterator[psutil.Process]:
    """Yield every living process with `mark`."""
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def birth(pid: int) -> float:
    """Return when a process started (epoch seconds); 0 if it has ended already."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def same_process(pid: int, born: float) -> bool:
    """Return whether `pid` is still the process that started at `born`."""
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
    """Return the resident memory of all processes with `mark`, in MB."""
    total = 0
    for process in marked(mark):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total >> 20
