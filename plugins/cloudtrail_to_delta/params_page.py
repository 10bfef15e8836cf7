"""docs/params.md: every param of the DAGs with its title, default and help, made of the forms."""

import json
from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param

from cloudtrail_to_delta.contract import PARAMS, REQUIRED, ParamRule
from cloudtrail_to_delta.form import ingest_params
from cloudtrail_to_delta.setup.contract import SETUP_PARAMS
from cloudtrail_to_delta.setup.form import setup_params

DAGS = {"ingest": (ingest_params, PARAMS), "setup": (setup_params, SETUP_PARAMS)}
TITLES = {"ingest": "CloudTrail ingest", "setup": "CloudTrail set-up"}


def page(dag: str) -> str:
    """Every param of one DAG, as Markdown.

    Args:
        dag: `ingest` or `setup`.
    """
    form, rules = DAGS[dag]
    sections: dict[str, list[str]] = {}
    for name, param in form().items():
        sections.setdefault(str(param.schema["section"]), []).append(_row(name, param, rules))
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


def _row(name: str, param: Param, rules: Mapping[str, ParamRule]) -> str:
    title, text = param.schema.get("title", ""), param.schema.get("description_md") or ""
    cells = (f"`{name}`", str(title), _default(rules[name].default), " ".join(str(text).split()))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(value: Any) -> str:
    if value is REQUIRED:
        return "required"
    return "none" if value in ("", None, [], {}) else f"`{json.dumps(value)}`"
