"""Ctrl-C, SIGTERM and a closed terminal: all interrupt a command, and none interrupts its cleaning up."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt_on_signals() -> None:
    """Let every one of INTERRUPTS raise KeyboardInterrupt in the main thread."""
    for number in INTERRUPTS:
        signal.signal(number, signal.default_int_handler)


@contextmanager
def shielded() -> Iterator[None]:
    """Ignore INTERRUPTS for the length of the block, which has to end by itself. For the main thread."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
