"""One command at a time starts or stops the processes of a sandbox."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.errors import SandboxError


@contextmanager
def exclusive(state: Path) -> Iterator[None]:
    """Hold the sandbox below `state`; the system lets go of it when this process ends, however it ends.

    Raises:
        SandboxError: when another command holds it.
    """
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SandboxError(
                f"another command is starting or stopping the sandbox in {state}: wait for it, or end it"
            ) from None
        yield
