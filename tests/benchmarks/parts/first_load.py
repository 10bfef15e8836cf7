"""The first load of a history that nobody has read: all contenders on the same files, cold, in turn."""

from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.contenders import CONTENDERS, clear, load
from tests.benchmarks.data import Logs, make_logs
from tests.benchmarks.figures import figure, measured, ratio
from tests.benchmarks.measuring import Run
from tests.benchmarks.session import Session

TITLE = "First load"


def run(session: Session, entry: dict[str, Any]) -> None:
    """Every size, every contender."""
    entry["notes"] = [
        "Each run is a fresh process on files that no checkpoint knows. No figure includes the start of "
        "the Spark session. Rows are counted in the Parquet footers, and a wrong count fails the run.",
        "Spark has two cores and 3 GB of heap, DuckDB has two threads and 4 GB, and the limit has one "
        "thread. DuckDB and the limit keep neither raw text nor lineage, and they cannot resume after an "
        "interruption.",
    ]
    cpu_seconds: dict[str, list[list[float]]] = {"guide": [], "ours": []}
    for size in session.sizes.first_load:
        session.say(f"logs: {size.records:,} records in {size.files:,} files")
        logs = make_logs(size.records, size.files)
        out = session.work / "first_load"
        case = session.rounds(
            entry,
            f"{size.records:,} records in {size.files:,} files, {logs.gzipped / 1e6:.0f} MB gzipped",
            size.rounds,
            {name: partial(_once, name, logs, out / name) for name in CONTENDERS},
        )
        for other in ("guide", "guide_no_listing_job", "duckdb"):
            entry["figures"][f"{size.name} {other}/ours time"] = ratio(case, other, "ours")
        entry["figures"][f"{size.name} guide/native time"] = ratio(case, "guide", "native")
        entry["figures"][f"{size.name} ours/guide CPU"] = ratio(case, "ours", "guide", "cpu_seconds")
        entry["figures"][f"{size.name} ours/limit time"] = ratio(case, "ours", "limit")
        entry["figures"][f"{size.name} ours/guide bytes"] = ratio(case, "ours", "guide", "out_bytes")
        for name in ("guide", "ours"):
            cpu_seconds[name].append(measured(case, name, "cpu_seconds"))
            if cpu_seconds[name][-1]:
                found = figure(seconds / size.records * 1e6 for seconds in cpu_seconds[name][-1])
                entry["figures"][f"{size.name} {name} CPU seconds for a million records"] = found
        session.save()
    first, last = session.sizes.first_load[0], session.sizes.first_load[-1]
    for name, found_of_sizes in cpu_seconds.items():
        few, many = found_of_sizes[0], found_of_sizes[-1]
        # The difference has no cold JVM, which both sizes have.
        if last is not first and few and many:
            more = (median(many) - median(few)) / (last.records - first.records) * 1e6
            entry["figures"][f"{name} CPU seconds for a million more records"] = round(more, 1)


def _once(name: str, logs: Logs, out: Path, _: int) -> Run:
    try:
        return load(name, logs, out)
    finally:
        clear(out)
