"""The kinds of records and the rules of arguments, as JSON, for programs that cannot import this package.

`make kinds` writes the plugin's copy, from which the plugin's contract takes these rules.
"""

import json
import sys
from collections.abc import Sequence

from cloudtrail_jobs.command_line import CHOICES, TABLE_NAME
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.schemas import QUARANTINE, Column


def catalog() -> str:
    """Return the kinds by name, each with its columns (name → type), the quarantine and the arguments."""
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
    arguments = {"table_name": TABLE_NAME, "choices": CHOICES}
    found = {"kinds": kinds, "quarantine": _types(QUARANTINE), "arguments": arguments}
    return json.dumps(found, indent=2) + "\n"


def _types(columns: Sequence[Column]) -> dict[str, str]:
    return {column.name: column.type for column in columns}


if __name__ == "__main__":
    sys.stdout.write(catalog())
