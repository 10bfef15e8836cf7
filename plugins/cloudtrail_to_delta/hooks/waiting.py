"""What the waits in one triggerer share: threads, clients, and one poll of each workspace.

A triggerer runs the triggers of every team in one event loop, and asgiref's `sync_to_async` has one thread
for all of them. So nothing here uses that thread: blocking calls run in this module's threads.
See docs/adr/0038-shared-waits.md.
"""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from airflow.providers.amazon.aws.hooks.s3 import S3Hook

from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.runs.names import is_ingest_run

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

CHECKS = ThreadPoolExecutor(16, thread_name_prefix="cloudtrail-check")
# Separate threads, so that no cancellation waits for checks of a service that does not answer.
CANCELLATIONS = ThreadPoolExecutor(16, thread_name_prefix="cloudtrail-cancel")
# After this time, a client is replaced by one that reads the Airflow connection again.
CLIENT_SECONDS = 300
# How long a place stays reserved for a task that was woken and whose run is not active yet. Before it
# submits, the task needs the scheduler, a worker, and its turn in the pool.
RESERVED_SECONDS = 120


async def _in_thread(threads: Executor, call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, call)


class Workspace:
    """A Databricks workspace, as all waits in one event loop see it through one connection.

    Attributes:
        active: the one-time runs that were active at the last poll, by run id, as `runs/list` returns them.
    """

    def __init__(self, hook: Callable[[], IngestHook]) -> None:
        self.active: Mapping[int, dict[str, Any]] = {}
        self._hook = hook
        self._asked_at = -math.inf
        self._question: asyncio.Task[None] | None = None
        self._reserved: dict[str, float] = {}

    async def polls(self, seconds: float) -> AsyncIterator[Mapping[int, dict[str, Any]]]:
        """Yield the active runs now and every `seconds`. Waits that are due at once share one question.

        A run that is missing may have started after the question. So ask for the run itself before you
        believe that it has ended.
        """
        moment = time.monotonic()
        while True:
            while self._asked_at <= moment:
                if self._question is None or self._question.done():
                    # Without the context of the wait that happens to ask: its task's log is not the place for
                    # what concerns all.
                    self._question = asyncio.create_task(self._ask(), context=Context())
                # A wait that is canceled must not cancel the question of the others.
                await asyncio.shield(self._question)
            moment = self._asked_at
            yield self.active
            await asyncio.sleep(moment + seconds - time.monotonic())

    async def ask(self, question: Callable[[IngestHook], T]) -> T:
        """Return what the question returns for the shared hook."""
        return await _in_thread(CHECKS, lambda: question(self._hook()))

    async def cancel(self, order: Callable[[IngestHook], None]) -> None:
        """Cancel a run or a statement with the shared hook."""
        await _in_thread(CANCELLATIONS, lambda: order(self._hook()))

    def reserve(self, run_name: str, limit: int) -> bool:
        """Reserve a place among `limit` active ingest runs; return whether there is one.

        Waits that ask after one poll get no more places than there are. A place is reserved until the run is
        active, for at most `RESERVED_SECONDS`. The kinds of a shared run have one name and so one place.
        """
        now = time.monotonic()
        active = [name for run in self.active.values() if is_ingest_run(name := run.get("run_name", ""))]
        self._reserved = {
            name: until for name, until in self._reserved.items() if until > now and name not in active
        }
        if run_name in active or run_name in self._reserved:
            return True
        if len(active) + len(self._reserved) >= limit:
            return False
        self._reserved[run_name] = now + RESERVED_SECONDS
        return True

    def give_back(self, run_name: str) -> None:
        """Free the place of a task that did not use it, because it waits again."""
        self._reserved.pop(run_name, None)

    async def _ask(self) -> None:
        asked_at = time.monotonic()
        runs = await self.ask(lambda hook: list(hook.active_runs()))
        self.active = {int(run["run_id"]): run for run in runs}
        self._asked_at = asked_at


@dataclass
class _Shared:
    """What one event loop shares: its workspaces, and each client with the time when it was made."""

    workspaces: dict[str, Workspace] = field(default_factory=dict)
    clients: dict[Hashable, tuple[float, Any]] = field(default_factory=dict)
    # Making an AWS client takes 0.1 s of CPU and 12 MiB, so the threads that need the same one wait for it.
    locks: defaultdict[Hashable, Lock] = field(default_factory=lambda: defaultdict(Lock))

    def client(self, key: Hashable, make: Callable[[], T]) -> T:
        with self.locks[key]:
            made_at, client = self.clients.get(key, (-math.inf, None))
            if time.monotonic() - made_at > CLIENT_SECONDS:
                client = make()
                self.clients[key] = (time.monotonic(), client)
            found: T = client
            return found


_shared_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared] = WeakKeyDictionary()


def _shared() -> _Shared:
    return _shared_by_loop.setdefault(asyncio.get_running_loop(), _Shared())


def workspace(databricks_conn_id: str) -> Workspace:
    """Return the workspace that all waits in the running event loop share."""
    shared = _shared()

    def hook() -> IngestHook:
        key = ("databricks", databricks_conn_id)
        return shared.client(key, lambda: IngestHook(databricks_conn_id, caller="Triggerer"))

    return shared.workspaces.setdefault(databricks_conn_id, Workspace(hook))


async def ask_s3(aws_conn_id: str, region: str, question: "Callable[[S3Client], T]") -> T:
    """Return what the question returns for the S3 client that all waits in the running event loop share."""
    shared = _shared()

    def ask() -> T:
        key = ("s3", aws_conn_id, region)
        return question(
            shared.client(key, lambda: S3Hook(aws_conn_id=aws_conn_id, region_name=region).get_conn())
        )

    return await _in_thread(CHECKS, ask)
