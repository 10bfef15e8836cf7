"""A prototype without a JVM, the stretch goal: `python -m tests.benchmarks.programs.native LOGS OUT`.

Two processes of Python take the same steps as the job (inflate, hash, cut, type, raw text, lineage) and write
the Parquet files by Arrow; one commit to the Delta log follows. It has no quarantine, no stream and no
checkpoint: a record that does not fit stops it. Source: docs/adr/0012-performance.md.
"""

import glob
import hashlib
import json
import multiprocessing
import sys
import time
import uuid
from collections import defaultdict
from itertools import chain
from pathlib import Path

from tests.benchmarks.programs.protocol import done, ready

PROCESSES = 2
ROWS_PER_BATCH = 20_000
# Long or all different: a dictionary of their values would be given up anyway.
NO_DICTIONARY = {"raw", "eventID", "requestID"}
STATISTICS = ["timestamp", "eventName", "awsRegion"]
LINEAGE = ("log_file", "log_file_sha256", "log_file_records", "record_index", "raw")


def write_days(out, days):
    """Write the files of these delivery days; path, day, rows and bytes of each Parquet file."""
    import msgspec

    from cloudtrail_jobs import accelerators
    from cloudtrail_jobs.compression import decompress
    from cloudtrail_jobs.event_time import parse_instant
    from cloudtrail_jobs.kinds import KINDS
    from cloudtrail_jobs.shape import tree
    from tests.benchmarks.programs.native_columns import record_type

    wanted = tree(KINDS["events"].columns)
    envelope = msgspec.json.Decoder(msgspec.defstruct("Envelope", [("Records", list[msgspec.Raw])])).decode
    decode = msgspec.json.Decoder(record_type(wanted)).decode
    inflate = accelerators.installed().zlib
    written = []
    for files in days:
        by_day = defaultdict(list)
        for name in files:
            body, _ = decompress(Path(name).read_bytes(), inflate)
            sha256 = hashlib.sha256(body).hexdigest()
            texts = [bytes(raw) for raw in envelope(body).Records]
            for index, text in enumerate(texts):
                record = decode(text)
                micros = parse_instant(record.eventTime)
                day = micros // 86_400_000_000
                by_day[day].append((record, micros, name, sha256, len(texts), index, text))
        written += [_write(out, day, rows, wanted) for day, rows in by_day.items()]
    return written


def _write(out, day, rows, wanted):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tests.benchmarks.programs.native_columns import to_array

    date = time.strftime("%Y-%m-%d", time.gmtime(day * 86_400))
    path = Path(f"date={date}") / f"{uuid.uuid4()}.parquet"
    (out / path).parent.mkdir(exist_ok=True)
    names = ["timestamp", *wanted.fields, *LINEAGE]
    writer = None
    for begin in range(0, len(rows), ROWS_PER_BATCH):
        records, micros, *lineage = zip(*rows[begin : begin + ROWS_PER_BATCH], strict=True)
        texts = pa.array(lineage.pop(), pa.binary()).view(pa.string())
        kinds = (pa.string(), pa.string(), pa.int32(), pa.int32())
        columns = [
            pa.array(micros, pa.timestamp("us", "UTC")),
            *to_array(list(records), wanted).flatten(),
            *(pa.array(values, kind) for values, kind in zip(lineage, kinds, strict=True)),
            texts,
        ]
        batch = pa.RecordBatch.from_arrays(columns, names=names)
        writer = writer or pq.ParquetWriter(
            out / path,
            batch.schema,
            compression="zstd",
            use_dictionary=[name for name in names if name not in NO_DICTIONARY],
            write_statistics=STATISTICS,
        )
        writer.write_batch(batch)
    writer.close()
    return str(path), date, len(rows), (out / path).stat().st_size


def commit(out, written):
    """Make a Delta table of the files, with the transaction's id as the job's own commits have it."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from deltalake import CommitProperties, DeltaTable, Schema, Transaction
    from deltalake.transaction import AddAction

    schema = pq.read_schema(out / written[0][0]).append(pa.field("date", pa.date32()))
    table = DeltaTable.create(str(out), schema=Schema.from_arrow(schema), partition_by=["date"])
    added = [
        AddAction(path, size, {"date": date}, int(time.time() * 1000), True, json.dumps({"numRecords": rows}))
        for path, date, rows, size in written
    ]
    properties = CommitProperties(app_transactions=[Transaction("bench", 0)])
    table.create_write_transaction(
        added, mode="append", schema=table.schema(), partition_by=["date"], commit_properties=properties
    )


def main():
    """Ingest LOGS (a glob) into OUT."""
    logs, out = sys.argv[1], Path(sys.argv[2])
    out.mkdir(parents=True)
    ready()
    days = defaultdict(list)
    for name in glob.glob(f"{logs}/**/*.json.gz", recursive=True):
        days["/".join(Path(name).parts[-4:-1])].append(name)
    largest_first = sorted(days.values(), key=len, reverse=True)
    shares = [(out, largest_first[number::PROCESSES]) for number in range(PROCESSES)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        written = list(chain.from_iterable(pool.starmap(write_days, shares)))
    commit(out, written)
    done(records=sum(rows for _, _, rows, _ in written))


if __name__ == "__main__":
    main()
