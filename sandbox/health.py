"""Ready or not: asks a service until it answers as it should, its process ends, or time is up."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import httpx

from sandbox.errors import ProcessError
from sandbox.processes import Processes, Record

# Says what is still missing; an empty text when the service is ready.
Check = Callable[[], str]


def wait_until_ready(
    checks: Mapping[str, Check], processes: Processes, *, timeout_seconds: float, poll_seconds: float = 0.3
) -> None:
    """Wait until every check, named after its process, finds nothing missing.

    Raises:
        ProcessError: when a process ended or time is up; with what was missing and the end of its log.
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
    """Ready when a GET of `url` succeeds."""

    def check() -> str:
        try:
            response = httpx.get(url, headers=headers, timeout=5, trust_env=False)
        except httpx.HTTPError as error:
            return f"{url}: {error or type(error).__name__}"
        return "" if response.is_success else f"{url}: HTTP {response.status_code}"

    return check


def beats(airflow_url: str, component: str, record: Record) -> Check:
    """Ready when Airflow's health endpoint has seen `component` since its process `record` was started.

    `component` is `scheduler`, `triggerer` or `dag_processor`. The endpoint calls a component healthy for
    30 s after its last heartbeat, also one that was killed meanwhile.
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
