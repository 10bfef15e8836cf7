"""Why a log file or a record is set aside: the stable codes of the quarantine's `reason` column.

A reason is about what can be kept as a row, not about taste: a record that is a JSON object with a usable
time stays in the table, however odd its fields are.
"""

from dataclasses import dataclass
from enum import Enum


class Reason(str, Enum):
    """The codes. `not_json` is a file's reason, or a record's when only that record is no JSON."""

    # Of a whole file.
    TRUNCATED_GZIP = "truncated_gzip"
    CORRUPT_GZIP = "corrupt_gzip"
    EMPTY_FILE = "empty_file"
    NOT_JSON = "not_json"
    NO_RECORDS_ARRAY = "no_records_array"
    EMPTY_RECORDS = "empty_records"
    UNREADABLE = "unreadable"
    # Of one record. A record from before the damage to its file has the file's reason.
    NOT_AN_OBJECT = "not_an_object"
    NO_EVENT_TIME = "no_event_time"
    BAD_EVENT_TIME = "bad_event_time"
    DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Defect:
    """One reason, and the same in words for a person."""

    reason: Reason
    detail: str


class FileDefectError(Exception):
    """Raised while a file is taken apart, and turned into a quarantine row by `log_files.unpack`.

    `partial` is what was uncompressed before the damage.
    """

    def __init__(self, reason: Reason, detail: str, partial: bytes = b"") -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.defect = Defect(reason, detail)
        self.partial = partial


def excerpt(text: str, length: int = 80) -> str:
    """The start of `text`, quoted and bounded, for a message."""
    return repr(text[:length]) + ("…" if len(text) > length else "")
