"""The XCom `details` of a validation, for the page of one table: places, never the content of records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from cloudtrail_to_delta.records.fields import Fields, as_list, count, moment, text
from cloudtrail_to_delta.records.record import Record

DETAILS_KEY = "details"
DETAIL_CHARACTERS = 300


@dataclass(frozen=True, kw_only=True)
class Place:
    """The place of a quarantined record. Without an index the whole file is quarantined."""

    log_file: str
    record_index: int | None = None
    detail: str = ""

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read a place."""
        return cls(
            log_file=given.text("log_file"),
            record_index=None if given.is_null("record_index") else given.count("record_index"),
            detail=given.text("detail"),
        )

    @classmethod
    def of_reason(cls, row: Mapping[str, Any], end: str) -> Self:
        """Return the `first` or the `last` place in a row of `balance.quarantine_reasons`."""
        given = Fields({name: row[f"{end}_{name}"] for name in ("log_file", "record_index", "detail")})
        place = cls.read_fields(given)
        return cls(
            log_file=place.log_file,
            record_index=place.record_index,
            detail=place.detail[:DETAIL_CHARACTERS],
        )


@dataclass(frozen=True, kw_only=True)
class Episode:
    """An insight, from its Start record, its End record, or both."""

    shared_event_id: str
    account: str = ""
    region: str = ""
    insight_type: str = ""
    event_source: str = ""
    event_name: str = ""
    error_code: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    baseline: float | None = None
    peak: float | None = None

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read a row of `balance.find_episodes`."""
        return cls(
            shared_event_id=given.text("shared_event_id"),
            account=given.text("account"),
            region=given.text("region"),
            insight_type=given.text("insight_type"),
            event_source=given.text("event_source"),
            event_name=given.text("event_name"),
            error_code=given.text("error_code"),
            started_at=given.moment("started_at"),
            ended_at=given.moment("ended_at"),
            baseline=given.rate("baseline"),
            peak=given.rate("peak"),
        )


@dataclass(frozen=True, kw_only=True)
class Details(Record):
    """The origin of the run's records, and the places of quarantined examples.

    Attributes:
        hours: hour of delivery, log files, rows, oldest first.
        regions: region → log files, rows.
        examples: reason → places.
        episodes: the insights that the run read.
    """

    hours: Sequence[tuple[datetime, int, int]] = ()
    regions: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    examples: Mapping[str, Sequence[Place]] = field(default_factory=dict)
    episodes: Sequence[Episode] = ()

    @classmethod
    def of_answers(
        cls,
        *,
        reasons: Sequence[Mapping[str, Any]],
        deliveries: Sequence[Mapping[str, Any]],
        episodes: Sequence[Mapping[str, Any]],
    ) -> Self:
        """Build the details from the rows of `quarantine_reasons`, `describe_files` and `find_episodes`."""
        hours = ((moment(row["hour"]), row) for row in deliveries)
        return cls(
            hours=tuple(sorted((at, count(row["files"]), count(row["kept"])) for at, row in hours if at)),
            regions={
                row["region"]: (count(row["files"]), count(row["kept"]))
                for row in deliveries
                if row["region"]
            },
            # The first and the last place of a reason, or one place if they are equal.
            examples={
                row["reason"]: tuple(dict.fromkeys(Place.of_reason(row, end) for end in ("first", "last")))
                for row in reasons
            },
            episodes=tuple(Episode.read_fields(Fields(row)) for row in episodes),
        )

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the details."""
        hours = [(moment(at), count(files), count(rows)) for at, files, rows in given.items("hours")]
        return cls(
            hours=tuple((at, files, rows) for at, files, rows in hours if at),
            regions={
                text(name): (count(files), count(rows))
                for name, (files, rows) in given.mapping("regions").items()
            },
            examples={
                text(reason): tuple(Place.read_fields(Fields(one)) for one in as_list(places))
                for reason, places in given.mapping("examples").items()
            },
            episodes=tuple(Episode.read_fields(Fields(one)) for one in given.items("episodes")),
        )
