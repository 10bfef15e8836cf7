"""The hourly run: ten more files on top of histories of several lengths, and what grows with them."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders import CONTENDERS, checkpoint, clear, load
from tests.benchmarks.data import Logs, make_logs, write_files
from tests.benchmarks.delta_files import logged_rows
from tests.benchmarks.directory_listings import DirectoryListings
from tests.benchmarks.figures import figure, measured, ratio, summarize
from tests.benchmarks.measuring import MeasuringError, Run, measure, remove, require
from tests.benchmarks.session import Session

TITLE = "The hourly run"
NEW_FILES = 10
WHO = ("guide", "ours")
# For the building of the history alone, of everyone: few large tasks, or the guide's stream would write one
# Parquet file for nearly every log file. It is kind to the guide.
BUILDING = {
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
    "spark.sql.files.openCostInBytes": "1024",
    "spark.sql.files.maxPartitionBytes": "67108864",
}
MEASURES = {"seconds": "seconds", "cpu_seconds": "CPU", "listings": "listings"}


def run(session: Session, entry: dict[str, Any]) -> None:
    """Every history, then once a sweep of ours on the longest."""
    entry["notes"] = [
        f"Each run finds {NEW_FILES} new files of one record in today's folder. The same contender has "
        "read the history before. Rows are counted in Delta's log.",
        "Listings are directories opened below the logs path. On an object store each is at least one "
        "listing request. A sweep is the run that lists everything, once in seven days.",
    ]
    cases = []
    for history in session.sizes.histories:
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        folder = session.work / "hourly"
        remove(folder)
        session.say(f"logs: {history.files:,} files over {history.days} days")
        made = make_logs(history.files, history.files, days=history.days, until=now, folder=folder)
        for name in WHO:
            _build(session, entry, name, made, folder / name)
        state = _State(made, folder, session.sizes.rounds)
        contenders = {name: partial(state.hour, name) for name in WHO}
        case = session.rounds(
            entry,
            f"{NEW_FILES} more files on {history.files:,} ({history.days} days)",
            session.sizes.rounds,
            contenders,
        )
        entry["figures"][f"guide/ours time at {history.files}"] = ratio(case, "guide", "ours")
        cases.append(case)
        _growth(entry, cases[0], case)
    if session.sizes.sweep:
        _sweep(session, entry, state)
    for name in WHO:
        clear(folder / name)
    remove(folder)


def _sweep(session: Session, entry: dict[str, Any], state: "_State") -> None:
    sweep = session.rounds(
        entry,
        f"{NEW_FILES} more files on {session.sizes.histories[-1].files:,}, with a sweep",
        1,
        {"ours": state.sweep},
    )
    if found := measured(sweep, "ours", "seconds"):
        entry["figures"]["ours sweep seconds"] = figure(found)


def _build(session: Session, entry: dict[str, Any], name: str, logs: Logs, out: Path) -> None:
    """Read the history; who cannot is a note here, and failed runs after it, while the others go on."""
    try:
        built = load(name, logs, out, **BUILDING)
        session.say(f"history of {logs.files:,} files read by {name}: {built.seconds:.0f} s")
    except MeasuringError as error:
        session.say(f"history of {logs.files:,} files read by {name}: FAILED")
        entry["notes"].append(
            f"{name} could not read the history of {logs.files:,} files: {str(error)[-300:]}"
        )


def _growth(entry: dict[str, Any], first: dict[str, Any], last: dict[str, Any]) -> None:
    """Median on the longest history / median on the shortest."""
    if first is last:
        return
    for name in WHO:
        for measure_, word in MEASURES.items():
            short, long = (_values(case, name, measure_) for case in (first, last))
            if short and long and (base := summarize(short).median):
                entry["figures"][f"{name} growth {word}"] = round(summarize(long).median / base, 3)


def _values(case: dict[str, Any], name: str, measure_: str) -> list[float]:
    if measure_ != "listings":
        return measured(case, name, measure_)
    found = [one["facts"]["listings"] for one in case["runs"][name] if "error" not in one]
    return [] if None in found else found


class _State:
    """A history that grows: each hour's files come once, for whoever reads them first."""

    def __init__(self, logs: Logs, folder: Path, rounds: int) -> None:
        self._logs = logs
        self._folder = folder
        self._delivered = -1
        self._sweep = rounds

    def hour(self, name: str, number: int) -> Run:
        """Deliver the hour's files and run."""
        if number > self._delivered:
            now = datetime.now(UTC)
            # Those of a day that has just begun are delivered in it.
            write_files(self._logs.folder, NEW_FILES, NEW_FILES, 0, 9_000 + number, now)
            self._delivered = number
            # The file source passes over nothing by age, but files of one moment are one listing's.
            time.sleep(1)
        out = self._folder / name
        with DirectoryListings(self._logs.folder) as listings:
            done = measure(CONTENDERS[name], self._logs.path, out, folder=out.with_name(f"{name}_run"))
        expected = self._logs.records + NEW_FILES * (self._delivered + 1)
        rows = logged_rows(out)
        require(rows == expected, f"{name} has {rows} rows of {expected} records")
        return replace(done, facts={"listings": listings.count})

    def sweep(self, _: int) -> Run:
        """The same with a sweep that is due: what was listed when is forgotten."""
        remove(checkpoint(self._folder / "ours") / "listing")
        return self.hour("ours", self._sweep)
