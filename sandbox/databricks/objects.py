"""The workspace's objects in one file: clusters, policies, profiles, credentials, locations.

Each is a JSON document with a kind and a key, and survives a restart. A check and the write that depends on
it must be inside one `change()`.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.databricks.payloads import Json

_TABLE = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS objects (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, key TEXT NOT NULL, document TEXT NOT NULL,
    UNIQUE (kind, key)
);
"""


class Objects:
    """The objects of one stand-in. Thread-safe."""

    def __init__(self, path: Path, seeds: Mapping[str, Mapping[str, Json]] | None = None) -> None:
        """Open the file; a new one starts with `seeds`, kind → key → document."""
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript(_TABLE)
        if new:
            with self.change():
                for kind, documents in (seeds or {}).items():
                    for key, document in documents.items():
                        self.put(kind, key, document)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Run the block as one transaction; blocks must not be nested."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def get(self, kind: str, key: str) -> Json | None:
        """Return one document, or None."""
        rows = self._rows("SELECT document FROM objects WHERE kind = ? AND key = ?", kind, key)
        return dict(json.loads(rows[0][0])) if rows else None

    def all(self, kind: str) -> dict[str, Json]:
        """Return every document of a kind by its key, the oldest first."""
        rows = self._rows("SELECT key, document FROM objects WHERE kind = ? ORDER BY number", kind)
        return {key: dict(json.loads(document)) for key, document in rows}

    def put(self, kind: str, key: str, document: Json) -> None:
        """Insert or replace a document."""
        self._rows(
            "INSERT INTO objects (kind, key, document) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, key) DO UPDATE SET document = excluded.document",
            kind,
            key,
            json.dumps(document),
        )

    def remove(self, kind: str, key: str) -> None:
        """Remove a document."""
        self._rows("DELETE FROM objects WHERE kind = ? AND key = ?", kind, key)

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, values).fetchall()
