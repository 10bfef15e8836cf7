"""The time in the API's format."""

import time


def now_ms() -> int:
    """Return the current time in epoch milliseconds."""
    return int(time.time() * 1000)
