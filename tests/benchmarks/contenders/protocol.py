"""How a contender talks with who measures it: it says `ready`, waits for a line, works, says `done`."""

import json
import sys
from typing import Any


def ready() -> None:
    """Everything that is not measured is done; returns when the measurement has begun."""
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()


def done(**facts: Any) -> None:
    """The work is done; returns when it has been measured."""
    print(f"done {json.dumps(facts)}", flush=True)  # noqa: T201
    sys.stdin.readline()
