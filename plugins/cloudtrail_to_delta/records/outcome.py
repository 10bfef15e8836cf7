"""The return value of `validate_rows`: the table's counts, what the run added, and how fresh the table is.

This module merges what this run and earlier runs know about the table. So a run without new log files still
reports how fresh the table is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from cloudtrail_to_delta.records.fields import Fields, count, seconds, text
from cloudtrail_to_delta.records.record import Record
from cloudtrail_to_delta.records.validated import Validated


@dataclass(frozen=True, kw_only=True)
class Known:
    """What runs know about a table: its newest event and delivery, and the newest delivery of each region."""

    newest_event: datetime | None = None
    newest_delivery: datetime | None = None
    regions: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read a record. The delivery of a region also counts as one of the table."""
        regions = given.moments("regions")
        moments = [at for at in (given.moment("newest_delivery"), *regions.values()) if at]
        return cls(
            newest_event=given.moment("newest_event"),
            newest_delivery=max(moments, default=None),
            regions=dict(sorted(regions.items())),
        )

    @classmethod
    def of_row(cls, row: Mapping[str, object]) -> Self:
        """Read a result row that has some of `region`, `newest_event` and `newest_delivery`."""
        regions = {"regions": {row["region"]: row["newest_delivery"]}} if row.get("region") else {}
        return cls.read_fields(Fields({**row, **regions}))


def merge_known(parts: Iterable[Known]) -> Known:
    """Merge the parts. The latest of each time wins, so their order does not matter."""
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
    """A field without a column, or a value that does not fit its column. `example` is content of the logs."""

    field: str
    problem: str
    records: int
    first_seen: datetime | None = None
    example: str = ""

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read a row of `balance.find_drift`."""
        return cls(
            field=given.text("field"),
            problem=given.text("problem"),
            records=given.count("records"),
            first_seen=given.moment("first_seen"),
            example=given.text("example"),
        )


@dataclass(frozen=True, kw_only=True)
class Insight:
    """An insight with a new Start. `found` counts all of them, including those that are not listed."""

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
        """Read a row of `balance.find_new_insights`."""
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
    """The result of the validation of one kind.

    Attributes:
        version: the version of the Delta table at which everything was counted.
        row_count: rows of the table by SQL. `log_rows` is the same count by the Delta log.
        quarantined: rows of the quarantine, of which `removed` are duplicates and `deleted` stand for
            records that were deleted on purpose.
        run_files, run_records, run_rows, run_removed: counts of this run's batches.
        run_quarantined: quarantined rows of this run that are not duplicates: records, and files that are
            damaged as a whole.
        run_accounts: the accounts whose log files the run read, sorted.
        reasons: reason → rows that this run quarantined.
        newest_event, newest_delivery: the newest ones of this run.
        newest_file: when the newest log file of the last days in the table was delivered, by any run. If
            there is none, this run's.
        slowest_seconds: the time from delivery to table of the slowest log file.
        odd_fields: how many fields drift. `schema_drift` lists the most frequent ones.
        new_insights: the insights with a new Start.
        known: what this run and earlier runs know about the table.
        job_version: the version of the job that wrote the run's newest batch; empty without a batch.
        accelerators: the accelerators that this job found, such as `isal 1.9.1`.
        missing_accelerators: those that it did not find, so that it took many times as long.
        pending: whether a continuous stream has not yet finished a batch.
        balanced: always true, because otherwise the task fails.
        validated: how far the tables are validated after this run.
        remarks: what a person should know about this validation, in sentences: what it accepted, and why it
            started over.
        began_at: when the run's job began. `asked`: what it was asked for. See `preflight.idle`.
        databricks_seconds: how long the Databricks run took; None while it is running.
        idle: whether nothing was new, so that nothing was started: all counts are those of the last run.
    """

    kind: str = ""
    table: str = ""
    delta_path: str = ""
    version: int | None = None
    row_count: int = 0
    log_rows: int = 0
    quarantined: int = 0
    removed: int = 0
    deleted: int = 0
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
    job_version: str = ""
    accelerators: Sequence[str] = ()
    missing_accelerators: Sequence[str] = ()
    pending: bool = False
    balanced: bool = True
    validated: Validated | None = None
    remarks: Sequence[str] = ()
    began_at: datetime | None = None
    asked: str = ""
    databricks_seconds: int | None = None
    idle: bool = False

    @property
    def latest_event(self) -> datetime | None:
        """The table's newest event, as far as runs know."""
        return self.known.newest_event or self.newest_event

    @property
    def latest_delivery(self) -> datetime | None:
        """When the table's newest log file was delivered, by this or an earlier run. None if unknown."""
        moments = (self.newest_file, self.newest_delivery, self.known.newest_delivery)
        return max((at for at in moments if at), default=None)

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the outcome."""
        return cls(
            kind=given.text("kind"),
            table=given.text("table"),
            delta_path=given.text("delta_path"),
            version=None if given.is_null("version") else given.count("version"),
            row_count=given.count("row_count"),
            log_rows=given.count("log_rows"),
            quarantined=given.count("quarantined"),
            removed=given.count("removed"),
            deleted=given.count("deleted"),
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
            slowest_seconds=_seconds_or_none(given, "slowest_seconds"),
            odd_fields=given.count("odd_fields"),
            schema_drift=tuple(Drift.read_fields(Fields(one)) for one in given.items("schema_drift")),
            new_insights=tuple(Insight.read_fields(Fields(one)) for one in given.items("new_insights")),
            known=Known.read_fields(Fields(given.mapping("known"))),
            job_version=given.text("job_version"),
            accelerators=given.texts("accelerators"),
            missing_accelerators=given.texts("missing_accelerators"),
            pending=given.flag("pending"),
            balanced=given.is_null("balanced") or given.flag("balanced"),
            validated=Validated.read_fields(Fields(given.mapping("validated"))),
            remarks=given.texts("remarks"),
            began_at=given.moment("began_at"),
            asked=given.text("asked"),
            databricks_seconds=_seconds_or_none(given, "databricks_seconds"),
            idle=given.flag("idle"),
        )


def _seconds_or_none(given: Fields, name: str) -> int | None:
    return None if given.is_null(name) else seconds(given.record[name])


def describe_missing(accelerators: Sequence[str]) -> str:
    """Return the warning about a run without these accelerators, and what to do."""
    return (
        f"the job ran without {' and '.join(accelerators)}, so unpacking took many times as long. Set "
        "accelerators to package_index, and let the compute reach a Python package index"
    )


def read_outcomes(values: Iterable[object]) -> list[Outcome]:
    """Read what the validations of a run returned. A skipped one returned nothing.

    Raises:
        UnreadableRecordError: a value is not an outcome; the error is about the first one.
    """
    return [Outcome.from_dict(value) for value in values if value]
