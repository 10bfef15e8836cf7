"""The worst objects that a writer of 1 MB can make, and what each costs one worker.

Usage: python -m tests.benchmarks.hostile [NAME …]

Each object goes through the function that Spark runs in its Python workers, in a process of its own, with and
without the accelerators. Aim: at most 2 s of CPU, and at most 300 MB more than the worker has before.
"""

import gzip
import json
import resource
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from unittest import mock

MEGABYTE = 1_000_000
RECORD = b'{"eventTime":"2026-11-22T10:00:00Z","eventName":"x"'


def _gz(start: bytes, repeated: bytes = b"", size: int = 0, end: bytes = b"") -> bytes:
    """Return gzip of `start`, about `size` bytes of the repeated ones, and `end`."""
    packer = zlib.compressobj(9, wbits=31)
    piece = repeated * max(1, 2**20 // max(1, len(repeated)))
    found = [packer.compress(start)]
    found += [packer.compress(piece) for _ in range(size // len(piece) if repeated else 0)]
    return b"".join([*found, packer.compress(end), packer.flush()])


def _filled(inner: bytes) -> bytes:
    """Return an object of 1 MB, so that it may expand the most: bytes after gzip data stay as they are."""
    return inner + b"\0" * max(0, MEGABYTE - len(inner))


def _many(element: bytes, size: int, before: bytes = b'{"Records":[', after: bytes = b"]}") -> bytes:
    """Return a file of the same records, of about `size` bytes."""
    return _filled(_gz(before, element + b",", size, element + after))


def _few(*records: bytes, before: bytes = b'{"Records":[', after: bytes = b"]}") -> bytes:
    """Return a file of these records, and of others of 15 MB up to 47 MB: those may have the most values."""
    left = 47 * MB - sum(map(len, records))
    text = RECORD + b',"a":"' + b"x" * (15 * MB) + b'"}'
    filler = [text] * (left // len(text))
    return _filled(_gz(before + b",".join([*records, *filler]) + after))


MB = 2**20
TWICE = b'{"Records":[],"Records":['  # msgspec would lose one of the two, so the standard library decides
ARRAYS = RECORD + b',"x":[' + b"[]," * 299_000 + b"[]]}"
RESOURCES = RECORD + b',"resources":[' + b"{}," * 299_000 + b"{}]}"
EMOJI = RECORD + b',"a":"' + "😀".encode() * (15 * MB // 4) + b'"}'
OBJECTS: dict[str, Callable[[], bytes]] = {
    "zeros, 1 GB in 1 MB": lambda: _gz(b"", b"\0", 1000 * MB),
    "zeros, 47 MB": lambda: _filled(_gz(b"", b"\0", 47 * MB)),
    "empty gzip members": lambda: gzip.compress(b"", mtime=0) * (MEGABYTE // 20),
    "damage at the end": lambda: _gz(b'{"Records":[', b"{},", 45 * MB)[:-8] + b"\xff" * 900_000,
    "damage after 2 MB of numbers": lambda: _gz(b'{"Records":[', b"1,", 2 * MB)[:-8] + b"\xff" * 900_000,
    "[1,1,…] of 47 MB": lambda: _many(b"1", 47 * MB),
    "[1,1,…] at the limit of values": lambda: _many(b"1", 4 * MB - MB // 4),
    "[[],[],…] at the limit of values": lambda: _many(b"[]", 2 * MB - MB // 4),
    "100,000 records": lambda: _many(RECORD + b',"a":"' + b"x" * 50 + b'"}', 10 * MB),
    "100,000 records of an odd file": lambda: _many(RECORD + b',"a":"' + b"x" * 99 + b'"}', 15 * MB, TWICE),
    "100,000 records, each with 5 unknown fields": lambda: _many(
        RECORD + b',"' + b"x" * 150 + b'":1,"b":1,"c":1,"d":1,"e":1}', 22 * MB
    ),
    "100,000 names with half of a surrogate pair": lambda: _many(
        RECORD + b',"' + b"\\ud83d" * 20 + b'":1}', 17 * MB
    ),
    "100,000 records without time": lambda: _many(b'{"eventName":"' + b"x" * 60 + b'"}', 7 * MB),
    "records of 15 MB": _few,
    "records of 15 MB of emoji": lambda: _filled(_gz(b'{"Records":[' + b",".join([EMOJI] * 3) + b"]}")),
    "records of 15 MB of emoji, cut off": lambda: _filled(_gz(b'{"Records":[' + b",".join([EMOJI] * 3))),
    "a record of 999,000 numbers": lambda: _few(RECORD + b',"x":[' + b"1," * 990_000 + b"1]}"),
    "a record of 400,000 different numbers": lambda: _few(
        RECORD + b',"x":[' + b",".join(b"%d" % n for n in range(400_000)) + b"]}"
    ),
    "records of 300,000 arrays": lambda: _few(*[ARRAYS] * 5),
    "records of 300,000 arrays, odd file": lambda: _few(*[ARRAYS] * 5, before=TWICE),
    "records of 300,000 resources": lambda: _few(*[RESOURCES] * 5),
    "records of 300,000 resources, odd file": lambda: _few(*[RESOURCES] * 5, before=TWICE),
    "a record of 400,000 unknown fields": lambda: _few(
        RECORD + b"," + b",".join(b'"k%d":1' % n for n in range(400_000)) + b"}"
    ),
    "records of 900,000 brackets": lambda: _few(
        *[RECORD + b',"a":' + b"[" * 450_000 + b"]" * 450_000 + b"}"] * 5
    ),
    "brackets that do not end": lambda: _many(b"[", 47 * MB),
    "brackets that do not end, at the limit of values": lambda: _filled(_gz(b"[" * 1_999_000)),
    "long times": lambda: _many(b'{"eventTime":"2026-11-22T10:00:00.' + b"1" * 300_000 + b'Z"}', 40 * MB),
    "times that are deep arrays": lambda: _few(*[b'{"eventTime":' + b"[" * 900 + b"]" * 900 + b"}"] * 3500),
    "no JSON after 20 MB": lambda: _many(RECORD + b',"a":"' + b"x" * 99 + b'"}', 10 * MB, after=b"]"),
    "strings at the limit of values, no end": lambda: _filled(
        _gz(b'{"Records":[', b'"a",', 4 * MB - MB, b'"')
    ),
    "backslashes": lambda: _filled(_gz(b'{"Records":["', b"\\", 46 * MB)),
    "escapes": lambda: _filled(_gz(b'{"Records":["', b"\\n", 46 * MB)),
    "quotes of a string": lambda: _filled(_gz(b'{"Records":["', b'\\"', 3 * MB)),
    "spaces": lambda: _filled(_gz(b'{"Records":[', b" ", 46 * MB, b"]}")),
    "a digest of 300,000 arrays": lambda: _gz(b'{"x":[' + b"[]," * 299_000 + b"[]]}"),
    "a digest of 15 MB of emoji": lambda: _filled(_gz(EMOJI)),
}


def measure(name: str, *, fast: bool) -> dict[str, object]:
    """Unpack one object as a worker does, here and now."""
    import pyarrow as pa

    from cloudtrail_jobs import accelerators
    from cloudtrail_jobs.unpacking import unpacker

    content = OBJECTS[name]()
    kind = "digests" if "digest" in name else "events"
    now = pa.array([datetime.now(UTC)], pa.timestamp("us", tz="UTC"))
    batch = pa.RecordBatch.from_arrays(
        [pa.array(["s3://b/k.json.gz"]), now, pa.array([content], pa.binary())],
        names=["path", "modificationTime", "content"],
    )
    with mock.patch.object(
        accelerators, "installed", accelerators.installed if fast else accelerators.Accelerators
    ):
        list(unpacker(kind)([batch.slice(0, 0)]))
        before, began = _megabytes(), time.process_time()
        reasons: Counter[str] = Counter()
        for rows in unpacker(kind)([batch]):
            reasons.update(reason or "row" for reason in rows.column("reason").to_pylist())
        seconds = time.process_time() - began
    return {
        "bytes": len(content),
        "seconds": round(seconds, 2),
        "megabytes": _megabytes() - before,
        "rows": reasons,
    }


def _megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(names: list[str]) -> None:
    """Print the cost of each object."""
    for name in names or OBJECTS:
        for fast in (False, True):
            command = [sys.executable, "-m", "tests.benchmarks.hostile", "--one", name, str(int(fast))]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            shown = done.stdout.strip() or done.stderr.strip().splitlines()[-1]
            print(f"{name:45} {'fast' if fast else 'std ':5} {shown}", flush=True)  # noqa: T201  # the result


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2], fast=sys.argv[3] == "1")))  # noqa: T201  # the result
    else:
        main(sys.argv[1:])
