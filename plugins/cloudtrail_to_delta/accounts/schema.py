"""The JSON Schema of accounts.yaml, for editors, made of the declared params: `make accounts-schema`.

An editor with the YAML language server completes fields, shows the form's help and marks slips. The contract
(`make check-accounts`) decides.
"""

import json
from typing import Any

from cloudtrail_to_delta.accounts.schedules import WANTED, WORDS
from cloudtrail_to_delta.accounts.settings import ALIAS, SETUP
from cloudtrail_to_delta.params.declaration import Declaration
from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.setup import SETUP_PARAMS

_LINE: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 100}
_SETTINGS: dict[str, Any] = {
    "alias": {
        "type": "string",
        "pattern": f"^{ALIAS}$",
        "description": "What the DAG is called: cloudtrail_ingest__<alias>. Left out: the account.",
    },
    "schedule": {
        "anyOf": [{"enum": list(WORDS)}, {"type": "string", "pattern": r"^\S+( +\S+){4}$"}],
        "default": "hourly",
        "description": f"{WANTED}. The minute of hourly and daily follows from the DAG id.",
    },
    "owner": {**_LINE, "default": "cloudtrail", "description": "The DAG's owner in Airflow."},
    "tags": {"type": "array", "items": _LINE, "description": "More tags of the DAG in Airflow."},
}


def accounts_schema() -> dict[str, Any]:
    """The schema, as JSON holds it."""
    fields = {**_SETTINGS, SETUP: _setup()}
    fields |= {name: _field(row) for name, row in PARAMS.items()}
    # null takes a default away, of whatever field.
    fields = {name: _nullable(schema) for name, schema in fields.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "CloudTrail ingest: one DAG per account",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "defaults": {
                "description": "Fields of every account, unless its entry has them. {alias} and {account} "
                "in a text stand for the account's own.",
                "anyOf": [{"type": "null"}, {"$ref": "#/definitions/fields"}],
            },
            "accounts": {
                "description": "One entry, one DAG.",
                "anyOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#/definitions/fields"}}],
            },
        },
        "definitions": {"fields": {"type": "object", "additionalProperties": False, "properties": fields}},
    }


def _setup() -> dict[str, Any]:
    """The block of a set-up: its own form, of which each field may be null, as an entry's may be."""
    fields = {name: _nullable(_field(row)) for name, row in SETUP_PARAMS.items()}
    return {
        "description": "Makes the DAG cloudtrail_setup__<alias>, which is never scheduled. What is not here, "
        "and is a field of the entry too, is as the entry has it; null takes that away.",
        "type": "object",
        "additionalProperties": False,
        "properties": fields,
    }


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in schema.items() if key != "description"}
    return {"description": schema["description"], "anyOf": [{"type": "null"}, rest]}


def _with_placeholders(schema: Any) -> Any:
    """A text with a placeholder is checked when the placeholder has been replaced."""
    if not isinstance(schema, dict):
        return schema
    found = {key: _with_placeholders(value) for key, value in schema.items()}
    if isinstance(found.get("pattern"), str):
        found["pattern"] = _or_placeholder(found["pattern"])
    if "patternProperties" in found:
        found["patternProperties"] = {
            _or_placeholder(pattern): value for pattern, value in found["patternProperties"].items()
        }
    return found


def _or_placeholder(pattern: str) -> str:
    return rf"{pattern}|\{{(alias|account)\}}"


def _field(row: Declaration) -> dict[str, Any]:
    """The check's own schema, with the form's help; null where the form sends it for an empty field."""
    schema = _with_placeholders(dict(row.check.schema))
    if row.check.may_be_empty:
        schema["type"] = ["null", schema["type"]]
    shown = [row.title, row.help]
    return {**schema, "description": ". ".join(text.rstrip(".") for text in shown if text) + "."}


def text() -> str:
    """The schema as the file has it."""
    return json.dumps(accounts_schema(), indent=2, ensure_ascii=False) + "\n"
