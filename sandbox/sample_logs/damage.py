"""Log files as they should not be: each defect makes one body, with the reason a reader should give.

The reason codes are those of the quarantine tables.
"""

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]
Damage = Callable[[list[Record]], bytes]

_S3_ERROR = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>TX0000000000</RequestId></Error>
"""


@dataclass(frozen=True)
class DamagedBody:
    """A body, how many whole records it still holds, and what is wrong.

    `defect` is set when the file as a whole is set aside, with what it still holds; else `bad_records` has
    one reason for each bad record, and the sound ones are the first `records - len(bad_records)` of those
    it was made from.
    """

    body: bytes
    records: int
    defect: str | None
    bad_records: tuple[str, ...] = ()
    #: The body as it was delivered, if it was damaged after that.
    original: bytes | None = None


def pack(records: list[Any]) -> bytes:
    """A sound log file: compact JSON, as CloudTrail writes it, in gzip without a time of its own."""
    return pack_content({"Records": records})


def pack_content(content: Any) -> bytes:
    """Any JSON, packed like a log file."""
    return _gzip(json.dumps(content, ensure_ascii=False, separators=(",", ":")))


def damaged_bodies(records: list[Record]) -> list[DamagedBody]:
    """One body for each way of damage, made from `records` (at least two, of one account and region)."""
    whole = pack(records)
    cut = whole[: len(whole) * 2 // 3]
    first = records[0]
    digest = {
        "awsAccountId": first["recipientAccountId"],
        "digestEndTime": first["eventTime"],
        "logFiles": [],
        "previousDigestSignature": None,
    }
    return [
        DamagedBody(cut, records=_whole_records(cut), defect="truncated_gzip", original=whole),
        DamagedBody(_gzip(_S3_ERROR), records=0, defect="not_json"),
        DamagedBody(_gzip(json.dumps(digest)), records=0, defect="no_records_array"),
        DamagedBody(_gzip('{"Records":[]}'), records=0, defect="empty_records"),
        _with_bad_records(records),
    ]


def _with_bad_records(records: list[Record]) -> DamagedBody:
    """A file whose last three records are bad, each in its own way."""
    template = records[-1]
    without_time = {name: value for name, value in template.items() if name != "eventTime"}
    bad_time = {**template, "eventTime": "around noon"}
    return DamagedBody(
        pack([*records, "CheckHealth", without_time, bad_time]),
        records=len(records) + 3,
        defect=None,
        bad_records=("not_an_object", "no_event_time", "bad_event_time"),
    )


def _whole_records(cut: bytes) -> int:
    """How many records come whole out of a body of `pack` that was cut."""
    text = zlib.decompressobj(wbits=31).decompress(cut).decode(errors="ignore")
    decoder, place, found = json.JSONDecoder(), len('{"Records":['), 0
    while True:
        try:
            _, place = decoder.raw_decode(text, place)
        except ValueError:
            return found
        found, place = found + 1, place + len(",")


def _gzip(text: str) -> bytes:
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)
