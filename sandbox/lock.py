"""A lock that lets only one command at a time work with a sandbox."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.errors import SandboxError


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file `path` during the block; the system releases it however this process ends.

    Raises:
        SandboxError: if another command holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SandboxError(
                f"another command is at work with the sandbox in {path.parent}: wait for it, or end it"
            ) from None
        yield
