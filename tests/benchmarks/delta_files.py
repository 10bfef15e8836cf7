"""What a Delta table is on disk, by its log: rows, versions, live files."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from deltalake import DeltaTable


@dataclass(frozen=True)
class Live:
    """The table's newest state; `files_by_day` counts the files of each partition."""

    rows: int
    files: int
    bytes: int
    files_by_day: dict[str, int]


def live(table: Path) -> Live:
    """The live rows and files of a table that is partitioned by `date`.

    Rows are counted in the files' own footers, not taken from Delta's statistics.
    """
    import pyarrow.parquet

    names = [unquote(uri.removeprefix("file://")) for uri in DeltaTable(str(table)).file_uris()]
    days = Counter(Path(name).parent.name for name in names)
    return Live(
        rows=sum(pyarrow.parquet.read_metadata(name).num_rows for name in names),
        files=len(names),
        bytes=sum(Path(name).stat().st_size for name in names),
        files_by_day=dict(days),
    )


def logged_rows(table: Path) -> int:
    """The live rows by Delta's own statistics: quick for a table of very many files."""
    import pyarrow

    actions = pyarrow.table(DeltaTable(str(table)).get_add_actions())
    return sum(actions["num_records"].to_pylist())


def commits(table: Path) -> int:
    """How many commits a table's log has."""
    return len(list((table / "_delta_log").glob("*[0-9].json")))


def batches(checkpoint: Path) -> int:
    """How many micro-batches the streams of a checkpoint have ended."""
    return len([file for file in checkpoint.rglob("commits/*") if file.name.isdecimal()])
