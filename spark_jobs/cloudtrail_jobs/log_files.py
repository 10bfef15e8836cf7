"""A log file's bytes → its records or its defect: pure Python, the same on every kind of cluster."""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from cloudtrail_jobs.accelerators import Accelerators
from cloudtrail_jobs.compression import decompress
from cloudtrail_jobs.event_time import judge_time
from cloudtrail_jobs.kinds import Kind
from cloudtrail_jobs.quality import Defect, FileDefectError
from cloudtrail_jobs.record_fields import NONE, reader
from cloudtrail_jobs.record_text import cut, salvage
from cloudtrail_jobs.shape import Oddities


class Record(NamedTuple):
    """One record: its exact text (UTF-8), its time in microseconds since 1970 (UTC), what is wrong or odd."""

    text: bytes
    micros: int | None
    defect: Defect | None
    oddities: Oddities = NONE

    @property
    def raw(self) -> str:
        """The text as the table holds it."""
        return self.text.decode()


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log file, taken apart.

    A file that is a defect as a whole has that defect, no hash unless it was uncompressed whole, and as
    records what could be read before it breaks off, each with the same defect.
    """

    sha256: str | None
    records: tuple[Record, ...] = ()
    defect: Defect | None = None


def unpack(content: bytes, *, kind: Kind, using: Accelerators) -> LogFile:
    """Take one log file apart; never raises for what is in it.

    Args:
        content: the object's bytes, gzip or plain.
        kind: the kind of its records.
        using: the accelerators to use.
    """
    sha256, body = None, b""
    try:
        body = decompress(content, using.zlib)
        sha256 = hashlib.sha256(body).hexdigest()
        texts = cut(body, reader(kind.name, using.msgspec))
    except FileDefectError as found:
        return LogFile(sha256, _salvaged(found.partial or body, found.defect), found.defect)
    records = []
    time_name = ".".join(kind.time_path)
    for text in texts:
        micros, defect = (None, text.defect) if text.defect else judge_time(time_name, text.fields.time)
        records.append(Record(text.text, micros, defect, text.fields.oddities))
    return LogFile(sha256, tuple(records))


def _salvaged(body: bytes, found: Defect) -> tuple[Record, ...]:
    """The records before the damage, as text: what comes out of a damaged file is no evidence."""
    defect = Defect(found.reason, f"kept as text, from before the damage to its log file: {found.detail}")
    return tuple(Record(text.encode(), None, defect) for text in salvage(body))
