"""Readiness checks: poll a service until it is ready, its process ends, or the time is up."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import httpx

from sandbox.errors import ProcessError
from sandbox.processes import Processes, Record

# Returns what is still missing, or an empty text when the service is ready.
Check = Callable[[], str]


def wait_until_ready(
    checks: Mapping[str, Check], processes: Processes, *, timeout_seconds: float, poll_seconds: float = 0.3
) -> None:
    """Wait until every check, named after its process, finds nothing missing.

    Raises:
        ProcessError: if a process ends or the time is up. The message says what was missing, with the end
            of the process's log.
    """
    deadline = time.monotonic() + timeout_seconds
    waiting = dict(checks)
    while waiting:
        running = {record.name for record in processes.running()}
        for name, check in list(waiting.items()):
            missing = check()
            if not missing:
                del waiting[name]
            elif name not in running:
                raise ProcessError(_failure(processes, f"{name} ended before it was ready", name))
            elif time.monotonic() > deadline:
                late = f"{name} is not ready after {timeout_seconds:.0f} s: {missing}"
                raise ProcessError(_failure(processes, late, name))
        time.sleep(poll_seconds if waiting else 0)


def answers(url: str, *, headers: Mapping[str, str] | None = None) -> Check:
    """Return a check that is ready when a GET of `url` succeeds."""

    def check() -> str:
        try:
            response = httpx.get(url, headers=headers, timeout=5, trust_env=False)
        except httpx.HTTPError as error:
            return f"{url}: {error or type(error).__name__}"
        return "" if response.is_success else f"{url}: HTTP {response.status_code}"

    return check


def beats(airflow_url: str, component: str, record: Record) -> Check:
    """Return a check that is ready when `component` has sent a heartbeat since its process was started.

    `component` is `scheduler`, `triggerer` or `dag_processor`, and `record` is its process. Airflow's health
    endpoint calls a component healthy for 30 s after its last heartbeat, even if it was killed meanwhile.
    """

    def check() -> str:
        try:
            health = httpx.get(f"{airflow_url}/api/v2/monitor/health", timeout=5, trust_env=False).json()
        except (httpx.HTTPError, ValueError) as error:
            return f"the API server does not answer yet: {error or type(error).__name__}"
        heartbeat = health.get(component, {}).get(f"latest_{component}_heartbeat")
        if heartbeat is None:
            return "no heartbeat yet"
        beat = datetime.fromisoformat(heartbeat)
        return "" if beat >= datetime.fromtimestamp(record.started, UTC) else f"no heartbeat since {beat}"

    return check


def _failure(processes: Processes, what: str, name: str) -> str:
    return f"{what}. The end of {processes.log(name)}:\n{processes.tail(name)}"
