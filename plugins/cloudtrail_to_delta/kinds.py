"""What kinds.json, which `make kinds` makes, says of the job: the kinds of records, and its arguments."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of records.

    Attributes:
        name: as in the params and in the names of tasks.
        summary: what the records are.
        absence: why a bucket may have none, when that is no error; else empty.
        asked_for: whether a run reads them unless it is told which kinds to read.
        folder: the S3 folder between account and region.
        account: the column with the account that a record was delivered to.
        columns: the table's columns, name → type as Spark DDL.
    """

    name: str
    summary: str
    absence: str
    asked_for: bool
    folder: str
    account: str
    columns: Mapping[str, str]

    @property
    def title(self) -> str:
        """The name as a heading."""
        return self.name.replace("_", " ").capitalize()


_CATALOG = json.loads(Path(__file__).with_name("kinds.json").read_text(encoding="utf-8"))

KINDS: Mapping[str, Kind] = {name: Kind(name=name, **kind) for name, kind in _CATALOG["kinds"].items()}
FOLDERS: Mapping[str, str] = {kind.name: kind.folder for kind in KINDS.values()}
QUARANTINE_COLUMNS: Mapping[str, str] = _CATALOG["quarantine"]
# Of the job's arguments: what the name of a table looks like, and the words that each may be.
TABLE_NAME: str = _CATALOG["arguments"]["table_name"]
CHOICES: Mapping[str, tuple[str, ...]] = {
    name: tuple(words) for name, words in _CATALOG["arguments"]["choices"].items()
}
