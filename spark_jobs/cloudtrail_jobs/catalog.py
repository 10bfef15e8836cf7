"""The kinds of records as JSON, for programs that cannot import this package: `make kinds` keeps it."""

import json
import sys
from collections.abc import Sequence

from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.schemas import QUARANTINE, Column


def catalog() -> str:
    """Kinds by name, each with its columns (name → type); the quarantine, which all kinds share, beside."""
    kinds = {
        kind.name: {
            "summary": kind.summary,
            "absence": kind.absence,
            "asked_for": kind.asked_for,
            "folder": kind.folder,
            "account": kind.key[0],
            "columns": _types(kind.table_columns),
        }
        for kind in KINDS.values()
    }
    return json.dumps({"kinds": kinds, "quarantine": _types(QUARANTINE)}, indent=2) + "\n"


def _types(columns: Sequence[Column]) -> dict[str, str]:
    return {column.name: column.type for column in columns}


if __name__ == "__main__":
    sys.stdout.write(catalog())
