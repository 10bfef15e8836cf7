"""Memory on files of a size that is rare: the highest sum of driver and Python workers."""

import gzip
from functools import partial
from typing import Any

from tests.benchmarks.contenders import clear, load
from tests.benchmarks.data import Logs, make_logs
from tests.benchmarks.figures import measured
from tests.benchmarks.measuring import Run
from tests.benchmarks.session import Session

TITLE = "Memory"


def run(session: Session, entry: dict[str, Any]) -> None:
    """One file of each size, by the guide's stream and by ours."""
    entry["notes"] = [
        "The JVM may use 3 GB of heap. A peak is the sum over all processes at one moment, sampled every "
        "half second. CloudTrail itself writes files of a few MB. Files of this size come from tools that "
        "join them.",
    ]
    for records in session.sizes.memory_records:
        session.say(f"logs: {records:,} records in one file")
        logs = make_logs(records, 1)
        packed, plain = logs.gzipped, _plain_bytes(logs)
        case = session.rounds(
            entry,
            f"one file of {packed / 1e6:.0f} MB gzipped, {plain / 1e6:.0f} MB of JSON, {records:,} records",
            1,
            {name: partial(_once, session, name, logs) for name in ("guide", "ours")},
        )
        for name in ("guide", "ours"):
            if peaks := measured(case, name, "peak_bytes"):
                known = entry["figures"].get(f"{name} peak GB", 0.0)
                entry["figures"][f"{name} peak GB"] = max(known, round(max(peaks) / 1e9, 2))


def _once(session: Session, name: str, logs: Logs, _: int) -> Run:
    out = session.work / "memory" / name
    try:
        return load(name, logs, out)
    finally:
        clear(out)


def _plain_bytes(logs: Logs) -> int:
    total = 0
    with gzip.open(logs.largest) as file:
        while block := file.read(1 << 24):
            total += len(block)
    return total
