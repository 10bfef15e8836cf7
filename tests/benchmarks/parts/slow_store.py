"""Tiny files in a store that answers late: the sandbox's S3 with a delay on every request, through S3A."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.spark import properties
from tests.benchmarks.contenders import CONTENDERS, clear, load
from tests.benchmarks.data import Logs, make_logs, write_files
from tests.benchmarks.delta_files import live
from tests.benchmarks.figures import measured, ratio, summarize
from tests.benchmarks.measuring import Run, measure, remove, require
from tests.benchmarks.session import Session
from tests.fixtures.aws import Aws, endpoint_of, start, stop

TITLE = "Small files over a slow store"
DELAY_MS = 30
BUCKET = "bench-logs"
NEW_FILES = 10
WHO = ("guide", "ours")


def run(session: Session, entry: dict[str, Any]) -> None:
    """The first load without and with the delay, then ten files more with it."""
    files = session.sizes.slow_files
    logs = make_logs(files, files)
    folder = session.work / "slow_store"
    remove(folder)
    entry["notes"] = [
        f"{files:,} log files of one record each are in the sandbox's S3 (moto, one process on the same "
        "cores) and are read through S3A with its defaults. Tables and checkpoints are on the local disk, "
        "so every request is for log files. The last column counts the requests by S3 operation.",
    ]
    with _aws(folder) as aws:
        aws.client("s3").create_bucket(Bucket=BUCKET)
        _upload(aws, logs.folder)
        store = _Store(aws, replace(logs, address=f"s3://{BUCKET}"), folder)
        found = {}
        for delay in (0, DELAY_MS):
            store.delay(delay)
            case = session.rounds(
                entry,
                f"{files:,} files, {delay} ms on each request",
                session.sizes.slow_rounds,
                {name: partial(store.load, name) for name in WHO},
            )
            entry["figures"][f"guide/ours time at {delay} ms"] = ratio(case, "guide", "ours")
            for name in WHO:
                if seconds := measured(case, name, "seconds"):
                    found[name, delay] = summarize(seconds).median
        entry["figures"]["guide/ours time"] = entry["figures"][f"guide/ours time at {DELAY_MS} ms"]
        for name in WHO:
            if len([key for key in found if key[0] == name]) == 2:
                added = found[name, DELAY_MS] - found[name, 0]
                entry["figures"][f"{name}: seconds that the delay adds"] = round(added, 1)
        _upload_hour(aws, folder / "hour")
        hour = session.rounds(
            entry,
            f"{NEW_FILES} more files on {files:,}, {DELAY_MS} ms on each request",
            1,
            {name: partial(store.hour, name) for name in WHO},
        )
        for name in WHO:
            for one in hour["runs"][name]:
                if "error" not in one:
                    listings = one["facts"].get("ListObjectsV2", 0)
                    entry["figures"][f"{name}: LIST requests of an hourly run"] = listings
    remove(folder)


class _Store:
    def __init__(self, aws: Aws, logs: Logs, folder: Path) -> None:
        self._aws = aws
        self._logs = logs
        self._folder = folder
        shared = properties(aws_endpoint=aws.endpoint)
        self._s3 = {key: value for key, value in shared.items() if key.startswith("spark.hadoop.fs.")}

    def delay(self, milliseconds: int) -> None:
        """From now on every S3 request waits so long."""
        if milliseconds:
            self._aws.fault(service="s3", delay_ms=milliseconds)

    def load(self, name: str, _: int) -> Run:
        """Read everything into a new table."""
        self._aws.forget_requests()
        done = load(name, self._logs, self._folder / name, **self._s3)
        return replace(done, facts=self._requests())

    def hour(self, name: str, _: int) -> Run:
        """Read what has come into the bucket since."""
        out = self._folder / name
        self._aws.forget_requests()
        folder = out.with_name(f"{name}_run")
        done = measure(CONTENDERS[name], self._logs.path, out, folder=folder, settings=self._s3)
        facts = self._requests()
        rows, expected = live(out).rows, self._logs.records + NEW_FILES
        clear(out)
        require(rows == expected, f"{name} has {rows} rows of {expected} records")
        return replace(done, facts=facts)

    def _requests(self) -> dict[str, int]:
        return dict(Counter(request["action"] for request in self._aws.requests()))


@contextmanager
def _aws(folder: Path) -> Iterator[Aws]:
    folder.mkdir(parents=True, exist_ok=True)
    process: subprocess.Popen[str] = start(folder)
    try:
        yield Aws(endpoint_of(process, folder))
    finally:
        stop(process)


def _upload(aws: Aws, folder: Path) -> None:
    s3 = aws.client("s3")

    def put(file: Path) -> None:
        s3.put_object(Bucket=BUCKET, Key=str(file.relative_to(folder)), Body=file.read_bytes())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, folder.rglob("*.json.gz")))


def _upload_hour(aws: Aws, folder: Path) -> None:
    write_files(folder, NEW_FILES, NEW_FILES, 0, 9_000, datetime.now(UTC))
    _upload(aws, folder)
