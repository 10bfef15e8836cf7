"""How much memory the sandbox takes: a sampler beside it, and what one process holds."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import psutil

from sandbox.processes import Processes

# Linux tells how much of each shared page is a process's part (PSS); elsewhere pages shared between the
# processes count once for each of them.
MEASURE = "PSS" if psutil.LINUX else "RSS"


def resident_bytes(process: psutil.Process) -> int:
    """The resident memory of a process, shared pages in proportion on Linux; 0 when it has ended."""
    try:
        if psutil.LINUX:
            return int(process.memory_full_info().pss)
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


class MemorySampler:
    """Looks every `poll_seconds` at all processes of a sandbox, and remembers the highest sum.

    It does not see a process that lives shorter than one interval.
    """

    def __init__(self, processes: Processes, *, poll_seconds: float = 2) -> None:
        self.peak: dict[str, int] = {}
        self._processes = processes
        self._poll_seconds = poll_seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory-sampler", daemon=True)

    @property
    def peak_bytes(self) -> int:
        """The highest sum over all processes at one moment, the supervisor's own included."""
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
    """Process name → bytes, of every recorded process with all that belongs to it."""
    return {record.name: sum(size(process) for process in record.members()) for record in processes.records()}
