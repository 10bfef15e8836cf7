"""Log files → rows, inside Spark's Python workers: what `mapInArrow` runs."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cloudtrail_jobs import accelerators
from cloudtrail_jobs.log_files import LogFile, unpack

# One row per record, or one per file that is a defect as a whole.
ROWS = (
    "log_file STRING, delivered_at TIMESTAMP, log_file_sha256 STRING, log_file_records INT, "
    "record_index INT, raw STRING, timestamp TIMESTAMP, reason STRING, detail STRING"
)
# A file of 50 MB becomes several Arrow batches, so that no worker holds its rows twice.
ROWS_PER_BATCH = 10_000

Unpacker = Callable[[Iterable[Any]], Iterator[Any]]


def unpacker(time_field: str) -> Unpacker:
    """The function for `mapInArrow` over Spark's `binaryFile` columns; it gives rows as in `ROWS`."""

    def unpack_batches(batches: Iterable[Any]) -> Iterator[Any]:
        using = accelerators.installed()
        for batch in batches:
            paths, times, contents = (batch.column(n) for n in ("path", "modificationTime", "content"))
            for number in range(batch.num_rows):
                log_file = unpack(contents[number].as_py(), time_field=time_field, using=using)
                yield from _to_arrow(paths[number].as_py(), times[number].value, log_file)

    return unpack_batches


def _to_arrow(path: str, delivered_micros: int, log_file: LogFile) -> Iterator[Any]:
    if log_file.defect is not None:
        defect = log_file.defect
        yield _batch(
            path, delivered_micros, log_file, 0, [(None, None, None, defect.reason.value, defect.detail)]
        )
    for start in range(0, len(log_file.records), ROWS_PER_BATCH):
        rows = [
            (
                start + offset,
                record.raw,
                record.micros,
                record.defect and record.defect.reason.value,
                record.defect and record.defect.detail,
            )
            for offset, record in enumerate(log_file.records[start : start + ROWS_PER_BATCH])
        ]
        yield _batch(path, delivered_micros, log_file, len(log_file.records), rows)


def _batch(path: str, delivered_micros: int, log_file: LogFile, records: int, rows: list[Any]) -> Any:
    import pyarrow as pa

    count = len(rows)
    index, raw, micros, reason, detail = zip(*rows, strict=True)
    instant = pa.timestamp("us", tz="UTC")
    columns = {
        "log_file": pa.array([path] * count, pa.string()),
        "delivered_at": pa.array([delivered_micros] * count, instant),
        "log_file_sha256": pa.array([log_file.sha256] * count, pa.string()),
        "log_file_records": pa.array([records] * count, pa.int32()),
        "record_index": pa.array(index, pa.int32()),
        "raw": pa.array(raw, pa.string()),
        "timestamp": pa.array(micros, instant),
        "reason": pa.array(reason, pa.string()),
        "detail": pa.array(detail, pa.string()),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
