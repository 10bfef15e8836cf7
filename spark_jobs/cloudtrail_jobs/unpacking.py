"""Log files → rows, inside Spark's Python workers: what `mapInArrow` runs."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cloudtrail_jobs import accelerators
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.log_files import LogFile, Record, unpack

# One row per record, and one per file that is a defect as a whole. `file_row` is true on one row per file.
ROWS = (
    "log_file STRING, delivered_at TIMESTAMP, log_file_sha256 STRING, log_file_records INT, "
    "record_index INT, raw STRING, timestamp TIMESTAMP, reason STRING, detail STRING, "
    "misfits ARRAY<STRING>, unknown_fields ARRAY<STRING>, file_row BOOLEAN"
)
# A file of 50 MB becomes several Arrow batches, so that no worker holds its rows twice.
ROWS_PER_BATCH = 10_000
BYTES_PER_BATCH = 16 * 1024 * 1024

Unpacker = Callable[[Iterable[Any]], Iterator[Any]]
Row = tuple[Any, ...]


def unpacker(kind_name: str) -> Unpacker:
    """The function for `mapInArrow` over Spark's `binaryFile` columns; it gives rows as in `ROWS`."""

    def unpack_batches(batches: Iterable[Any]) -> Iterator[Any]:
        kind, using = KINDS[kind_name], accelerators.installed()
        for batch in batches:
            paths, times, contents = (batch.column(n) for n in ("path", "modificationTime", "content"))
            for number in range(batch.num_rows):
                log_file = unpack(contents[number].as_py(), kind=kind, using=using)
                for rows in split_rows(_rows(log_file)):
                    yield _to_arrow(paths[number].as_py(), times[number].value, log_file, rows)

    return unpack_batches


def _rows(log_file: LogFile) -> Iterator[Row]:
    """What differs between the rows of one file; the defect of a whole file comes first."""
    if (defect := log_file.defect) is not None:
        yield (None, None, None, defect.reason.value, defect.detail, None, None, True)
    for index, record in enumerate(log_file.records):
        yield _row(index, record, file_row=index == 0 and log_file.defect is None)


def _row(index: int, record: Record, *, file_row: bool) -> Row:
    return (
        index,
        record.text,
        record.micros,
        record.defect and record.defect.reason.value,
        record.defect and record.defect.detail,
        record.oddities.misfits or None,
        record.oddities.unknown or None,
        file_row,
    )


def split_rows(
    rows: Iterable[Row], most_rows: int = ROWS_PER_BATCH, most_bytes: int = BYTES_PER_BATCH
) -> Iterator[list[Row]]:
    """The rows in lists that are bounded in number and in the length of their text, one row at least."""
    gathered: list[Row] = []
    size = 0
    for row in rows:
        length = len(row[1] or b"")
        if gathered and (len(gathered) == most_rows or size + length > most_bytes):
            yield gathered
            gathered, size = [], 0
        gathered.append(row)
        size += length
    if gathered:
        yield gathered


def _to_arrow(path: str, delivered_micros: int, log_file: LogFile, rows: list[Row]) -> Any:
    import pyarrow as pa

    index, text, micros, reason, detail, misfits, unknown, file_row = zip(*rows, strict=True)
    instant, texts = pa.timestamp("us", tz="UTC"), pa.list_(pa.string())

    def same(value: Any, kind: Any) -> Any:
        return pa.repeat(pa.scalar(value, kind), len(rows))

    columns = {
        "log_file": same(path, pa.string()),
        "delivered_at": same(delivered_micros, instant),
        "log_file_sha256": same(log_file.sha256, pa.string()),
        "log_file_records": same(len(log_file.records), pa.int32()),
        "record_index": pa.array(index, pa.int32()),
        # The text is known to be UTF-8: it is neither decoded nor looked at once more.
        "raw": pa.array(text, pa.binary()).view(pa.string()),
        "timestamp": pa.array(micros, instant),
        "reason": pa.array(reason, pa.string()),
        "detail": pa.array(detail, pa.string()),
        "misfits": pa.array(misfits, texts),
        "unknown_fields": pa.array(unknown, texts),
        "file_row": pa.array(file_row, pa.bool_()),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
