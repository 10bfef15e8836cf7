"""The specification of sample logs, and a generated log file."""

import gzip
import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

Kind = Literal["events", "insights", "network_activity", "aggregated"]

ACCOUNTS = ("111122223333", "444455556666", "777788889999")
REGIONS = ("us-east-1", "eu-west-1")
DAMAGED_FILES = 5


@dataclass(frozen=True)
class SampleSpec:
    """The sample logs to generate; the same values give the same bytes.

    `until` is the last moment of delivery, and the first one lies `days` before it. `files` is the number of
    objects, including the Insights files (of the first account and region only) and the damaged ones.
    `records` is the number of valid event records. `further_files` is the number of additional files for each
    kind that is ingested on request only.
    """

    until: datetime
    seed: int = 7
    days: int = 5
    files: int = 400
    records: int = 20_000
    insight_files: int = 12
    damaged: bool = True
    further_files: int = 0
    accounts: tuple[str, ...] = ACCOUNTS
    regions: tuple[str, ...] = REGIONS

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: if the logs cannot be generated; the message has the value.
        """
        least = self.insight_files + (DAMAGED_FILES if self.damaged else 0) + 1
        if self.until.tzinfo is None:
            raise ValueError(f"until={self.until!r} has no time zone: add one, preferably UTC")
        if self.files < least:
            raise ValueError(f"files={self.files} is too few: the other settings need at least {least}")
        if self.records < self.files:
            raise ValueError(
                f"records={self.records} is less than files={self.files}: every file has at least one"
            )

    def later(self, batch: int, *, until: datetime) -> "SampleSpec":
        """Return a small batch of newer logs for an incremental run, from the last 6 hours before `until`.

        `batch` counts from 1. Each batch has different keys and records.
        """
        return replace(
            self,
            until=until,
            seed=self.seed + 1000 * batch,
            days=0,
            files=24,
            records=600,
            insight_files=2,
            further_files=0,
            damaged=False,
        )

    @property
    def start(self) -> datetime:
        """The first moment of delivery."""
        return self.until - (timedelta(days=self.days) if self.days else timedelta(hours=6))


@dataclass(frozen=True)
class LogFile:
    """One object in the bucket.

    `records` is the number of whole records in it. `defect` is the reason code of a file that goes to the
    quarantine as a whole, with each of its records. `bad_records` has a reason code for each single record
    that goes there. `event_dates` and `event_names` count the valid records by UTC date and by name.
    """

    key: str
    body: bytes
    records: int
    defect: str | None
    kind: Kind
    account: str
    region: str
    #: UTC, to the minute.
    delivered: datetime
    bad_records: tuple[str, ...] = ()
    #: The body that was delivered, if it was damaged after that.
    original: bytes | None = None
    event_dates: Counter[date] = field(default_factory=Counter)
    event_names: Counter[str] = field(default_factory=Counter)

    @property
    def delivered_sha256(self) -> str:
        """SHA-256 of the uncompressed bytes that were delivered, hexadecimal."""
        return hashlib.sha256(gzip.decompress(self.original or self.body)).hexdigest()

    @property
    def rows(self) -> int:
        """The number of its records that belong in the table."""
        return 0 if self.defect else self.records - len(self.bad_records)


def utc(text: str) -> datetime:
    """Parse ISO 8601 text; a date alone means its last minute, and the default zone is UTC.

    Raises:
        ValueError: if `text` is neither a date nor a time.
    """
    moment = datetime.fromisoformat(text)
    if len(text) == 10:
        moment += timedelta(hours=23, minutes=59)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
