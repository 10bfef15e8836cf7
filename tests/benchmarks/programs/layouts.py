"""Layouts of tables, for docs/adr/0040-table-layout.md: `python -m tests.benchmarks.programs.layouts FOLDER`.

A big day: how many files a search for one identity reads, compacted and in Z-order. A small lake: what daily
compactions write, and the files that they leave, with a partition for each day and without. The rows are made
and `deltalake` writes them, so the figures compare layouts with each other only.
"""

import json
import random
import sys
import time
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from hashlib import md5
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

ROWS, USERS, ROLES = 200_000, 2_000, 100
# Files as small in proportion to their day as those of 1 GB are to a day of 20 GB.
PARTS = 20
DAYS, ROWS_A_DAY = 60, 2_000
FIRST = date(2026, 6, 1)
# Delta keeps this many characters of a text's smallest and largest value.
# Source: Delta Lake, `spark.databricks.io.skipping.stringPrefixLength`.
KEPT = 32
SEARCHED = ("accessKeyId", "principalId", "userName", "arn", "issuerArn", "issuerName", "sourceIPAddress")
PROPERTIES = {"delta.dataSkippingStatsColumns": ",".join(("date", *SEARCHED))}
GIGABYTE = 1 << 30


def main() -> None:
    """Print both comparisons as JSON."""
    folder = Path(sys.argv[1])
    found = {"big day": big_day(folder), "small lake": small_lake(folder)}
    sys.stdout.write(f"{json.dumps(found, indent=1)}\n")


def made(day: int, rows: int) -> pa.Table:
    """Return that many rows of a day, in the order of their time. Few users make most calls."""
    chosen = random.Random(day)  # noqa: S311 - the same rows in each run
    users = [int(USERS * chosen.random() ** 3) for _ in range(rows)]
    return pa.table(
        {
            "date": pa.array([FIRST + timedelta(day)] * rows, pa.date32()),
            **{name: [identity(name, user, chosen.randrange(4)) for user in users] for name in SEARCHED},
            "raw": [f"{uuid.uuid4()}{uuid.uuid4()}{uuid.uuid4()}" for _ in users],
        }
    )


def identity(name: str, user: int, session: int) -> str:
    """Return what identifies a user's session in a column."""
    role = user % ROLES

    def code(prefix: str, *of: int) -> str:
        return prefix + md5(repr(of).encode(), usedforsecurity=False).hexdigest()[:16].upper()

    return {
        "accessKeyId": code("ASIA", user, session),
        "principalId": f"{code('AROA', role)}:user-{user}",
        "userName": f"user-{user}",
        "arn": f"arn:aws:sts::111122223333:assumed-role/role-{role}/user-{user}",
        "issuerArn": f"arn:aws:iam::111122223333:role/role-{role}",
        "issuerName": f"role-{role}",
        "sourceIPAddress": f"10.{user % 7}.{user % 201}.{user % 211}",
    }[name]


def big_day(folder: Path) -> dict[str, Any]:
    """Compact one day by size and in Z-order; return seconds, files, and how many files a search reads."""
    rows, found = made(0, ROWS), {}
    orders = {
        "compacted": (),
        "Z-order by key": ("accessKeyId",),
        "Z-order by principal": ("principalId",),
        "Z-order by key and principal": ("accessKeyId", "principalId"),
    }
    for name, order in orders.items():
        path = str(folder / name.replace(" ", "_"))
        for number in range(2 * PARTS):
            part = rows.slice(number * ROWS // (2 * PARTS), ROWS // (2 * PARTS))
            write_deltalake(path, part, mode="append", partition_by=["date"], configuration=PROPERTIES)
        size = sum(one["size_bytes"] for one in files_of(path)) // PARTS
        first, again = (timed(partial(optimized, path, order, size)) for _ in range(2))
        found[name] = {"first": first, "again": again, "files": len(files_of(path)), **files_read(path, rows)}
    return found


def optimized(path: str, order: tuple[str, ...], size: int) -> Any:
    """Compact a table, in Z-order if an order is given."""
    optimize = DeltaTable(path).optimize
    return optimize.z_order(list(order), target_size=size) if order else optimize.compact(target_size=size)


def timed(what: Callable[[], Any]) -> dict[str, Any]:
    """Run a compaction; return its seconds, and the files and megabytes that it took away and wrote."""
    began = time.monotonic()
    metrics = what()
    added = metrics["filesAdded"]
    size = json.loads(added)["totalSize"] if isinstance(added, str) else added["totalSize"]
    return {
        "seconds": round(time.monotonic() - began, 2),
        "removed": metrics["numFilesRemoved"],
        "added": metrics["numFilesAdded"],
        "MB": round(size / 1e6, 1),
    }


def files_of(path: str) -> list[dict[str, Any]]:
    """Return the data files of a table with their statistics."""
    return pa.table(DeltaTable(path).get_add_actions(flatten=True)).to_pylist()


def files_read(path: str, rows: pa.Table) -> dict[str, float]:
    """Return how many files a search for one value reads: the mean of 20 values of each column."""
    chosen, files, means = random.Random(7), files_of(path), {}  # noqa: S311 - the same values in each run
    for column in SEARCHED:
        values = sorted(set(rows[column].to_pylist()))
        some = chosen.sample(values, min(20, len(values)))
        read = [
            sum(one[f"min.{column}"][:KEPT] <= value[:KEPT] <= one[f"max.{column}"][:KEPT] for one in files)
            for value in some
        ]
        means[column] = round(sum(read) / len(read), 1)
    return means


def small_lake(folder: Path) -> dict[str, Any]:
    """Append and compact day by day in each layout; return what was written, files, and seconds to ask."""
    found = {}
    for name, partitions in {"a partition for each day": ["date"], "no partitions": None}.items():
        path, written = str(folder / name.replace(" ", "_")), 0.0
        for day in range(DAYS):
            rows = made(day, ROWS_A_DAY)
            for number in range(3):
                part = rows.slice(number * ROWS_A_DAY // 3, ROWS_A_DAY // 3)
                write_deltalake(path, part, mode="append", partition_by=partitions, configuration=PROPERTIES)
            recent = [("date", ">=", str(FIRST + timedelta(day - 3)))] if partitions else None
            compact = DeltaTable(path).optimize.compact
            written += timed(partial(compact, recent, target_size=GIGABYTE))["MB"]
        files = files_of(path)
        found[name] = {
            "MB written by compactions": round(written, 1),
            "files": len(files),
            "MB": round(sum(one["size_bytes"] for one in files) / 1e6, 1),
            "seconds for one day": seconds_of(partial(ask, path, FIRST + timedelta(10))),
            "seconds for all days": seconds_of(partial(ask, path, None)),
        }
    return found


def ask(path: str, day: date | None) -> None:
    """Read a long column of a day, or of all days."""
    import pyarrow.compute as pc

    where = None if day is None else pc.field("date") == pa.scalar(day, pa.date32())
    DeltaTable(path).to_pyarrow_dataset().to_table(columns=["raw"], filter=where)


def seconds_of(what: Callable[[], object]) -> float:
    """Return how long something takes."""
    began = time.monotonic()
    what()
    return round(time.monotonic() - began, 3)


if __name__ == "__main__":
    main()
