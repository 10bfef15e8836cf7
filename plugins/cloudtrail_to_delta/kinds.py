"""The contents of kinds.json, which `make kinds` generates: the kinds of records and the job's arguments."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of records.

    Attributes:
        name: its name in the params and in the names of tasks.
        summary: what the records are.
        absence: why a bucket may have no records of this kind, if that is not an error; otherwise empty.
        asked_for: whether a run reads this kind by default, if the param `kinds` does not choose.
        folder: the S3 folder between account and region.
        account: the column with the account that the record was delivered to.
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
# The job's arguments: the pattern of a table's name, and the allowed values of each choice.
TABLE_NAME: str = _CATALOG["arguments"]["table_name"]
CHOICES: Mapping[str, tuple[str, ...]] = {
    name: tuple(words) for name, words in _CATALOG["arguments"]["choices"].items()
}
