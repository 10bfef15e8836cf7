"""Identify the micro-batches of a run by the marks of their commits, not by a clock.

The job marks every commit of table and quarantine with the stream and the number of its batch, the
`ingested_at` of its rows, and the DAG run that had asked for it (`--run`). So a run's rows are those whose
`ingested_at` its commits name, however close to it others have run and whenever one looks.
Source: docs/adr/0082-batches-of-a-run.md.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

# The runs of an earlier release are identified by time: driver and control plane have their own clocks.
CLOCK_MARGIN = timedelta(minutes=5)
# When the micro-batches of a run were read: from and to, in microseconds since 1970, both included.
Times = list[tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A commit's mark: whose it is, and the `ingested_at` and `batch_id` of its rows.

    `ingested_at` is in microseconds since 1970. An earlier release's mark has no `run` (it is empty) and no
    `batch_id` (None).
    """

    stream: str
    batch: int
    ingested_at: int
    run: str = ""
    batch_id: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        """The batch, which has a commit in the table and may have one in the quarantine."""
        return self.stream, self.batch

    @classmethod
    def parse(cls, text: Any) -> Self | None:
        """Read a commit's `userMetadata`; None when it is not the job's."""
        try:
            found = json.loads(text)
            return cls(
                stream=str(found["stream"]),
                batch=int(found["batch"]),
                ingested_at=_micros(datetime.fromisoformat(found["ingested_at"])),
                run=str(found.get("run") or ""),
                batch_id=None if found.get("batch_id") is None else int(found["batch_id"]),
            )
        except Exception:  # noqa: BLE001 - anybody may write anything there
            return None


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a run has written.

    Attributes:
        times: when its batches were read.
        newest: when the newest batch of a run that still writes was read. It is not among the `times`: it
            may be between its two commits.
        begun: the first and the last `batch_id` of each stream that the run has begun. A stream that took the
            place of a lost checkpoint numbers its batches as that one did.
    """

    times: Times = field(default_factory=list)
    newest: Times = field(default_factory=list)
    begun: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Marks:
    """The marks in the logs of a table and its quarantine.

    Attributes:
        last: stream → its newest batch in the table at the version that is read.
        complete: whether the logs go back to before the run; commits are kept for 30 days.
    """

    table: Sequence[Mark]
    quarantine: Sequence[Mark]
    last: Mapping[str, int] = field(default_factory=dict)
    complete: bool = True

    def of_run(self, run: str, *, unfinished: bool = False) -> Written:
        """The batches of a DAG run.

        Args:
            run: the DAG run, as the job was given it.
            unfinished: whether the run still writes.
        """
        return self._written([mark for mark in self._there() if mark.run == run], unfinished=unfinished)

    def between(self, begin_ms: int, end_ms: int, *, unfinished: bool = False) -> Written:
        """The same of a run of an earlier release: what no run has marked, from its start to its end."""
        first, last = _window(begin_ms, end_ms)
        if not self.complete:
            return Written(times=[(first, last)])
        ours = [mark for mark in self._there() if not mark.run and first <= mark.ingested_at <= last]
        return self._written(ours, unfinished=unfinished)

    def _there(self) -> Iterable[Mark]:
        """The commits of batches that the table has as it is read: a batch is written there first."""
        return (
            mark
            for mark in (*self.table, *self.quarantine)
            if mark.batch <= self.last.get(mark.stream, mark.batch)
        )

    def _written(self, ours: Sequence[Mark], *, unfinished: bool) -> Written:
        """What these commits, and the others of their batches, have written."""
        last = max((mark.ingested_at for mark in self.table), default=0) if unfinished else None
        newest = {mark.key for mark in self.table if mark.ingested_at == last} & {mark.key for mark in ours}
        keys = {mark.key for mark in ours} - newest
        begun: dict[str, set[int]] = {}
        for mark in ours:
            if mark.batch_id is not None and (mark.stream, 0) in keys:
                begun.setdefault(mark.stream, set()).add(mark.batch_id)
        return Written(
            times=self._times(keys),
            newest=self._times(newest),
            begun=[(min(ids), max(ids)) for ids in begun.values()],
        )

    def _times(self, keys: set[tuple[str, int]]) -> Times:
        """When these batches were read: both halves of one that was killed between its commits."""
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


def _micros(moment: datetime) -> int:
    return (moment - datetime.fromisoformat("1970-01-01T00:00:00+00:00")) // timedelta(microseconds=1)
