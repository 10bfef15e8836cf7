"""A short memory of what the database said, for each process. It never holds anything made for one user."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")


class Cache:
    """Keeps what `make` gave for a while; the least recently used go first when there are too many.

    Permissions are none of its business: it keeps facts, and who may see which is asked for each request.

    Args:
        seconds: how long something is kept.
        size: how many things are kept.
        clock: seconds that only go forward.
    """

    def __init__(self, *, seconds: float, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._size = size
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is kept under `key`, or what `make` gives; of many that ask at once, one makes it."""
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
