"""What to generate, and what a generated log file is."""

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

    `until` is the last moment of delivery, `days` how far back the first one lies. `files` counts every
    object, also the Insights files (which only the first account has, in the first region) and the damaged
    ones; `records` is the number of sound event records. `further_files` is how many files there are beside
    them of each kind that is read only when it is asked for.
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
        """Refuse what cannot be generated.

        Raises:
            ValueError: naming the value.
        """
        least = self.insight_files + (DAMAGED_FILES if self.damaged else 0) + 1
        if self.until.tzinfo is None:
            raise ValueError(f"until={self.until!r} has no time zone: give it one, best UTC")
        if self.files < least:
            raise ValueError(f"files={self.files} is too few: the other settings need at least {least}")
        if self.records < self.files:
            raise ValueError(
                f"records={self.records} is less than files={self.files}: every file has one at least"
            )

    def later(self, batch: int, *, until: datetime) -> "SampleSpec":
        """A small batch of newer logs, for showing an incremental run: the last six hours before `until`.

        `batch` counts from 1 and makes the keys and records different from those of every other batch.
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

    `records` is how many whole records it holds; `defect` is the reason code for a file that goes to the
    quarantine as a whole, with each of its records; `bad_records` has one reason code for each record that
    does by itself.
    `event_dates` and `event_names` count the sound records by UTC date of the event and by name.
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
        """How many of its records belong in the table."""
        return 0 if self.defect else self.records - len(self.bad_records)


def utc(text: str) -> datetime:
    """A moment from ISO 8601 text; a date alone is its last minute, and without a zone it is UTC.

    Raises:
        ValueError: when `text` is neither a date nor a time.
    """
    moment = datetime.fromisoformat(text)
    if len(text) == 10:
        moment += timedelta(hours=23, minutes=59)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
