"""Who is compared: a program, the settings that make a variant of it, and how to see that it was right."""

from dataclasses import replace
from pathlib import Path

from tests.benchmarks.data import Logs
from tests.benchmarks.delta_files import live
from tests.benchmarks.measuring import Program, Run, measure, remove, require

CONTENDERS = {
    "guide": Program("guide"),
    "guide_no_listing_job": Program(
        "guide", {"spark.sql.sources.parallelPartitionDiscovery.threshold": "1000000"}
    ),
    "ours": Program("ours"),
    "duckdb": Program("duckdb_files"),
    "native": Program("native"),
    "limit": Program("limit"),
}
NAMES = {
    "guide": "the guide's stream",
    "guide_no_listing_job": "the guide's stream without its listing job",
    "ours": "ours",
    "duckdb": "DuckDB to Parquet",
    "native": "prototype without a JVM",
    "limit": "limit (decompress and parse)",
    "bare": "a bare session",
    "alone": "ours, the log files alone",
}


def checkpoint(out: Path) -> Path:
    """Where the programs keep the checkpoint of a table."""
    return out.with_name(f"{out.name}_checkpoint")


def clear(out: Path) -> None:
    """Remove a contender's output and all beside it."""
    remove(out, checkpoint(out), out.with_name(f"{out.name}_quarantine"))


def load(name: str, logs: Logs, out: Path, **settings: str) -> Run:
    """Run a contender once on logs that it has not seen, into `out`, which is emptied before.

    Raises:
        MeasuringError: when it fails, or its rows are not the records of the logs.
    """
    clear(out)
    folder = out.with_name(f"{out.name}_run")
    run = measure(CONTENDERS[name], logs.path, out, folder=folder, settings=settings)
    rows, files, size = _written(name, out, run)
    require(rows == logs.records, f"{name} has {rows} rows of {logs.records} records")
    return replace(run, out_files=files, out_bytes=size)


def _written(name: str, out: Path, run: Run) -> tuple[int, int, int]:
    if name == "limit":
        return int(run.facts["records"]), 0, 0
    if name == "duckdb":
        import pyarrow.parquet

        files = list(out.rglob("*.parquet"))
        rows = sum(pyarrow.parquet.read_metadata(file).num_rows for file in files)
        return rows, len(files), sum(file.stat().st_size for file in files)
    table = live(out)
    return table.rows, table.files, table.bytes
