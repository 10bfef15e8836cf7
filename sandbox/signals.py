"""Ctrl-C, SIGTERM and a closed terminal: each interrupts a command, but never its cleanup."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt_on_signals() -> None:
    """Make each of INTERRUPTS raise KeyboardInterrupt in the main thread."""
    for number in INTERRUPTS:
        signal.signal(number, signal.default_int_handler)


@contextmanager
def shielded() -> Iterator[None]:
    """Ignore INTERRUPTS during the block, which must end by itself; call it in the main thread only."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
