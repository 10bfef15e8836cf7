"""Why the job quarantines a log file or a record: the stable codes of the `reason` column.

Only a record that cannot be a row gets a reason. A JSON object with a usable time stays in the table, however
odd its fields are. A deleted record leaves a row with a reason, too.
"""

from dataclasses import dataclass
from enum import Enum


class Reason(str, Enum):
    """The codes. `not_json` is the reason of a file, or of a record if only that record is not JSON."""

    # Reasons of whole files.
    TRUNCATED_GZIP = "truncated_gzip"
    CORRUPT_GZIP = "corrupt_gzip"
    EMPTY_FILE = "empty_file"
    MISSING_FILE = "missing_file"
    NOT_JSON = "not_json"
    NO_RECORDS_ARRAY = "no_records_array"
    EMPTY_RECORDS = "empty_records"
    UNREADABLE = "unreadable"
    # Reasons of records. A record from before the damage to its file has the file's reason.
    NOT_AN_OBJECT = "not_an_object"
    NO_EVENT_TIME = "no_event_time"
    BAD_EVENT_TIME = "bad_event_time"
    DUPLICATE = "duplicate"
    # Reasons of the rows that stay in place of records which `deletion` has deleted.
    EXPIRED = "expired"
    ERASED = "erased"


# The text that begins the `detail` of a deleted record, and of a defect whose text was deleted.
DELETION = '{"deletion":'
TOMBSTONES = (Reason.EXPIRED.value, Reason.ERASED.value)


@dataclass(frozen=True)
class Defect:
    """A reason, and its explanation in words."""

    reason: Reason
    detail: str


class FileDefectError(Exception):
    """The defect of a log file. `log_files.unpack` catches it and makes a quarantine row of it.

    `partial` is the content that was uncompressed before the damage.
    """

    def __init__(self, reason: Reason, detail: str, partial: bytes = b"") -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.defect = Defect(reason, detail)
        self.partial = partial


def printable(text: str, length: int) -> str:
    r"""Return the start of `text` as valid UTF-8: half of a surrogate pair becomes `\ud83d`."""
    return text[:length].encode("utf-8", "backslashreplace").decode()[:length]


def excerpt(text: str, length: int = 80) -> str:
    """Return the start of `text`, quoted, for a message."""
    return repr(text[:length]) + ("…" if len(text) > length else "")
