"""What the job says while it works: one JSON line for each step, in the driver's log."""

import json
from typing import Any


def say(step: str, **facts: Any) -> None:
    """Print a step with what is known of it."""
    print(json.dumps({"step": step, **facts}, default=str), flush=True)  # noqa: T201  # the driver's log
