"""Log files → rows: the function that `mapInArrow` runs in Spark's Python workers."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

from cloudtrail_jobs import accelerators, release
from cloudtrail_jobs.accelerators import Accelerators
from cloudtrail_jobs.kinds import KINDS, Kind
from cloudtrail_jobs.limits import MAX_RECORDS
from cloudtrail_jobs.log_files import LogFile, unpack
from cloudtrail_jobs.quality import Defect, Reason, excerpt
from cloudtrail_jobs.record_fields import NONE

# One row per record, and one per file that is a defect as a whole. `file_row` is true on one row per file.
ROWS = (
    "log_file STRING, delivered_at TIMESTAMP, log_file_sha256 STRING, log_file_records INT, "
    "record_index INT, raw STRING, timestamp TIMESTAMP, reason STRING, detail STRING, "
    "misfits ARRAY<STRING>, unknown_fields ARRAY<STRING>, file_row BOOLEAN"
)
# A file of 50 MB becomes several Arrow batches, so that no worker holds all of its rows twice.
ROWS_PER_BATCH = 10_000
BYTES_PER_BATCH = 16 * 1024 * 1024

Unpacker = Callable[[Iterable[Any]], Iterator[Any]]


def unpacker(kind_name: str) -> Unpacker:
    """Return the function for `mapInArrow` over Spark's `binaryFile` columns; its rows are `ROWS`."""
    of_driver = release.VERSION

    def unpack_batches(batches: Iterable[Any]) -> Iterator[Any]:
        release.require_in_worker(of_driver)
        kind, using = KINDS[kind_name], accelerators.installed()
        for batch in batches:
            paths, times, contents = (batch.column(n) for n in ("path", "modificationTime", "content"))
            for number in range(batch.num_rows):
                log_file = unpack_safely(contents[number].as_py(), kind=kind, using=using)
                path, delivered = paths[number].as_py(), times[number].value
                if log_file.defect is not None:
                    yield _defect_row(path, delivered, log_file, log_file.defect)
                for begin, end in pieces(list(map(len, log_file.texts))):
                    yield _record_rows(path, delivered, log_file, begin, end)

    return unpack_batches


def unpack_safely(content: bytes, *, kind: Kind, using: Accelerators) -> LogFile:
    """Unpack a log file; if that fails in a way that nobody foresaw, the file has a defect that names it.

    An object that no run can get past would stop the ingest of all others, for ever.
    """
    try:
        return unpack(content, kind=kind, using=using)
    except Exception as error:  # noqa: BLE001  # also MemoryError: the other files are not at fault
        detail = f"the job failed on its {len(content)} bytes: {type(error).__name__}: {excerpt(str(error))}"
        return LogFile(None, defect=Defect(Reason.UNREADABLE, detail))


def pieces(
    lengths: Sequence[int], most_rows: int = ROWS_PER_BATCH, most_bytes: int = BYTES_PER_BATCH
) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each piece of records, whose texts have these lengths.

    A piece has at most so many rows and bytes, but at least one record.
    """
    sizes, begin = list(accumulate(lengths, initial=0)), 0
    while begin < len(lengths):
        last = min(begin + most_rows, len(lengths))
        fits = bisect_right(sizes, sizes[begin] + most_bytes, begin + 1, last + 1) - 1
        end = max(fits, begin + 1)
        yield begin, end
        begin = end


def _defect_row(path: str, delivered_micros: int, log_file: LogFile, defect: Defect) -> Any:
    """Return the row of a file that is a defect as a whole."""
    import pyarrow as pa

    own = {
        "reason": pa.array([defect.reason.value]),
        "detail": pa.array([defect.detail]),
        "file_row": pa.array([True]),
    }
    return _to_arrow(path, delivered_micros, log_file, 1, own)


def _record_rows(path: str, delivered_micros: int, log_file: LogFile, begin: int, end: int) -> Any:
    """Return the rows of the records from `begin` to `end`."""
    import pyarrow as pa

    places, texts = range(begin, end), log_file.texts[begin:end]
    is_first = begin == 0 and log_file.defect is None
    own = {
        "record_index": _numbers().slice(begin, end - begin),
        "raw": _strings(texts),
        "timestamp": pa.array(log_file.micros[begin:end], _schema().field("timestamp").type),
        "file_row": _file_row(is_first, end - begin),
    }
    if log_file.defects:
        found = [log_file.defects.get(place) for place in places]
        own["reason"] = pa.array([defect and defect.reason.value for defect in found], pa.string())
        own["detail"] = pa.array([defect and defect.detail for defect in found], pa.string())
    if log_file.oddities:
        odd = [log_file.oddities.get(place, NONE) for place in places]
        for name, lists in (
            ("misfits", [one.misfits or None for one in odd]),
            ("unknown_fields", [one.unknown or None for one in odd]),
        ):
            own[name] = pa.array(lists, _schema().field(name).type)
    return _to_arrow(path, delivered_micros, log_file, end - begin, own)


def _to_arrow(path: str, delivered_micros: int, log_file: LogFile, rows: int, own: Mapping[str, Any]) -> Any:
    """Return `ROWS` of one file: the values that they share, the columns in `own`, and null elsewhere."""
    import pyarrow as pa

    shared = {
        "log_file": path,
        "delivered_at": delivered_micros,
        "log_file_sha256": log_file.sha256,
        "log_file_records": len(log_file.texts),
    }
    columns = []
    for field in _schema():
        if field.name in own:
            columns.append(own[field.name])
        elif shared.get(field.name) is None:
            columns.append(pa.nulls(rows, field.type))
        else:
            columns.append(pa.repeat(pa.scalar(shared[field.name], field.type), rows))
    return pa.RecordBatch.from_arrays(columns, schema=_schema())


def _strings(texts: Sequence[bytes]) -> Any:
    """Return a column of these texts, which are known to be UTF-8: they are neither decoded nor checked."""
    import pyarrow as pa

    ends = array("i", accumulate(map(len, texts), initial=0))
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


@lru_cache(maxsize=1)
def _schema() -> Any:
    """Return `ROWS` as Arrow has it."""
    import pyarrow as pa

    instant, texts = pa.timestamp("us", tz="UTC"), pa.list_(pa.string())
    return pa.schema(
        {
            "log_file": pa.string(),
            "delivered_at": instant,
            "log_file_sha256": pa.string(),
            "log_file_records": pa.int32(),
            "record_index": pa.int32(),
            "raw": pa.string(),
            "timestamp": instant,
            "reason": pa.string(),
            "detail": pa.string(),
            "misfits": texts,
            "unknown_fields": texts,
            "file_row": pa.bool_(),
        }
    )


@lru_cache(maxsize=1)
def _numbers() -> Any:
    """Return a column of all indexes that a record may have."""
    import pyarrow as pa

    return pa.array(range(MAX_RECORDS), pa.int32())


def _file_row(is_first: bool, rows: int) -> Any:
    """Return the column `file_row` of a piece."""
    return _first_of_piece().slice(0 if is_first else 1, rows)


@lru_cache(maxsize=1)
def _first_of_piece() -> Any:
    import pyarrow as pa

    return pa.array([True] + [False] * ROWS_PER_BATCH)
