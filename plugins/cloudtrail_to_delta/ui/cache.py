"""A cache of data from the database, one per process. It never holds data of a single user.

Visitors do not wait for the database if there is recent data: they see that, while a thread reads anew.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from cloudtrail_to_delta.errors import CloudTrailError

T = TypeVar("T")
log = logging.getLogger(__name__)

# Up to this age, data is shown at once while it is read anew. Older data is shown if reading takes longer
# than PATIENCE_SECONDS, until it is older than STALE_SECONDS.
RECENT_SECONDS = 60
PATIENCE_SECONDS = 2
STALE_SECONDS = 600
# How long a visitor waits for whom there is no data. The wait holds one of the API server's threads.
LONGEST_SECONDS = 20


class SlowDatabaseError(CloudTrailError):
    """Airflow's database does not answer."""


@dataclass(frozen=True)
class _Made:
    """A value, or one that a thread is making, and when its making began."""

    began: float
    value: Any


class Cache:
    """Cache with a time limit. When it is full, it drops the least recently used entry.

    One thread at a time makes an entry, and waiting for one entry never delays another. The cache does not
    check permissions: it holds facts, and each request checks which of them the user may see.

    Args:
        seconds: how long an entry is valid. If it is asked for later, it is made anew.
        size: the maximum number of entries.
        patience: how many seconds to wait for new data if there is older data.
        longest: how many seconds to wait for data if there is none.
        clock: monotonic time in seconds.
    """

    def __init__(
        self,
        *,
        seconds: float,
        size: int,
        patience: float = PATIENCE_SECONDS,
        longest: float = LONGEST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._size = size
        self._patience = patience
        self._longest = longest
        self._clock = clock
        self._kept: OrderedDict[Hashable, _Made] = OrderedDict()
        self._making: dict[Hashable, _Made] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the entry of `key`, at most `STALE_SECONDS` old. A thread creates it with `make`.

        Raises:
            SlowDatabaseError: if there is no entry, and `make` takes too long.
            Exception: what `make` raised, if there is no entry.
        """
        with self._lock:
            now = self._clock()
            entry = self._kept.get(key)
            if entry is not None and now - entry.began >= STALE_SECONDS:
                entry = None
            if entry is not None:
                self._kept.move_to_end(key)
                if now - entry.began < self._seconds:
                    fresh: T = entry.value
                    return fresh
            made = self._under_way(key, make, now)
        if entry is None:
            try:
                first: T = made.value.result(self._longest)
            except TimeoutError as slow:
                raise SlowDatabaseError(
                    f"Airflow's metadata database has not answered within {self._longest:g} seconds. "
                    "Reload the page. If this happens again, check the load of the database"
                ) from slow
            return first
        shown: T = entry.value
        # A failure is in the log, and the page shows the age of its data.
        with suppress(Exception):
            shown = made.value.result(0 if now - entry.began < RECENT_SECONDS else self._patience)
        return shown

    def _under_way(self, key: Hashable, make: Callable[[], Any], now: float) -> _Made:
        """Return the future of the entry; start a thread unless one makes it and may still succeed."""
        made = self._making.get(key)
        if made is None or now - made.began >= STALE_SECONDS:
            made = self._making[key] = _Made(now, Future())
            threading.Thread(target=self._make, args=(key, make, made), daemon=True).start()
        return made

    def _make(self, key: Hashable, make: Callable[[], Any], made: _Made) -> None:
        try:
            value = make()
        except BaseException as failed:
            log.exception("The data of %s could not be read", key)
            with self._lock:
                self._forget(key, made)
            made.value.set_exception(failed)
            return
        with self._lock:
            self._forget(key, made)
            if key not in self._kept or self._kept[key].began < made.began:
                self._kept[key] = _Made(made.began, value)
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        made.value.set_result(value)

    def _forget(self, key: Hashable, made: _Made) -> None:
        if self._making.get(key) is made:
            del self._making[key]
