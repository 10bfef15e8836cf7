"""The time as the API tells it."""

import time


def now_ms() -> int:
    """Epoch milliseconds."""
    return int(time.time() * 1000)
