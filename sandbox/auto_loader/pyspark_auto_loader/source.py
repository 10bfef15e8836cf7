"""The source `cloudFiles`: discovery of files on local disk, by Auto Loader's documented rules.

Auto Loader keeps what it knows in RocksDB below the checkpoint. A Python data source does not know its
checkpoint, so this fake keeps the same in its offsets, which Spark writes there.

Where no document says what Auto Loader does, the fake does what loses more, so that a test can see it:

- A changed path in a notification mode drops everything that is there at that time.
- Objects of zero bytes reach no batch, as in Spark's own file sources.
"""

import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition
from pyspark.sql.types import StructType

from . import globs
from .options import AutoLoaderError, Options, parse

try:
    from pyspark.sql.streaming.datasource import ReadMaxFiles, SupportsTriggerAvailableNow
except ImportError:  # Spark before 4.2: a stream has no limits, and one batch is everything
    SupportsTriggerAvailableNow = ReadMaxFiles = type("Unknown", (), {})  # type: ignore[assignment,misc]

COLUMNS = ("path", "modificationTime", "length", "content")
_TASKS = 2
_CHUNK = 64
# Path → its size and its time in microseconds.
Files = dict[str, tuple[int, int]]


class CloudFiles(DataSource):
    """The data source that a stream of `cloudFiles` reads."""

    @classmethod
    def name(cls) -> str:
        """Return the name of the format."""
        return "cloudFiles"

    def schema(self) -> str:
        """Refuse to infer a schema.

        Raises:
            AutoLoaderError: always; Auto Loader would want `cloudFiles.schemaLocation`.
        """
        raise AutoLoaderError("CF_EMPTY_DIR_FOR_SCHEMA_INFERENCE: give the stream a schema")

    def streamReader(self, schema: StructType) -> "Reader":
        """Return the reader of one stream."""
        if unknown := [field.name for field in schema.fields if field.name not in COLUMNS]:
            raise AutoLoaderError(f"binaryFile has no column {unknown[0]!r}, only {', '.join(COLUMNS)}")
        return Reader(parse(dict(self.options)), schema.names)


@dataclass
class Chunk(InputPartition):
    """The files of one task, as (path, size, microseconds)."""

    files: Sequence[tuple[str, int, int]]


class Reader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """The stream: an offset is everything that the stream knows when a micro-batch ends."""

    def __init__(self, options: Options, columns: Sequence[str]) -> None:
        self.options, self.columns = options, tuple(columns)
        self.available: Files | None = None

    def initialOffset(self) -> dict[str, Any]:
        """Return what a new stream knows."""
        return _offset(_NEW)

    def getDefaultReadLimit(self) -> Any:
        """Return any limit, so that Spark asks for one batch after the other."""
        return ReadMaxFiles(self.options.max_files)

    def prepareForTriggerAvailableNow(self) -> None:
        """List once: what is delivered later is for the next run."""
        self.available = self._listed()

    def latestOffset(self, start: dict[str, Any] | None = None, limit: Any = None) -> dict[str, Any]:
        """Return the offset after the next micro-batch; the start itself if there is no new file.

        Spark 4.0 asks without a start: the offset is then everything that can be listed, and nothing else is
        known, such as a former path.
        """
        known = _NEW if start is None else json.loads(start["state"])
        listed = self._listed() if self.available is None else self.available
        after = self._discover(known, listed)
        skipped = {*known["read"], *after["excluded"]}
        if self.options.discovery != "listing":
            skipped |= set(after["passed"])
        matches = globs.matcher(self.options.path, strict=self.options.strict).fullmatch
        new = {path: listed[path] for path in sorted(listed) if path not in skipped and matches(path)}
        taken = self._limited(new) if isinstance(limit, ReadMaxFiles) else new
        moved = any(after[name] != known[name] for name in ("passed", "excluded"))
        return (
            start if start and not taken and not moved else _offset(after | {"read": known["read"] | taken})
        )

    def _discover(self, known: dict[str, Any], listed: Files) -> dict[str, Any]:
        """Return what the stream knows once its options are applied to what it knew."""
        ours = {"path": self.options.path, "discovery": self.options.discovery}
        after = known | ours
        if known["path"] is None:
            # Source: `cloudFiles.includeExistingFiles`: "evaluated only when you start a stream for the first
            # time".
            return after | {"excluded": [] if self.options.existing else sorted(listed)}
        if known["discovery"] != self.options.discovery:
            # Source: "You can switch between file notifications and directory listing at any time and still
            # maintain exactly-once"; "Migrate to Auto Loader with file events": the first run lists.
            return after | {"passed": []}
        if self.options.discovery != "listing" and known["path"] != self.options.path:
            # Source: "Configure Auto Loader streams in file notification mode": "Changing the source path …
            # is not supported for file notification mode. If … the path is changed, you might fail to ingest
            # files that are already present in the new directory". File events are one way of that mode.
            return after | {"passed": sorted(listed)}
        return after

    def _limited(self, new: Files) -> Files:
        """Return the files of the next batch.

        Source: `cloudFiles.maxFilesPerTrigger` and `maxBytesPerTrigger`: whichever limit is reached first.
        The bytes are a soft maximum: the file that reaches it is still read.
        """
        taken: Files = {}
        total = 0
        for path, about in new.items():
            if len(taken) == self.options.max_files or total >= (self.options.max_bytes or math.inf):
                break
            taken[path] = about
            total += about[0]
        return taken

    def partitions(self, start: dict[str, Any], end: dict[str, Any]) -> Sequence[Chunk]:
        """Return the files between two offsets, in tasks."""
        before = json.loads(start["state"])["read"]
        new = [(p, *about) for p, about in json.loads(end["state"])["read"].items() if p not in before]
        return [Chunk(new[task::_TASKS]) for task in range(_TASKS) if new[task::_TASKS]]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """Yield the rows of a task as `binaryFile` has them. A file that is gone fails the batch.

        Source: "Generic options": `ignoreMissingFiles` is false for Auto Loader.
        """
        import pyarrow as pa

        kinds = {
            "path": pa.string(),
            "modificationTime": pa.timestamp("us", tz="UTC"),
            "length": pa.int64(),
            "content": pa.binary(),
        }
        files = [one for one in partition.files if one[1]] if isinstance(partition, Chunk) else []
        for begin in range(0, len(files), _CHUNK):
            some = files[begin : begin + _CHUNK]
            values = {
                "path": [f"file:{path}" for path, _, _ in some],
                "modificationTime": [micros for _, _, micros in some],
                "length": [size for _, size, _ in some],
                "content": [Path(path).read_bytes() for path, _, _ in some],
            }
            arrays = [pa.array(values[name], kinds[name]) for name in self.columns]
            yield pa.RecordBatch.from_arrays(arrays, names=list(self.columns))

    def _listed(self) -> Files:
        """Return every file below the root, as Spark's sources list them.

        A folder marker (`folder/`) is the folder itself. Names that begin with an underscore or a dot are
        hidden. Source: Spark, `HadoopFSUtils.shouldFilterOutPathName`; for Auto Loader: "Databricks
        Autoloader Cookbook", file names starting with an underscore.
        """
        root = globs.root(self.options.path).removeprefix("file:")
        if not root.startswith("/"):
            raise AutoLoaderError(f"{self.options.path!r}: this fake lists the local disk only")
        found: Files = {}
        for folder, names, files in os.walk(root):
            names[:] = [name for name in names if not name.startswith(("_", "."))]
            for name in files:
                if not name.startswith(("_", ".")) and not name.endswith("._COPYING_"):
                    about = Path(folder, name).stat()
                    found[f"{folder}/{name}"] = (about.st_size, about.st_mtime_ns // 1000)
        return found


_NEW: dict[str, Any] = {"read": {}, "excluded": [], "passed": [], "path": None, "discovery": None}


def _offset(known: dict[str, Any]) -> dict[str, Any]:
    return {"state": json.dumps(known, sort_keys=True)}
