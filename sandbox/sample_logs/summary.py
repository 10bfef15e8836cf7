"""The counts that the tables must hold after an ingest of every generated file."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.sample_logs.spec import Kind, LogFile


@dataclass
class Counts:
    """The counts of one kind, account and region: rows by date and name, quarantine rows by reason."""

    files: int = 0
    bytes: int = 0
    rows: int = 0
    by_date: Counter[str] = field(default_factory=Counter)
    by_name: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)

    def add(self, file: LogFile) -> None:
        """Add the counts of `file`; a damaged file is one row in the quarantine, plus one for each record."""
        self.files += 1
        self.bytes += len(file.body)
        self.rows += file.rows
        self.by_date.update({day.isoformat(): count for day, count in file.event_dates.items()})
        self.by_name.update(file.event_names)
        self.quarantined.update(file.bad_records)
        if file.defect:
            self.quarantined[file.defect] += 1 + file.records

    def __iadd__(self, other: "Counts") -> "Counts":
        """Add the counts of `other`."""
        self.files += other.files
        self.bytes += other.bytes
        self.rows += other.rows
        self.by_date.update(other.by_date)
        self.by_name.update(other.by_name)
        self.quarantined.update(other.quarantined)
        return self


class SampleSummary:
    """The counts for every kind, account and region, to compare tables with; `+` adds a further batch."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Kind, str, str], Counts] = {}

    def add(self, file: LogFile) -> None:
        """Add the counts of `file`."""
        self._counts.setdefault((file.kind, file.account, file.region), Counts()).add(file)

    def counts(
        self, kind: Kind | None = None, account: str | None = None, region: str | None = None
    ) -> Counts:
        """Return the counts of a kind, account and region; None stands for all."""
        total = Counts()
        for key, counts in self._counts.items():
            if all(wanted in (None, has) for wanted, has in zip((kind, account, region), key, strict=True)):
                total += counts
        return total

    @property
    def places(self) -> list[tuple[Kind, str, str]]:
        """Return every kind, account and region that has files."""
        return sorted(self._counts)

    def __add__(self, other: "SampleSummary") -> "SampleSummary":
        """Return the sum of both."""
        total = SampleSummary()
        for one in (self, other):
            for key, counts in one._counts.items():
                total._counts.setdefault(key, Counts()).__iadd__(counts)
        return total

    def to_json(self) -> str:
        """Return the counts as JSON text for another process; `from_json` reads it."""
        listed = [
            {"kind": kind, "account": account, "region": region, **vars(counts)}
            for (kind, account, region), counts in sorted(self._counts.items())
        ]
        return json.dumps(listed, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "SampleSummary":
        """Read a summary that `to_json` wrote."""
        summary = cls()
        for entry in json.loads(text):
            place = (entry.pop("kind"), entry.pop("account"), entry.pop("region"))
            summary._counts[place] = _counts(entry)
        return summary

    def __str__(self) -> str:
        """Return a few lines of text."""
        lines = []
        for kind in dict.fromkeys(("events", "insights", *(kind for kind, _, _ in self._counts))):
            counts = self.counts(kind)
            bad = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.quarantined.items()))
            lines.append(
                f"{kind}: {counts.files} files, {counts.bytes / 1e6:.1f} MB, {counts.rows} records"
                + (f"; for the quarantine: {bad}" if bad else "")
            )
        return "\n".join(lines)


def summarize(files: Iterable[LogFile]) -> SampleSummary:
    """Return the summary of `files`."""
    summary = SampleSummary()
    for file in files:
        summary.add(file)
    return summary


def _counts(entry: dict[str, Any]) -> Counts:
    return Counts(
        files=entry["files"],
        bytes=entry["bytes"],
        rows=entry["rows"],
        by_date=Counter(entry["by_date"]),
        by_name=Counter(entry["by_name"]),
        quarantined=Counter(entry["quarantined"]),
    )
