"""Failures on request: the faults that a test or a user scripts, and how often each occurs.

`POST /sandbox/faults` accepts one of

    {"action": "respond", "status": 429, "retry_after": 1, "method": "GET", "path": "/api/2.2/", "times": 2}
    {"action": "disconnect", "path": "/api/2.0/sql", "times": 1}
    {"action": "lose_answer", "method": "POST", "path": "/api/2.1/clusters/create"}
    {"action": "kill_driver", "run_id": 100003, "log": "batch 2"}
    {"action": "lose_run", "run_id": 100003}
    {"action": "hold_end", "run_id": 100003}

`respond`, `disconnect` and `lose_answer` (which serves the call, then cuts the connection) affect the next
`times` API calls (default 1) whose path begins with `path` and whose method is `method`, or any method.

`kill_driver` ends a running driver with SIGKILL, as the system does when memory runs out. `lose_run` ends all
processes of a run, which then counts as lost. Both apply to the run `run_id` (of the run or of its task), or
to the first running one. With `log` they wait until the driver's log contains that text. Each occurs once.

With `hold_end` the run, or every run, stays TERMINATING after its drivers have ended, until the faults are
cleared. In the service that state takes some seconds. Faults are in memory only, so a restart removes them.
"""

import dataclasses
import itertools
import threading
from dataclasses import dataclass
from pathlib import Path

from sandbox.databricks.errors import InvalidParameterError
from sandbox.databricks.payloads import Json, checked

REQUEST_ACTIONS = ("respond", "disconnect", "lose_answer")
DRIVER_ACTIONS = ("kill_driver", "lose_run")
RUN_ACTIONS = ("hold_end",)
STATUSES = (429, 500, 503, 504)


@dataclass
class Fault:
    """One scripted fault; `times` counts down."""

    fault_id: int
    action: str
    method: str = ""
    path: str = "/api/"
    status: int = 503
    retry_after: int | None = None
    times: int = 1
    run_id: int | None = None
    log: str = ""


class Faults:
    """The faults that have not occurred yet. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, request: Json) -> Fault:
        """Add a fault.

        Raises:
            InvalidParameterError: for an unknown key, action or status.
        """
        values = checked(Fault, {"fault_id": 0} | request)
        known = REQUEST_ACTIONS + DRIVER_ACTIONS + RUN_ACTIONS
        if values["action"] not in known:
            raise InvalidParameterError(f"Unknown action {values['action']!r}: one of {', '.join(known)}")
        if values.get("status", 503) not in STATUSES:
            raise InvalidParameterError(f"Unknown status {values['status']}: one of {STATUSES}")
        with self._lock:
            fault = Fault(**values | {"fault_id": next(self._ids)})
            self._pending.append(fault)
        return fault

    def pending(self) -> list[Json]:
        """Return the faults that have not occurred yet."""
        with self._lock:
            return [dataclasses.asdict(fault) for fault in self._pending]

    def clear(self) -> None:
        """Remove every fault that has not occurred."""
        with self._lock:
            self._pending.clear()

    def of_request(self, method: str, path: str) -> Fault | None:
        """Return the fault of this API call, if one is due."""
        for fault in self._of(REQUEST_ACTIONS):
            if fault.method.upper() in ("", method) and path.startswith(fault.path):
                return self._use(fault)
        return None

    def of_driver(self, run_ids: tuple[int, ...], log: Path) -> Fault | None:
        """Return the fault of this running driver, if one is due."""
        for fault in self._of(DRIVER_ACTIONS):
            wanted = fault.run_id is None or fault.run_id in run_ids
            if wanted and fault.log in log.read_text(errors="replace"):
                return self._use(fault)
        return None

    def holds(self, run_id: int) -> bool:
        """Return whether this run must not end yet."""
        return any(fault.run_id in (None, run_id) for fault in self._of(RUN_ACTIONS))

    def _of(self, actions: tuple[str, ...]) -> list[Fault]:
        with self._lock:
            return [fault for fault in self._pending if fault.action in actions]

    def _use(self, fault: Fault) -> Fault | None:
        with self._lock:
            if fault not in self._pending:
                return None
            fault.times -= 1
            if fault.times <= 0 or fault.action in DRIVER_ACTIONS:
                self._pending.remove(fault)
            return fault
