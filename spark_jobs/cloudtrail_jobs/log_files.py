"""A log file's bytes → its records or its defect: pure Python, the same on every kind of cluster."""

import hashlib
from dataclasses import dataclass

from cloudtrail_jobs.accelerators import Accelerators
from cloudtrail_jobs.compression import decompress
from cloudtrail_jobs.event_time import judge_time
from cloudtrail_jobs.quality import Defect, FileDefectError
from cloudtrail_jobs.record_text import cut


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its exact text, its time in microseconds since 1970 (UTC), and what is wrong with it."""

    raw: str
    micros: int | None
    defect: Defect | None


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log file, taken apart. Either it has records, or it is a defect as a whole."""

    sha256: str | None
    records: tuple[Record, ...] = ()
    defect: Defect | None = None


def unpack(content: bytes, *, time_field: str, using: Accelerators) -> LogFile:
    """Take one log file apart; never raises for what is in it.

    Args:
        content: the object's bytes, gzip or plain.
        time_field: the field of a record that says when.
        using: the accelerators to use.
    """
    sha256 = None
    try:
        body = decompress(content, using.zlib)
        sha256 = hashlib.sha256(body).hexdigest()
        texts = cut(body, time_field, using.msgspec)
    except FileDefectError as found:
        return LogFile(sha256=sha256, defect=found.defect)
    records = []
    for text in texts:
        micros, defect = (None, text.defect) if text.defect else judge_time(time_field, text.time)
        records.append(Record(text.text.decode(), micros, defect))
    return LogFile(sha256=sha256, records=tuple(records))
