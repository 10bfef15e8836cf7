"""docs/params.md: every param of the DAGs with its title, default and help, made of their declarations."""

import json
from typing import Any

from cloudtrail_to_delta.params.declaration import REQUIRED, Declaration
from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.setup import SETUP_PARAMS

DAGS = {"ingest": PARAMS, "setup": SETUP_PARAMS}
TITLES = {"ingest": "CloudTrail ingest", "setup": "CloudTrail set-up"}


def page(dag: str) -> str:
    """Every param of one DAG, as Markdown.

    Args:
        dag: `ingest` or `setup`.
    """
    sections: dict[str, list[str]] = {}
    for name, row in DAGS[dag].items():
        sections.setdefault(row.section, []).append(_row(name, row))
    lines = [f"# Params: {TITLES[dag]}", ""]
    for section, rows in sections.items():
        lines += [
            f"## {section}",
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
