"""docs/params.md: every param of the DAGs with its title, default and help, derived from its declaration."""

import json
from collections.abc import Mapping
from typing import Any

from cloudtrail_to_delta.params.declaration import REQUIRED, Declaration
from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.setup import SETUP_PARAMS

# The fields without a section, which the form shows at first.
OPEN_SECTION = "Shown when the form opens"
DAGS = {"ingest": ("CloudTrail ingest", PARAMS), "setup": ("CloudTrail set-up", SETUP_PARAMS)}
HEAD = """# Params

The fields of the trigger forms, in the order and the sections of the forms. An entry of `dags/accounts.yaml`
has the fields of the ingest under the same names ([accounts.md](accounts.md)). Its block `setup` has those of
the set-up ([setup.md](setup.md)). `cloudtrail-to-delta params` prints this page.
"""


def page(dag: str | None = None) -> str:
    """Return every param of one DAG, `ingest` or `setup`, or of both, as Markdown."""
    return "\n".join([HEAD, *(_chapter(*DAGS[name]) for name in ([dag] if dag else DAGS))])


def _chapter(title: str, rows_of: Mapping[str, Declaration]) -> str:
    sections: dict[str, list[str]] = {}
    for name, row in rows_of.items():
        sections.setdefault(row.section, []).append(_row(name, row))
    lines = [f"## {title}", ""]
    for section, rows in sections.items():
        lines += [
            f"### {section or OPEN_SECTION}",
            "",
            "| param | title | default | what it does |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    return "\n".join(lines)


def _row(name: str, row: Declaration) -> str:
    cells = (f"`{name}`", row.title, _default(row.default), " ".join(row.help.split()))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(value: Any) -> str:
    if value is REQUIRED:
        return "required"
    return "none" if value in ("", None, [], {}) else f"`{json.dumps(value)}`"
