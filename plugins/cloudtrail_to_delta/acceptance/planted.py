"""The log files that an acceptance run plants below its scratch folder, and what an ingest must make of them.

Both layouts, a region that the logs path leaves out, an object of zero bytes, a folder marker, a file that is
cut off, and a large one.
"""

import gzip
import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial

ACCOUNT, ORGANIZATION = "111122223333", "o-acceptance0"
# The logs path names two regions in braces. The third one is not read.
REGIONS, OTHER_REGION = ("us-east-1", "eu-west-1"), "us-west-2"
RECORDS = 3
EVENT_TIME = "2026-01-02T03:04:05Z"
# Uncompressed bytes of the large file. A file of CloudTrail's is far smaller; the job accepts up to 256 MB.
LARGE_BYTES = 200 * 1024 * 1024
_LARGE_RECORD = 20_000


@dataclass(frozen=True)
class Planted:
    """The objects of one delivery, by their keys below a folder, and the rows that the table gets of them."""

    objects: dict[str, bytes]
    rows: int


def first_delivery(day: date, large_bytes: int = LARGE_BYTES) -> Planted:
    """Return the log files of the first delivery, of this delivery day."""
    key = partial(_key, day)
    sound = [
        *(key(REGIONS[0], f"{number}.json.gz") for number in range(3)),
        *(key(REGIONS[1], f"{number}.json.gz") for number in range(2)),
    ]
    passed_over = [
        key(OTHER_REGION, "other.json.gz"),
        *(key(region, "organization.json.gz", f"{ORGANIZATION}/{ACCOUNT}") for region in REGIONS),
    ]
    objects = {name: _packed(range(RECORDS)) for name in (*sound, *passed_over)}
    objects[key(REGIONS[0], "zero.json.gz")] = b""
    objects[key(REGIONS[0], "")] = b""
    objects[key(REGIONS[0], "cut.json.gz")] = _packed(range(RECORDS))[:-20]
    large = max(1, large_bytes // _LARGE_RECORD)
    objects[key(REGIONS[1], "large.json.gz")] = _packed(range(large), size=_LARGE_RECORD)
    return Planted(objects, RECORDS * len(sound) + large)


def second_delivery(day: date) -> Planted:
    """Return what is delivered after the first ingest."""
    return Planted({_key(day, REGIONS[0], "later.json.gz"): _packed(range(RECORDS))}, RECORDS)


def logs_path(folder: str) -> str:
    """Return the logs path over the planted log files, a glob with a star and braces."""
    return f"{folder}/AWSLogs/*/CloudTrail/{{{','.join(REGIONS)}}}/*"


def _key(day: date, region: str, name: str, account: str = ACCOUNT) -> str:
    return f"AWSLogs/{account}/CloudTrail/{region}/{day:%Y/%m/%d}/{name}"


def _packed(numbers: range, size: int = 0) -> bytes:
    """Return a gzipped log file of CloudTrail's form; each record has about `size` bytes."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as file:
        file.write(b'{"Records":[')
        for record in _records(numbers, size):
            file.write(record)
        file.write(b"]}")
    return packed.getvalue()


def _records(numbers: range, size: int) -> Iterator[bytes]:
    fillers = _fillers(size)
    for number in numbers:
        record = {
            "eventVersion": "1.11",
            "eventTime": EVENT_TIME,
            "eventSource": "acceptance.example.com",
            "eventName": "Acceptance",
            "eventID": f"acceptance-{number}",
            "requestParameters": {"filler": fillers[number % len(fillers)]},
        }
        yield (b"," if number else b"") + json.dumps(record).encode()


def _fillers(size: int) -> list[str]:
    """Return texts of a size, of which gzip makes about a tenth: the job refuses more than 50 times.

    Together they are larger than gzip's window, so that it does not find a text again.
    """
    letters = random.Random(0)  # noqa: S311 - the same in each run
    return [letters.randbytes(size // 10).hex().ljust(size, "-") for _ in range(8)]
