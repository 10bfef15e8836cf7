"""A short-lived cache of data from the database, one per process. It never holds data of a single user."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")


class Cache:
    """Cache with a time limit. When it is full, it drops the least recently used entry.

    It does not check permissions: it caches facts, and each request checks which of them the user may see.

    Args:
        seconds: how long an entry is valid.
        size: the maximum number of entries.
        clock: monotonic time in seconds.
    """

    def __init__(self, *, seconds: float, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._size = size
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the entry of `key`, or create it with `make`. Concurrent callers create it only once."""
        with self._lock:
            until, value = self._kept.get(key, (0.0, None))
            if key not in self._kept or self._clock() >= until:
                value = make()
                self._kept[key] = (self._clock() + self._seconds, value)
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
            found: T = value
            return found
