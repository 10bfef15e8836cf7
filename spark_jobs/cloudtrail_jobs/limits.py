"""The most that the job accepts of one log file, so that no object stops the others.

A file beyond a limit is a row of the quarantine, `unreadable`, with its numbers. The other files of its batch
become rows. CloudTrail's own files are far below: an event has at most 1 MB (AWS, CloudTrail API,
`MaxEventSize`). Of the published log files that the tests read, none expands to more than 17 times its size,
and none of more than 1 KB has more than one value for 8 bytes. tests/benchmarks/hostile.py makes objects
that come as near to the limits as 1 MB can, and measures what each costs.
"""

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


def most_uncompressed(length: int) -> int:
    """Return the most bytes to which an object of this length may expand."""
    return min(MAX_FILE_BYTES, max(FREE_BYTES, length * MAX_RATIO))


def require_values(body: bytes) -> None:
    """Refuse a file of so many values that taking it apart would cost minutes, or the worker's memory.

    Raises:
        FileDefectError: unreadable.
    """
    most = max(FREE_VALUES, len(body) // BYTES_PER_VALUE)
    if (values := values_of(body, most)) > most:
        raise FileDefectError(
            Reason.UNREADABLE, f"the file's {len(body)} bytes have {values} values, more than {most}"
        )


def problem_of(text: bytes) -> str | None:
    """Return why a record is too large to be read, None if it is not."""
    if len(text) > MAX_RECORD_BYTES:
        return f"the record has {len(text)} bytes, more than {MAX_RECORD_BYTES}"
    if (values := values_of(text, MAX_VALUES_OF_RECORD)) > MAX_VALUES_OF_RECORD:
        return f"the record has {values} values, more than {MAX_VALUES_OF_RECORD}"
    return None


def values_of(text: bytes, most: int) -> int:
    """Return about how many values a JSON text has; 0 if it is too short to have more than `most`."""
    if len(text) <= most:
        return 0
    return text.count(b'"') // 2 + sum(text.count(mark) for mark in (b",", b"[", b"]", b"{", b"}"))


def too_many_records() -> FileDefectError:
    """Return the defect of a file with more records than MAX_RECORDS."""
    return FileDefectError(Reason.UNREADABLE, f"the file has more than {MAX_RECORDS} records")
