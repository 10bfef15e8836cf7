"""What a process and everything below it take: CPU seconds, memory by kind, seconds of each of its threads.

CPU seconds are those of all processes, JVM and Python workers included. Memory is looked at every half second
(PSS on Linux), so that a peak between two looks is missed.
"""

import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Self

import psutil

from sandbox.memory import resident_bytes

POLL_SECONDS = 0.5
# A thread that took less is of no interest.
LEAST_SECONDS = 0.1


class ProcessTree:
    """Measures while its block runs."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="process-tree", daemon=True)
        self._threads: dict[tuple[int, int], tuple[str, float]] = {}
        self._before: dict[tuple[int, int], float] = {}
        self.peak_bytes = 0
        # Each kind's own highest sum; they need not be of one moment.
        self.peaks: dict[str, int] = {}
        self.seconds = self.cpu_seconds = 0.0

    def __enter__(self) -> Self:
        self.cpu_seconds = self.cpu()
        self._look_at_threads()
        self._before = {key: seconds for key, (_, seconds) in self._threads.items()}
        self.seconds = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After an error there may be no process left to look at, and the error is what matters.
        if kind is None:
            self.seconds = time.monotonic() - self.seconds
            self.cpu_seconds = self.cpu() - self.cpu_seconds
        self._done.set()
        self._thread.join()
        if kind is None:
            self._look()

    @property
    def threads(self) -> dict[str, float]:
        """CPU seconds by the name of a JVM's thread (its first 15 characters), and of each other process."""
        found: dict[str, float] = defaultdict(float)
        for key, (name, seconds) in self._threads.items():
            found[name] += seconds - self._before.get(key, 0.0)
        return {name: round(seconds, 2) for name, seconds in found.items() if seconds >= LEAST_SECONDS}

    def _processes(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]

    def cpu(self) -> float:
        """Return the CPU seconds of all these processes since each of them began."""
        # A worker that has ended is in its parent's account of children.
        total = 0.0
        for process in self._processes():
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system + times.children_user + times.children_system
        return total

    def _sample(self) -> None:
        while True:
            try:
                self._look()
            except psutil.Error:
                return
            if self._done.wait(POLL_SECONDS):
                return

    def _look(self) -> None:
        now: dict[str, int] = defaultdict(int)
        for process in self._processes():
            now[self._kind(process)] += resident_bytes(process)
        self.peak_bytes = max(self.peak_bytes, sum(now.values()))
        for kind, size in now.items():
            self.peaks[kind] = max(self.peaks.get(kind, 0), size)
        self._look_at_threads()

    def _kind(self, process: psutil.Process) -> str:
        try:
            if process.name() == "java":
                return "jvm"
        except psutil.Error:
            pass
        return "python driver" if process.pid == self._root.pid else "python workers"

    def _look_at_threads(self) -> None:
        """Threads that end keep what they had when they were last seen."""
        for process in self._processes():
            kind = self._kind(process)
            try:
                threads = process.threads()
            except psutil.Error:
                continue
            for thread in threads:
                name = _name(process.pid, thread.id) if kind == "jvm" else kind
                self._threads[process.pid, thread.id] = (name, thread.user_time + thread.system_time)


def _name(pid: int, thread: int) -> str:
    try:
        return Path(f"/proc/{pid}/task/{thread}/comm").read_text().strip()
    except OSError:
        return "?"
