"""The most that the job accepts of one log file, so that no object stops the others.

A file beyond a limit is a row of the quarantine, `unreadable`, with its numbers. The other files of its batch
become rows. CloudTrail's own files are far below: an event has at most 1 MB (AWS, CloudTrail API,
`MaxEventSize`). Of the published log files that the tests read, none expands to more than 17 times its size,
and none of more than 1 KB has more than one value for 8 bytes. tests/benchmarks/hostile.py makes objects
that come as near to the limits as 1 MB can, and measures what each costs.
"""

from typing import NamedTuple

from cloudtrail_jobs.quality import FileDefectError, Reason

# An object's length is compared before its content is read. The limit also holds for uncompressed bytes.
MAX_FILE_BYTES = 256 * 1024 * 1024
# Up to this size a file may be anything. A larger one may be so many times as large as its object.
FREE_BYTES = 32 * 1024 * 1024
MAX_RATIO = 50
# CloudTrail writes one gzip member. Joined files have one for each part.
MAX_MEMBERS = 1_000
MAX_RECORDS = 100_000
# A digest is one record: this is enough for 40,000 log files in an hour.
MAX_RECORD_BYTES = 16 * 1024 * 1024
# Strings, brackets and commas: each may become an object in memory.
MAX_VALUES_OF_RECORD = 1_000_000
FREE_VALUES = 2_000_000
BYTES_PER_VALUE = 7
# Elements of one array that are compared with the columns. Spark marks what does not fit in the others.
MAX_ELEMENTS = 10_000
# Times that are longer than this are not kept for the next record.
MAX_REMEMBERED_TIME = 40
# A text is counted in pieces, because counting copies it.
_PIECE = 2**20
_NOT_MARKS = bytes(set(range(256)) - set(b'",[]{}'))


class Marks(NamedTuple):
    """About how many values a JSON text has (strings, brackets and commas), and how many commas."""

    values: int = 0
    commas: int = 0


def most_uncompressed(length: int) -> int:
    """Return the most bytes to which an object of this length may expand."""
    return min(MAX_FILE_BYTES, max(FREE_BYTES, length * MAX_RATIO))


def require_values(body: bytes) -> Marks:
    """Refuse a file of so many values that taking it apart would cost minutes, or the worker's memory.

    Return the file's marks; none if the file is too short to have too many.

    Raises:
        FileDefectError: unreadable.
    """
    most = max(FREE_VALUES, len(body) // BYTES_PER_VALUE)
    if (marks := marks_of(body, most)).values > most:
        raise FileDefectError(
            Reason.UNREADABLE, f"the file's {len(body)} bytes have {marks.values} values, more than {most}"
        )
    return marks


def problem_of(text: bytes) -> str | None:
    """Return why a record is too large to be read, None if it is not."""
    if len(text) > MAX_RECORD_BYTES:
        return f"the record has {len(text)} bytes, more than {MAX_RECORD_BYTES}"
    if (values := marks_of(text, MAX_VALUES_OF_RECORD).values) > MAX_VALUES_OF_RECORD:
        return f"the record has {values} values, more than {MAX_VALUES_OF_RECORD}"
    return None


def marks_of(text: bytes, most: int) -> Marks:
    """Return the marks of a JSON text; none if it is too short to have more than `most` values."""
    if len(text) <= most:
        return Marks()
    marks = quotes = commas = 0
    for begin in range(0, len(text), _PIECE):
        # Leaving out all else is five times as fast as counting six characters in all of the text.
        found = text[begin : begin + _PIECE].translate(None, _NOT_MARKS)
        marks += len(found)
        quotes += found.count(b'"')
        commas += found.count(b",")
    return Marks(marks - quotes + quotes // 2, commas)


def too_many_records() -> FileDefectError:
    """Return the defect of a file with more records than MAX_RECORDS."""
    return FileDefectError(Reason.UNREADABLE, f"the file has more than {MAX_RECORDS} records")
