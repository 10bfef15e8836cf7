"""Identify the micro-batches of a run by the marks of their commits, not by a clock.

The job marks every commit of table and quarantine with the stream and the number of its batch, the
`ingested_at` of its rows, and the DAG run that requested it (`--run`). A run's rows are those with an
`ingested_at` that its commits name. This is exact even if other runs were close, and at any later time.
Source: docs/adr/0013-completeness.md.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

# Runs of an earlier release are identified by time. Driver and control plane have different clocks.
CLOCK_MARGIN = timedelta(minutes=5)
# When the micro-batches of a run were read: first and last moment, in microseconds since 1970, inclusive.
Times = list[tuple[int, int]]
# A version of the table and one of the quarantine.
Versions = tuple[int | None, int | None]


@dataclass(frozen=True, kw_only=True)
class Build:
    """What wrote a batch: the version of the job, and the accelerators that its driver found or missed.

    Without an accelerator, the job unpacks with the standard library, which takes many times as long. Source:
    docs/adr/0030-wheel.md.
    """

    version: str = ""
    accelerators: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @classmethod
    def parse(cls, found: Mapping[str, Any]) -> Self:
        """Read it from a commit's mark; a mark of an earlier release does not have it."""
        versions = {str(name): version for name, version in (found.get("accelerators") or {}).items()}
        return cls(
            version=str(found.get("version") or ""),
            accelerators=tuple(f"{name} {version}" for name, version in versions.items() if version),
            missing=tuple(name for name, version in versions.items() if not version),
        )


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A commit's mark: its stream, batch and run, and the `ingested_at` and `batch_id` of its rows.

    `ingested_at` is in microseconds since 1970. A mark of an earlier release has an empty `run` and no
    `batch_id` (None). `version` is the commit's; it is not part of the mark.
    """

    stream: str
    batch: int
    ingested_at: int
    run: str = ""
    batch_id: int | None = None
    build: Build = Build()
    version: int = field(default=-1, compare=False)

    @property
    def key(self) -> tuple[str, int]:
        """The batch. It has a commit in the table and may have one in the quarantine."""
        return self.stream, self.batch

    @classmethod
    def parse(cls, text: Any) -> Self | None:
        """Parse a commit's `userMetadata`; return None if the job did not write it."""
        try:
            found = json.loads(text)
            return cls(
                stream=str(found["stream"]),
                batch=int(found["batch"]),
                ingested_at=micros_of(datetime.fromisoformat(found["ingested_at"])),
                run=str(found.get("run") or ""),
                batch_id=None if found.get("batch_id") is None else int(found["batch_id"]),
                build=Build.parse(found),
            )
        except Exception:  # noqa: BLE001 - anybody may write anything there
            return None


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a run has written.

    Attributes:
        times: when its batches were read.
        newest: when the newest batch of a run that still writes was read. It is not in `times`, because it
            may be between its two commits.
        begun: the first and the last `batch_id` of each stream that the run has begun. A stream that replaced
            a lost checkpoint uses the same batch numbers as the lost one.
        build: what wrote the newest batch.
        unread: the lowest versions of table and quarantine whose batch is in neither `times` nor `newest`,
            because the table did not have it at the version that is read; None if there is none.
        unfinished: the same for the batch in `newest`.
    """

    times: Times = field(default_factory=list)
    newest: Times = field(default_factory=list)
    begun: list[tuple[int, int]] = field(default_factory=list)
    build: Build = Build()
    unread: Versions = (None, None)
    unfinished: Versions = (None, None)


@dataclass(frozen=True, kw_only=True)
class Marks:
    """The marks in the logs of a table and its quarantine.

    Attributes:
        last: stream → its newest batch in the table, at the version that is read.
        complete: whether the logs go back to before the run. Commits are kept for 30 days.
    """

    table: Sequence[Mark]
    quarantine: Sequence[Mark]
    last: Mapping[str, int] = field(default_factory=dict)
    complete: bool = True

    def of_run(self, run: str, *, unfinished: bool = False) -> Written:
        """Return the batches of a DAG run.

        Args:
            run: the DAG run, as passed to the job.
            unfinished: whether the run still writes.
        """
        return self._written([mark for mark in self._there() if mark.run == run], unfinished=unfinished)

    def since(self, table: int, quarantine: int, run: str, *, unfinished: bool = False) -> Written:
        """Return the batches of any run that were written after these versions, and those of a DAG run.

        The newest batch of another run may still be between its two commits, like that of an unfinished run.
        """
        newer = {mark.key for mark in self.table if mark.version > table}
        newer |= {mark.key for mark in self.quarantine if mark.version > quarantine}
        ours = [mark for mark in self._there() if mark.key in newer or (run and mark.run == run)]
        newest = max(self.table, key=lambda mark: mark.ingested_at, default=None)
        others = newest is not None and bool(run) and newest.run != run
        return self._written(ours, unfinished=unfinished or others)

    def between(self, begin_ms: int, end_ms: int, *, unfinished: bool = False) -> Written:
        """Return the batches of an earlier release's run: those without a run, from its start to its end."""
        first, last = _window(begin_ms, end_ms)
        if not self.complete:
            return Written(times=[(first, last)])
        ours = [mark for mark in self._there() if not mark.run and first <= mark.ingested_at <= last]
        return self._written(ours, unfinished=unfinished)

    def _there(self) -> Iterable[Mark]:
        """Yield the commits of batches in this version of the table, to which each batch is written first."""
        return (
            mark
            for mark in (*self.table, *self.quarantine)
            if mark.batch <= self.last.get(mark.stream, mark.batch)
        )

    def _written(self, ours: Sequence[Mark], *, unfinished: bool) -> Written:
        """Return what these commits, and the other commits of their batches, have written."""
        last = max((mark.ingested_at for mark in self.table), default=0) if unfinished else None
        newest = {mark.key for mark in self.table if mark.ingested_at == last} & {mark.key for mark in ours}
        keys = {mark.key for mark in ours} - newest
        there = {mark.key for mark in self._there()}
        begun: dict[str, set[int]] = {}
        for mark in ours:
            if mark.batch_id is not None and (mark.stream, 0) in keys:
                begun.setdefault(mark.stream, set()).add(mark.batch_id)
        return Written(
            times=self._times(keys),
            newest=self._times(newest),
            begun=[(min(ids), max(ids)) for ids in begun.values()],
            build=max(ours, key=lambda mark: mark.ingested_at).build if ours else Build(),
            unread=self._first(lambda mark: mark.key not in there),
            unfinished=self._first(lambda mark: mark.key in newest),
        )

    def _first(self, wanted: Callable[[Mark], bool]) -> Versions:
        """Return the lowest version of table and quarantine with such a mark."""
        return (
            min((mark.version for mark in self.table if wanted(mark)), default=None),
            min((mark.version for mark in self.quarantine if wanted(mark)), default=None),
        )

    def _times(self, keys: set[tuple[str, int]]) -> Times:
        """Return when these batches were read, with both parts of a batch killed between its commits."""
        times: Times = []
        joined = False
        for mark in sorted((*self.table, *self.quarantine), key=lambda mark: mark.ingested_at):
            ours = mark.key in keys
            if ours and joined:
                times[-1] = (times[-1][0], mark.ingested_at)
            elif ours:
                times.append((mark.ingested_at, mark.ingested_at))
            joined = ours
        return times


def _window(begin_ms: int, end_ms: int) -> tuple[int, int]:
    margin = CLOCK_MARGIN // timedelta(microseconds=1)
    return begin_ms * 1000 - margin, end_ms * 1000 + margin


def moment_of(micros: int) -> datetime:
    """Return the moment, in UTC."""
    return datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(microseconds=micros)


def micros_of(moment: datetime) -> int:
    """Return the microseconds since 1970."""
    return (moment - datetime.fromisoformat("1970-01-01T00:00:00+00:00")) // timedelta(microseconds=1)
