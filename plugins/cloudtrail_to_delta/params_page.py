"""The text of docs/params.md: every param with its title, default and help, made of the forms."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from airflow.sdk import Param

from cloudtrail_to_delta.contract import PARAMS, REQUIRED, ParamRule
from cloudtrail_to_delta.form import ingest_params
from cloudtrail_to_delta.setup.contract import SETUP_PARAMS
from cloudtrail_to_delta.setup.form import setup_params

DAGS = {
    "ingest": ("CloudTrail ingest", ingest_params, PARAMS),
    "setup": ("CloudTrail set-up", setup_params, SETUP_PARAMS),
}
HEAD = """# Params

The fields of the trigger forms. An entry of `dags/accounts.yaml` has those of the ingest under the same names
([accounts.md](accounts.md)), and in its block `setup` those of the set-up ([setup.md](setup.md)).
`cloudtrail-to-delta params` prints this page.
"""


def page(dag: str | None = None) -> str:
    """Every param of one DAG, `ingest` or `setup`, or of both, as Markdown."""
    return "\n".join([HEAD, *(_chapter(*DAGS[name]) for name in ([dag] if dag else DAGS))])


def _chapter(title: str, form: Callable[[], Mapping[str, Param]], rules: Mapping[str, ParamRule]) -> str:
    sections: dict[str, list[str]] = {}
    for name, param in form().items():
        sections.setdefault(str(param.schema["section"]), []).append(_row(name, param, rules))
    lines = [f"## {title}", ""]
    for section, rows in sections.items():
        lines += [
            f"### {section}",
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
