"""What unpacking costs: CPU microseconds a record of the function that Spark runs in its Python workers."""

import time
from typing import Any
from unittest import mock

from cloudtrail_jobs import accelerators
from cloudtrail_jobs.accelerators import Accelerators
from cloudtrail_jobs.unpacking import unpacker
from tests.benchmarks.data import make_logs
from tests.benchmarks.figures import figure
from tests.benchmarks.measuring import require
from tests.benchmarks.session import Session

TITLE = "Unpacking"


def run(session: Session, entry: dict[str, Any]) -> None:
    """Unpack the same log files in this process, with the accelerators and without, in turn."""
    records, files = session.sizes.storage
    logs = make_logs(records, files)
    batches = [_batch(path.read_bytes()) for path in sorted(logs.folder.rglob("*.json.gz"))]
    entry["notes"] = [
        f"{records:,} records in {files:,} files, {logs.gzipped / 1e6:.0f} MB gzipped, in one process: "
        "inflate, hash, cut, read the times, look for odd fields, build Arrow columns. Reading the files is "
        "not included.",
    ]
    installed = accelerators.installed()
    for name, using in (("with accelerators", installed), ("without accelerators", Accelerators())):
        found = [_micros(batches, using, records) for _ in range(1 + session.sizes.rounds)]
        entry["figures"][f"{name}: CPU µs a record"] = figure(found[1:])
        session.say(f"{name}: {min(found):.1f} µs a record")


def _micros(batches: list[Any], using: Accelerators, records: int) -> float:
    with mock.patch.object(accelerators, "installed", return_value=using):
        began = time.process_time()
        rows = sum(made.num_rows for made in unpacker("events")(batches))
        seconds = time.process_time() - began
    require(rows == records, f"{rows} rows of {records} records")
    return seconds / records * 1e6


def _batch(content: bytes) -> Any:
    import pyarrow as pa

    path, time_of_writing = pa.array(["s3://b/k.json.gz"]), pa.array([0], pa.timestamp("us", tz="UTC"))
    names = ["path", "modificationTime", "content"]
    return pa.RecordBatch.from_arrays([path, time_of_writing, pa.array([content], pa.binary())], names=names)
