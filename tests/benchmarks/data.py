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
    """The log files of one size, below `folder` as in a bucket."""

    folder: Path
    records: int
    files: int

    @property
    def path(self) -> str:
        """The logs path as the guide has it."""
        return f"{self.folder}/AWSLogs/{ACCOUNT}/CloudTrail/*/*"

    @property
    def gzipped(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.folder.rglob("*.json.gz"))


def make_logs(records: int, files: int, *, days: int = 30, seed: int = 1) -> Logs:
    """The logs; made when they are not there yet."""
    logs = Logs(FOLDER / f"{records}x{files}-{days}d-{seed}", records, files)
    if not logs.folder.exists():
        fresh = logs.folder.with_suffix(".part")
        shutil.rmtree(fresh, ignore_errors=True)
        parts = min(PARTS, files)
        work = [
            (fresh, _share(records, parts, n), _share(files, parts, n), days, seed * 100 + n)
            for n in range(parts)
        ]
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            pool.starmap(_write, work)
        fresh.rename(logs.folder)
    return logs


def _share(whole: int, parts: int, number: int) -> int:
    return whole // parts + (number < whole % parts)


def _write(folder: Path, records: int, files: int, days: int, seed: int) -> None:
    spec = SampleSpec(
        until=UNTIL,
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
