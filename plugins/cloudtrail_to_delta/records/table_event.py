"""The asset event of a table: added by `report`, read by later runs, the digest and other people's DAGs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from cloudtrail_to_delta.records.fields import Fields, seconds
from cloudtrail_to_delta.records.outcome import Known, Outcome
from cloudtrail_to_delta.records.record import Record


@dataclass(frozen=True, kw_only=True)
class TableEvent(Record):
    """One run's counts, and how fresh table and regions are after it.

    Attributes:
        rows: of the table; `new_rows`, `files`, `quarantined` and `removed` are of the run.
        newest_event, newest_delivery, regions: of the table, as far as anybody knows.
        lag_seconds: the run's slowest file's way from its delivery to the table.
        version: the Delta table's; None of an event that is not ours, or an earlier release's.
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

    @property
    def known(self) -> Known:
        """What it says of the table."""
        return Known(
            newest_event=self.newest_event, newest_delivery=self.newest_delivery, regions=self.regions
        )

    @classmethod
    def of_outcome(cls, outcome: Outcome) -> Self:
        """The event of a validated run."""
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
        )

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """The event by its `extra`."""
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
        )
