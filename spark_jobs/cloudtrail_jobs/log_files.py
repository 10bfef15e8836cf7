"""A log file's bytes → its records or its defect. Pure Python, so every cluster gives the same result."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cloudtrail_jobs.accelerators import Accelerators
from cloudtrail_jobs.compression import decompress
from cloudtrail_jobs.event_time import instants, judge_time
from cloudtrail_jobs.kinds import Kind
from cloudtrail_jobs.quality import Defect, FileDefectError, Reason
from cloudtrail_jobs.record_fields import reader
from cloudtrail_jobs.record_text import Records, cut, cut_whole, salvage
from cloudtrail_jobs.shape import Oddities


@dataclass(frozen=True, slots=True)
class LogFile:
    """The records of one log file, by columns; see `record_text.Records`.

    A damaged file has a defect. It has a hash only if it could be uncompressed whole. Its records are those
    before the damage, each with the file's defect.

    Attributes:
        sha256: the hash of the uncompressed bytes, and of bytes after the gzip data, which CloudTrail never
            writes: with them the hash is not the one that CloudTrail signed.
        texts: the records' exact texts (UTF-8).
        micros: the records' times, in microseconds since 1970 (UTC).
        defects: the defects of records, by their index.
        oddities: the oddities of records, by their index.
        defect: the defect of the file.
    """

    sha256: str | None
    texts: Sequence[bytes] = ()
    micros: Sequence[int | None] = ()
    defects: Mapping[int, Defect] = field(default_factory=dict)
    oddities: Mapping[int, Oddities] = field(default_factory=dict)
    defect: Defect | None = None


def unpack(content: bytes, *, kind: Kind, using: Accelerators) -> LogFile:
    """Take one log file apart. No content makes the function raise.

    Args:
        content: the object's bytes, gzip or plain.
        kind: the kind of its records.
        using: the accelerators to use.
    """
    sha256, body = None, b""
    try:
        body, rest = decompress(content, using.zlib)
        sha256 = _hash(body, rest)
        fields = reader(kind.name, using.msgspec)
        records = cut_whole(body, fields) if kind.is_whole_file else cut(body, fields)
    except FileDefectError as found:
        return _salvaged(sha256, found.partial or body, found.defect)
    micros, defects = _judge_times(".".join(kind.time_path), records)
    return LogFile(sha256, records.texts, micros, defects, records.oddities)


def _hash(body: bytes, rest: bytes) -> str:
    found = hashlib.sha256(body)
    found.update(rest)
    return found.hexdigest()


def _judge_times(name: str, records: Records) -> tuple[list[int | None], dict[int, Defect]]:
    """Return the instant of each record, and the records' defects including those of their times."""
    if not records.defects and (micros := instants(records.times)) is not None:
        return micros, {}
    defects, judged = dict(records.defects), []
    for place, time in enumerate(records.times):
        instant, defect = (None, None) if place in defects else judge_time(name, time)
        judged.append(instant)
        if defect is not None:
            defects[place] = defect
    return judged, defects


def _salvaged(sha256: str | None, body: bytes, found: Defect) -> LogFile:
    """Return the records before the damage as text: a damaged file is not evidence."""
    if found.reason is Reason.UNREADABLE:
        return LogFile(sha256, defect=found)
    try:
        texts = salvage(body)
    except FileDefectError as too_large:
        detail = f"{found.detail}; none of its records is kept, since {too_large.defect.detail}"
        return LogFile(sha256, defect=Defect(Reason.UNREADABLE, detail))
    defect = Defect(found.reason, f"kept as text from before the damage to its log file: {found.detail}")
    return LogFile(sha256, texts, [None] * len(texts), dict.fromkeys(range(len(texts)), defect), {}, found)
