"""The driver's log: one JSON line for each step of the job, and the error that ends it."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cloudtrail_jobs.errors import JobError


def say(step: str, **facts: Any) -> None:
    """Print a step with its facts as one line."""
    print(json.dumps({"step": step, **facts}, default=str), flush=True)  # noqa: T201  # the driver's log


@contextmanager
def shown_error() -> Iterator[None]:
    """Print the job's error, with its type, before it ends the process."""
    try:
        yield
    except JobError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201  # the driver's log
        raise
