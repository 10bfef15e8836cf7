"""Generated log files on disk: the sandbox's sample logs, as many as asked for, made once.

Seeded: the same numbers give the same bytes. Files hold from 1 to about 20,000 records, most of them few; no
two records are alike.
"""

import multiprocessing
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.sample_logs.files import generate
from sandbox.sample_logs.spec import SampleSpec
from sandbox.spark import ROOT

FOLDER = ROOT / ".cache" / "bench"
ACCOUNT = "111122223333"
UNTIL = datetime(2026, 6, 30, 23, 0, tzinfo=UTC)
PARTS = 4


@dataclass(frozen=True)
class Logs:
    """Log files below `folder`, as in a bucket; `address` is where programs read them, when not there."""

    folder: Path
    records: int
    files: int
    address: str = ""

    @property
    def path(self) -> str:
        """The logs path as the guide has it."""
        return f"{self.address or self.folder}/AWSLogs/{ACCOUNT}/CloudTrail/*/*"

    @property
    def gzipped(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.folder.rglob("*.json.gz"))

    @property
    def largest(self) -> Path:
        """The largest file."""
        return max(self.folder.rglob("*.json.gz"), key=lambda file: file.stat().st_size)


def make_logs(
    records: int, files: int, *, days: int = 30, seed: int = 1, until: datetime = UNTIL, folder: Path = FOLDER
) -> Logs:
    """The logs of the `days` before `until`; made when they are not there yet."""
    name = f"{records}x{files}-{days}d-{seed}" + ("" if until == UNTIL else f"-{until:%Y%m%dT%H%M}")
    logs = Logs(folder / name, records, files)
    if not logs.folder.exists():
        fresh = logs.folder.with_suffix(".part")
        shutil.rmtree(fresh, ignore_errors=True)
        parts = min(PARTS, files)
        work = [
            (fresh, _share(records, parts, n), _share(files, parts, n), days, seed * 100 + n, until)
            for n in range(parts)
        ]
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            pool.starmap(write_files, work)
        fresh.rename(logs.folder)
    return logs


def write_files(folder: Path, records: int, files: int, days: int, seed: int, until: datetime) -> None:
    """Generate files into a folder, beside what it holds."""
    spec = SampleSpec(
        until=until,
        seed=seed,
        days=days,
        files=files,
        records=records,
        insight_files=0,
        damaged=False,
        accounts=(ACCOUNT,),
    )
    for file in generate(spec):
        path = folder / file.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.body)


def _share(whole: int, parts: int, number: int) -> int:
    return whole // parts + (number < whole % parts)
