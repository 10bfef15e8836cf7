"""Damaged log files: one body for each defect, with the reason code that the quarantine tables must show."""

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
    """A body, the number of whole records in it, and its defects.

    `defect` is set if the whole file goes to the quarantine, with the records in it. Otherwise `bad_records`
    has one reason for each bad record, and the valid ones are the first `records - len(bad_records)` of its
    source records.
    """

    body: bytes
    records: int
    defect: str | None
    bad_records: tuple[str, ...] = ()
    #: The body as it was delivered, if it was damaged after that.
    original: bytes | None = None


def pack(records: list[Any]) -> bytes:
    """Return a valid log file: compact JSON, as CloudTrail writes it, in gzip without a timestamp."""
    return pack_content({"Records": records})


def pack_content(content: Any) -> bytes:
    """Return any JSON in the format of a log file."""
    return _gzip(json.dumps(content, ensure_ascii=False, separators=(",", ":")))


def damaged_bodies(records: list[Record]) -> list[DamagedBody]:
    """Return one body for each defect, made from `records` (at least two, of one account and region)."""
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
    """Return a file whose last three records are bad, each for another reason."""
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
    """Return how many whole records remain in a body of `pack` that was truncated."""
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
