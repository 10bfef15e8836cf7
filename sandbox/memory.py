"""The memory of the sandbox: of one process, and a sampler for the peak of all."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import psutil

from sandbox.processes import Processes

# Linux reports each process's share of the shared pages (PSS). Elsewhere a shared page counts once for each
# process that uses it.
MEASURE = "PSS" if psutil.LINUX else "RSS"


def resident_bytes(process: psutil.Process) -> int:
    """Return the resident memory of a process, on Linux with its share of shared pages; 0 if it has ended."""
    try:
        if psutil.LINUX:
            return int(process.memory_full_info().pss)
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


class MemorySampler:
    """A sampler that measures all processes of a sandbox every `poll_seconds` and keeps the highest sum.

    It can miss a process that lives for less than one interval.
    """

    def __init__(self, processes: Processes, *, poll_seconds: float = 2) -> None:
        self.peak: dict[str, int] = {}
        self._processes = processes
        self._poll_seconds = poll_seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory-sampler", daemon=True)

    @property
    def peak_bytes(self) -> int:
        """The highest sum over all processes at one moment, including the supervisor's."""
        return sum(self.peak.values())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        supervisor = psutil.Process()
        while True:
            now = measure(self._processes) | {"supervisor": resident_bytes(supervisor)}
            if sum(now.values()) > self.peak_bytes:
                self.peak = now
            if self._done.wait(self._poll_seconds):
                return


def measure(processes: Processes, size: Callable[[psutil.Process], int] = resident_bytes) -> dict[str, int]:
    """Return process name → bytes of every recorded process, including all that belong to it."""
    return {record.name: sum(size(process) for process in record.members()) for record in processes.records()}
