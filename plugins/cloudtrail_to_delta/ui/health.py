"""The answers for machines: whether the page can be served, and the state of each table as JSON.

A load balancer asks `/health` without a sign-in, so it says nothing about accounts. A monitor signs in with a
token of Airflow's API and asks `/status`, which shows the tables of the DAGs that its user may read.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.records.fields import utc_text
from cloudtrail_to_delta.ui.rows import Row

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# How long an answer of the database counts, so that nobody can load it by asking for the page's health.
FRESH_SECONDS = 5
# How long to wait for the database. Load balancers give up after about as long.
PATIENCE_SECONDS = 3
# After so long without an answer, a question is given up and another one is asked.
LOST_SECONDS = 60
# States of rows that need somebody, as the page orders them.
BAD = frozenset({"failed", "broken", "unreadable"})


class DatabaseCheck:
    """Asks the database whether it answers: one question at a time, and its answer counts for a while.

    Args:
        ask: asks the database, and raises if it does not answer.
        fresh: how many seconds an answer counts.
        patience: how many seconds to wait for it.
        clock: monotonic time in seconds.
    """

    def __init__(
        self,
        ask: Callable[[], object],
        *,
        fresh: float = FRESH_SECONDS,
        patience: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._fresh = fresh
        self._patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: Future[None] = Future()
        self._began = self._ended = -float("inf")

    async def is_healthy(self) -> bool:
        """Return whether the database answers. Waiting for it holds no thread of the API server."""
        try:
            async with asyncio.timeout(self._patience):
                await asyncio.shield(asyncio.wrap_future(self._current()))
        except Exception:  # noqa: BLE001 - whatever it is, the database does not answer
            return False
        return True

    def _current(self) -> "Future[None]":
        """Return the question that counts now; ask it unless it was asked."""
        with self._lock:
            now = self._clock()
            is_old = (
                now - self._ended >= self._fresh if self._asked.done() else now - self._began >= LOST_SECONDS
            )
            if is_old:
                self._asked, self._began = Future(), now
                threading.Thread(target=self._answer, args=(self._asked,), daemon=True).start()
            return self._asked

    def _answer(self, asked: "Future[None]") -> None:
        failed: BaseException | None = None
        try:
            self._ask()
        except BaseException as error:  # noqa: BLE001 - the future raises it
            failed = error
        self._ended = self._clock()
        if failed:
            asked.set_exception(failed)
        else:
            asked.set_result(None)


def select_one(session: "Session") -> object:
    """Ask the database for nothing but an answer."""
    from sqlalchemy import text

    return session.execute(text("SELECT 1")).scalar()


def status_of(rows: Iterable[Row], at: datetime) -> dict[str, Any]:
    """Return the state of the tables as JSON: a monitor compares the times with its own clock.

    Args:
        rows: the tables that the user may see.
        at: when they were read.
    """
    tables = [
        {
            "dag_id": row.dag.dag_id,
            "account": row.account,
            "kind": row.kind,
            "table": row.table,
            "state": row.state,
            "failing_since": _text(row.since if row.state in BAD else row.failed_before),
            "validated_at": _text(row.validated_at),
            "newest_event_at": _text(row.newest_event),
            "lag_seconds": row.lag_seconds,
            "is_paused": row.dag.paused,
            "is_overdue": row.overdue,
        }
        for row in rows
    ]
    bad = [one for one in tables if one["state"] in BAD or one["failing_since"] or one["is_overdue"]]
    return {"status": "unhealthy" if bad else "healthy", "as_of": utc_text(at), "tables": tables}


def _text(at: datetime | None) -> str | None:
    return utc_text(at) if at else None
