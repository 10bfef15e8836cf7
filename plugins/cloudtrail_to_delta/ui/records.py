"""What runs left as XComs, read record by record: an odd one costs that record, never a page.

The database may hold records of every release that ever ran. A field that is missing has its default (an
earlier release). A field without a name here is ignored (a later release). A field of another type, or a
number beyond reason, makes its record unreadable: `read` catches whatever that raises, and the pages say so.
"""

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from cloudtrail_to_delta.alerts.notes import Note
from cloudtrail_to_delta.preflight.findings import STATUSES, Finding

log = logging.getLogger(__name__)
T = TypeVar("T")
# A page shows no more of one text.
TEXT_LIMIT = 2000
COUNT_LIMIT = 10**15
# A log file that is older than CloudTrail itself.
SECONDS_LIMIT = 100 * 366 * 86400


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `resolve` returned for one kind."""

    table: str = ""
    logs_path: str = ""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """A field without a column, or one whose value does not fit."""

    name: str
    problem: str
    records: int
    first_seen: datetime | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What `validate_rows` returned, as far as the pages show it; see `ValidateRowsOperator`."""

    table: str = ""
    row_count: int = 0
    quarantined: int = 0
    removed: int = 0
    run_rows: int = 0
    run_files: int = 0
    run_quarantined: int = 0
    run_removed: int = 0
    slowest_seconds: int | None = None
    newest_event: datetime | None = None
    regions: Mapping[str, datetime] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    accounts: Sequence[str] = ()
    drift: Sequence[Drift] = ()


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a record of the quarantine is; without an index it is the whole file."""

    log_file: str
    record_index: int | None
    detail: str


@dataclass(frozen=True, kw_only=True)
class Episode:
    """An insight, of a Start, an End, or both."""

    shared_event_id: str
    account: str
    region: str
    insight_type: str
    event_source: str
    event_name: str
    error_code: str
    started_at: datetime | None
    ended_at: datetime | None
    baseline: float | None
    peak: float | None


@dataclass(frozen=True, kw_only=True)
class Details:
    """The XCom `details` of a validation; see `cloudtrail_to_delta.outcome.describe_details`."""

    hours: Sequence[tuple[datetime, int, int]] = ()
    regions: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    examples: Mapping[str, Sequence[Place]] = field(default_factory=dict)
    episodes: Sequence[Episode] = ()


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The findings of one preflight; `odd` more could not be read."""

    found: Sequence[Finding] = ()
    odd: int = 0


def decode(stored: str | None) -> Any:
    """The JSON of an XCom, as the database has it in text.

    Raises:
        ValueError: it is no JSON, or a number in it has thousands of digits.
    """
    return None if stored is None else json.loads(stored)


def is_elsewhere(value: Any) -> bool:
    """Whether the value is a reference: an XCom backend keeps the value itself outside the database."""
    return isinstance(value, str)


def read(reader: Callable[[Any], T], value: Any, what: str) -> T | None:
    """What `reader` makes of a record; None, and a line in the log, when it cannot be read."""
    try:
        return reader(value)
    except Exception as error:  # noqa: BLE001 - whatever is odd about one record may not cost another
        log.warning("%s cannot be read: %s: %.200s", what, type(error).__name__, error)
        return None


def read_outcome(value: Any) -> Outcome:
    """The return value of `validate_rows`."""
    fields = Fields(value)
    known = Fields(value.get("known") or {})
    return Outcome(
        table=fields.text("table"),
        row_count=fields.count("row_count"),
        quarantined=fields.count("quarantined"),
        removed=fields.count("removed"),
        run_rows=fields.count("run_rows"),
        run_files=fields.count("run_files"),
        run_quarantined=fields.count("run_quarantined"),
        run_removed=fields.count("run_removed"),
        slowest_seconds=None if fields.is_null("slowest_seconds") else seconds(value["slowest_seconds"]),
        newest_event=known.moment("newest_event") or fields.moment("newest_event"),
        regions={text(name): at for name, at in known.moments("regions").items() if at},
        reasons={text(reason): count(number) for reason, number in fields.mapping("reasons").items()},
        accounts=tuple(text(one) for one in fields.items("run_accounts")),
        drift=tuple(_drift(Fields(one)) for one in fields.items("schema_drift")),
    )


def read_details(value: Any) -> Details:
    """The XCom `details` of a validation."""
    fields = Fields(value)
    hours = [(moment(at), count(files), count(rows)) for at, files, rows in fields.items("hours")]
    return Details(
        hours=tuple((at, files, rows) for at, files, rows in hours if at),
        regions={
            text(name): (count(files), count(rows))
            for name, (files, rows) in fields.mapping("regions").items()
        },
        examples={
            text(reason): tuple(_place(Fields(one)) for one in places)
            for reason, places in fields.mapping("examples").items()
        },
        episodes=tuple(_episode(Fields(one)) for one in fields.items("episodes")),
    )


def read_requests(value: Any) -> dict[str, Request]:
    """The return value of `resolve`: kind → request."""
    return {
        text(kind): Request(table=request.text("table"), logs_path=request.text("logs_path"))
        for kind, request in ((kind, Fields(one)) for kind, one in Fields(value).record.items())
    }


def read_skipped(value: Any) -> dict[str, str]:
    """The return value of `preflight`: kind → why it was skipped."""
    return {text(kind): text(why) for kind, why in Fields(value).mapping("skipped_kinds").items()}


def read_findings(value: Any) -> Findings:
    """The XCom `findings` of a preflight; one that is odd does not hide the others."""
    read_one = [read(_finding, one, "a finding") for one in as_list(value)]
    found = tuple(finding for finding in read_one if finding)
    return Findings(found=found, odd=len(read_one) - len(found))


def read_notes(value: Any) -> list[Note]:
    """The XCom `alerts`: what was sent, to whom, and how it went."""
    return [
        Note.from_dict({name: plain(one) for name, one in Fields(note).record.items()})
        for note in as_list(value)
    ]


def read_address(stored: str | None) -> str:
    """The address of a page; empty for what is none."""
    return read(lambda value: text(decode(value)), stored, "the address of a run") or ""


def read_names(value: Any) -> list[str]:
    """A list of names, such as the alert targets of a run."""
    return [text(one) for one in as_list(value)]


class Fields:
    """The fields of one record, each of its type.

    Raises:
        TypeError: the record is not a mapping.
    """

    def __init__(self, record: Any) -> None:
        if not isinstance(record, dict):
            raise TypeError(f"expected a mapping, got {type(record).__name__}")
        self.record: dict[str, Any] = record

    def is_null(self, name: str) -> bool:
        """Whether the field is missing or null."""
        return self.record.get(name) is None

    def text(self, name: str) -> str:
        """A text; empty when it is missing or null."""
        return "" if self.is_null(name) else text(self.record[name])

    def count(self, name: str) -> int:
        """A count; 0 when it is missing or null."""
        return 0 if self.is_null(name) else count(self.record[name])

    def rate(self, name: str) -> float | None:
        """A rate; None when it is missing or null."""
        return None if self.is_null(name) else rate(self.record[name])

    def moment(self, name: str) -> datetime | None:
        """A moment; None when it is missing or null."""
        return moment(self.record.get(name))

    def moments(self, name: str) -> dict[str, datetime | None]:
        """Name → moment."""
        return {key: moment(at) for key, at in self.mapping(name).items()}

    def mapping(self, name: str) -> dict[str, Any]:
        """A mapping; empty when it is missing or null."""
        return {} if self.is_null(name) else Fields(self.record[name]).record

    def items(self, name: str) -> list[Any]:
        """A list; empty when it is missing or null."""
        return [] if self.is_null(name) else as_list(self.record[name])


def as_list(value: Any) -> list[Any]:
    """A list.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {type(value).__name__}")
    return value


def text(value: Any) -> str:
    """A text that can be sent: JSON may hold half a surrogate pair, which no page can.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {type(value).__name__}")
    return value[:TEXT_LIMIT].encode("utf-8", "replace").decode()


def plain(value: Any) -> Any:
    """The value, with every text in it as `text` gives it."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    return text(value) if isinstance(value, str) else value


def count(value: Any) -> int:
    """A whole number from 0 up; SQL's answers have it as text.

    Raises:
        TypeError, ValueError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | str) or len(str(value)) > len(str(COUNT_LIMIT)):
        raise TypeError(f"expected a count, got {type(value).__name__}")
    if not 0 <= int(value) <= COUNT_LIMIT:
        raise ValueError("the count is beyond reason")
    return int(value)


def seconds(value: Any) -> int:
    """A duration in seconds.

    Raises:
        TypeError, ValueError: it is something else, or longer than a century.
    """
    if not count(value) <= SECONDS_LIMIT:
        raise ValueError("the duration is beyond reason")
    return count(value)


def rate(value: Any) -> float:
    """A finite number.

    Raises:
        TypeError, ValueError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= COUNT_LIMIT:
        raise TypeError("expected a number within reason")
    if not math.isfinite(value):
        raise ValueError("the number is not finite")
    return float(value)


def moment(value: Any) -> datetime | None:
    """A moment as runs record it, `2026-01-02T03:04:05Z`, in UTC; None for null and for what is none."""
    try:
        at = datetime.fromisoformat(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _drift(fields: Fields) -> Drift:
    return Drift(
        name=fields.text("field"),
        problem=fields.text("problem"),
        records=fields.count("records"),
        first_seen=fields.moment("first_seen"),
    )


def _place(fields: Fields) -> Place:
    return Place(
        log_file=fields.text("log_file"),
        record_index=None if fields.is_null("record_index") else fields.count("record_index"),
        detail=fields.text("detail"),
    )


def _episode(fields: Fields) -> Episode:
    names = (
        "shared_event_id",
        "account",
        "region",
        "insight_type",
        "event_source",
        "event_name",
        "error_code",
    )
    texts = {name: fields.text(name) for name in names}
    return Episode(
        **texts,
        started_at=fields.moment("started_at"),
        ended_at=fields.moment("ended_at"),
        baseline=fields.rate("baseline"),
        peak=fields.rate("peak"),
    )


def _finding(value: Any) -> Finding:
    fields = Fields(value)
    status = next(known for known in STATUSES if known == fields.text("status"))
    return Finding(
        check=fields.text("check"),
        subject=fields.text("subject"),
        status=status,
        detail=fields.text("detail"),
        remedy=fields.text("remedy"),
    )
