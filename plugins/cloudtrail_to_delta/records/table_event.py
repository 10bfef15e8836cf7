"""The asset event of a table: `report` adds it; later runs, the digest and other DAGs read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from cloudtrail_to_delta.records.fields import Fields, seconds
from cloudtrail_to_delta.records.outcome import Known, Outcome
from cloudtrail_to_delta.records.record import Record
from cloudtrail_to_delta.records.validated import Validated


@dataclass(frozen=True, kw_only=True)
class TableEvent(Record):
    """The counts of one run, and how fresh the table and its regions are after it.

    Attributes:
        rows: rows of the table. `new_rows`, `files`, `quarantined` and `removed` count what the run added.
        newest_event, newest_delivery, regions: those of the table, as far as runs know.
        lag_seconds: the time from delivery to table of the run's slowest log file.
        version: the version of the Delta table. None in events of other writers and of earlier releases.
        validated: how far the tables are validated. None in the same events.
        all_quarantined, all_removed, all_deleted: rows of the quarantine, the duplicates among them, and the
            rows that stand for deleted records.
        began_at: when the run's job began; see `preflight.idle`. None in events of earlier releases.
        asked: what the run was asked for, as a hash; see `preflight.idle`.
    """

    kind: str = ""
    rows: int = 0
    new_rows: int = 0
    files: int = 0
    quarantined: int = 0
    removed: int = 0
    newest_event: datetime | None = None
    newest_delivery: datetime | None = None
    regions: Mapping[str, datetime] = field(default_factory=dict)
    lag_seconds: int | None = None
    version: int | None = None
    validated: Validated | None = None
    all_quarantined: int = 0
    all_removed: int = 0
    all_deleted: int = 0
    began_at: datetime | None = None
    asked: str = ""

    @property
    def known(self) -> Known:
        """What the event says about the table."""
        return Known(
            newest_event=self.newest_event, newest_delivery=self.newest_delivery, regions=self.regions
        )

    @classmethod
    def of_outcome(cls, outcome: Outcome) -> Self:
        """Build the event of a validated run."""
        return cls(
            kind=outcome.kind,
            rows=outcome.row_count,
            new_rows=outcome.run_rows,
            files=outcome.run_files,
            quarantined=outcome.run_quarantined,
            removed=outcome.run_removed,
            newest_event=outcome.known.newest_event,
            newest_delivery=outcome.known.newest_delivery,
            regions=outcome.known.regions,
            lag_seconds=outcome.slowest_seconds,
            version=outcome.version,
            validated=outcome.validated,
            all_quarantined=outcome.quarantined,
            all_removed=outcome.removed,
            all_deleted=outcome.deleted,
            began_at=outcome.began_at,
            asked=outcome.asked,
        )

    def outcome(self, *, table: str, delta_path: str) -> Outcome:
        """Return what the run's validation found, as far as the event says it."""
        return replace(
            self._left(table, delta_path),
            run_rows=self.new_rows,
            run_files=self.files,
            run_quarantined=self.quarantined,
            run_removed=self.removed,
            slowest_seconds=self.lag_seconds,
            began_at=self.began_at,
            asked=self.asked,
        )

    def idle_outcome(self, *, table: str, delta_path: str, why: str) -> Outcome:
        """Return the outcome of a later run with nothing new: the tables are as this run has left them."""
        return replace(self._left(table, delta_path), remarks=(why,), idle=True)

    def _left(self, table: str, delta_path: str) -> Outcome:
        """Return the tables as the run has left them, without what it did itself."""
        return Outcome(
            kind=self.kind,
            table=table,
            delta_path=delta_path,
            version=self.version,
            row_count=self.rows,
            log_rows=self.rows,
            quarantined=self.all_quarantined,
            removed=self.all_removed,
            deleted=self.all_deleted,
            known=self.known,
            validated=self.validated,
        )

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the event from its `extra`."""
        known = Known.read_fields(given)
        return cls(
            kind=given.text("kind"),
            rows=given.count("rows"),
            new_rows=given.count("new_rows"),
            files=given.count("files"),
            quarantined=given.count("quarantined"),
            removed=given.count("removed"),
            newest_event=known.newest_event,
            newest_delivery=known.newest_delivery,
            regions=known.regions,
            lag_seconds=None if given.is_null("lag_seconds") else seconds(given.record["lag_seconds"]),
            version=None if given.is_null("version") else given.count("version"),
            validated=Validated.read_fields(Fields(given.mapping("validated"))),
            all_quarantined=given.count("all_quarantined"),
            all_removed=given.count("all_removed"),
            all_deleted=given.count("all_deleted"),
            began_at=given.moment("began_at"),
            asked=given.text("asked"),
        )
