"""What `validate_rows` returns: the table as it is, what the run added, and what is known of the table.

What the table is known to hold, from this run and from those before it, is merged here, so that a run that
found nothing new still says how fresh the table is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from cloudtrail_to_delta.records.fields import Fields, count, seconds, text
from cloudtrail_to_delta.records.record import Record


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a table: its newest event and delivery, and each region's newest delivery."""

    newest_event: datetime | None = None
    newest_delivery: datetime | None = None
    regions: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """What a record says; a region's delivery is one of the table's."""
        regions = given.moments("regions")
        moments = [at for at in (given.moment("newest_delivery"), *regions.values()) if at]
        return cls(
            newest_event=given.moment("newest_event"),
            newest_delivery=max(moments, default=None),
            regions=dict(sorted(regions.items())),
        )

    @classmethod
    def of_row(cls, row: Mapping[str, object]) -> Self:
        """What a row of an answer says that has some of `region`, `newest_event` and `newest_delivery`."""
        regions = {"regions": {row["region"]: row["newest_delivery"]}} if row.get("region") else {}
        return cls.read_fields(Fields({**row, **regions}))


def merge_known(parts: Iterable[Known]) -> Known:
    """What is known by any of these: of each moment the latest, so that their order says nothing."""
    events: list[datetime] = []
    deliveries: list[datetime] = []
    regions: dict[str, datetime] = {}
    for part in parts:
        events += [part.newest_event] if part.newest_event else []
        deliveries += [part.newest_delivery] if part.newest_delivery else []
        for region, at in part.regions.items():
            regions[region] = max(regions.get(region, at), at)
    return Known(
        newest_event=max(events, default=None),
        newest_delivery=max(deliveries, default=None),
        regions=dict(sorted(regions.items())),
    )


@dataclass(frozen=True, kw_only=True)
class Drift:
    """A field without a column, or one whose value does not fit; `example` is content of the logs."""

    field: str
    problem: str
    records: int
    first_seen: datetime | None = None
    example: str = ""

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """A row of `balance.find_drift`."""
        return cls(
            field=given.text("field"),
            problem=given.text("problem"),
            records=given.count("records"),
            first_seen=given.moment("first_seen"),
            example=given.text("example"),
        )


@dataclass(frozen=True, kw_only=True)
class Insight:
    """An insight whose Start is new; `found` is how many there are, named or not."""

    shared_event_id: str
    account: str = ""
    region: str = ""
    insight_type: str = ""
    event_source: str = ""
    event_name: str = ""
    error_code: str = ""
    started_at: datetime | None = None
    rate: float | None = None
    baseline: float | None = None
    found: int = 0

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """A row of `balance.find_new_insights`."""
        return cls(
            shared_event_id=given.text("shared_event_id"),
            account=given.text("account"),
            region=given.text("region"),
            insight_type=given.text("insight_type"),
            event_source=given.text("event_source"),
            event_name=given.text("event_name"),
            error_code=given.text("error_code"),
            started_at=given.moment("started_at"),
            rate=given.rate("rate"),
            baseline=given.rate("baseline"),
            found=given.count("found"),
        )


@dataclass(frozen=True, kw_only=True)
class Outcome(Record):
    """What the validation of one kind found.

    Attributes:
        version: the Delta table's, at which everything was counted.
        row_count: rows of the table by SQL; log_rows the same by the Delta log.
        quarantined: rows of the quarantine, `removed` of them duplicates.
        run_files, run_records, run_rows, run_removed: of the batches of this run.
        run_quarantined: rows of the quarantine that are not duplicates: records, and files that are damaged
            as a whole.
        run_accounts: whose log files they were, sorted.
        reasons: reason → rows that this run put into the quarantine.
        newest_event, newest_delivery: of this run.
        newest_file: when the table's newest log file of the last days was delivered, of whichever run; this
            run's when there is none.
        slowest_seconds: the slowest file's way from its delivery to the table.
        odd_fields: how many fields drift; `schema_drift` names the most frequent ones.
        new_insights: those whose Start is new.
        known: what the table holds by this run and those before it.
        pending: whether a continuous stream has not finished a batch yet.
        balanced: always true: otherwise the task fails.
    """

    kind: str = ""
    table: str = ""
    delta_path: str = ""
    version: int | None = None
    row_count: int = 0
    log_rows: int = 0
    quarantined: int = 0
    removed: int = 0
    run_files: int = 0
    run_records: int = 0
    run_rows: int = 0
    run_quarantined: int = 0
    run_removed: int = 0
    run_accounts: Sequence[str] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    newest_event: datetime | None = None
    newest_delivery: datetime | None = None
    newest_file: datetime | None = None
    slowest_seconds: int | None = None
    odd_fields: int = 0
    schema_drift: Sequence[Drift] = ()
    new_insights: Sequence[Insight] = ()
    known: Known = field(default_factory=Known)
    pending: bool = False
    balanced: bool = True

    @property
    def latest_event(self) -> datetime | None:
        """The table's newest event, as far as anybody knows."""
        return self.known.newest_event or self.newest_event

    @property
    def latest_delivery(self) -> datetime | None:
        """When the table's newest log file was delivered, of this run or an earlier one; None if unknown."""
        moments = (self.newest_file, self.newest_delivery, self.known.newest_delivery)
        return max((at for at in moments if at), default=None)

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """The outcome by its fields."""
        return cls(
            kind=given.text("kind"),
            table=given.text("table"),
            delta_path=given.text("delta_path"),
            version=None if given.is_null("version") else given.count("version"),
            row_count=given.count("row_count"),
            log_rows=given.count("log_rows"),
            quarantined=given.count("quarantined"),
            removed=given.count("removed"),
            run_files=given.count("run_files"),
            run_records=given.count("run_records"),
            run_rows=given.count("run_rows"),
            run_quarantined=given.count("run_quarantined"),
            run_removed=given.count("run_removed"),
            run_accounts=given.texts("run_accounts"),
            reasons={text(reason): count(n) for reason, n in given.mapping("reasons").items()},
            newest_event=given.moment("newest_event"),
            newest_delivery=given.moment("newest_delivery"),
            newest_file=given.moment("newest_file"),
            slowest_seconds=(
                None if given.is_null("slowest_seconds") else seconds(given.record["slowest_seconds"])
            ),
            odd_fields=given.count("odd_fields"),
            schema_drift=tuple(Drift.read_fields(Fields(one)) for one in given.items("schema_drift")),
            new_insights=tuple(Insight.read_fields(Fields(one)) for one in given.items("new_insights")),
            known=Known.read_fields(Fields(given.mapping("known"))),
            pending=given.flag("pending"),
            balanced=given.is_null("balanced") or given.flag("balanced"),
        )


def read_outcomes(values: Iterable[object]) -> list[Outcome]:
    """What the validations of a run returned; one that was skipped returned nothing.

    Raises:
        UnreadableRecordError: for the first that is no outcome.
    """
    return [Outcome.from_dict(value) for value in values if value]
