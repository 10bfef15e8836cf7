"""What must hold for any bytes of an object: the unpacker never raises, and accelerators change nothing."""

import gzip
from dataclasses import replace
from typing import Any

from cloudtrail_jobs import accelerators
from cloudtrail_jobs.accelerators import Accelerators
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.log_files import LogFile, unpack
from cloudtrail_jobs.unpacking import unpacker

PLAIN = Accelerators()
NAMES = ("events", "digests")


def must_hold(content: bytes) -> None:
    """Unpack these bytes as they are and as the content of a gzip object, as each kind in `NAMES`.

    Raises:
        AssertionError: accelerators change the result, or the rows are not those of the log file.
    """
    for name in NAMES:
        for given in (content, gzip.compress(content, compresslevel=1, mtime=0)):
            plain = unpack(given, kind=KINDS[name], using=PLAIN)
            fast = unpack(given, kind=KINDS[name], using=accelerators.installed())
            assert _compared(plain) == _compared(fast), (name, plain, fast)
            _hold_rows(name, given, fast)


def _compared(found: LogFile) -> LogFile:
    """Leave out the words of a defect, which are those of the library that found it."""
    if found.defect is None:
        return found
    return replace(found, defect=replace(found.defect, detail=""))


def _hold_rows(name: str, content: bytes, found: LogFile) -> None:
    """Compare the rows that Spark gets with what was unpacked; one of them is the row of the file."""
    rows = [row for batch in unpacker(name)([_object(content)]) for row in batch.to_pylist()]
    own = [row for row in rows if row["record_index"] is not None]
    assert [row["raw"].encode() for row in own] == [bytes(text) for text in found.texts]
    assert len(rows) == len(own) + (found.defect is not None)
    assert sum(row["file_row"] for row in rows) == bool(rows)


def _object(content: bytes) -> Any:
    import pyarrow as pa

    time = pa.array([0], pa.timestamp("us", tz="UTC"))
    columns = {"path": ["s3://b/key"], "modificationTime": time, "content": pa.array([content], pa.binary())}
    return pa.RecordBatch.from_pydict(columns)
