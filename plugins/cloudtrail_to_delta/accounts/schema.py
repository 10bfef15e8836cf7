"""The JSON Schema of accounts.yaml, for editors, derived from the declared params: `make accounts-schema`.

An editor with the YAML language server completes fields, shows the form's help and marks mistakes. The
contract (`make check-accounts`) decides.
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
        "description": "The name in the DAG ID, cloudtrail_ingest__<alias>. Default: the account.",
    },
    "schedule": {
        "anyOf": [{"enum": list(WORDS)}, {"type": "string", "pattern": r"^\S+( +\S+){4}$"}],
        "default": "hourly",
        "description": f"{WANTED}. The DAG ID determines the minute of hourly and daily.",
    },
    "owner": {**_LINE, "default": "cloudtrail", "description": "The owner of the DAG in Airflow."},
    "tags": {"type": "array", "items": _LINE, "description": "Additional tags of the DAG in Airflow."},
    "environment": {
        **_LINE,
        "description": "What the account is for, such as production: the tables show it next to the account, "
        "with its alias and owner.",
    },
}


def accounts_schema() -> dict[str, Any]:
    """Return the schema, in the form that JSON stores."""
    fields = {**_SETTINGS, SETUP: _setup()}
    fields |= {name: _field(row) for name, row in PARAMS.items()}
    # null removes the default of any field.
    fields = {name: _nullable(schema) for name, schema in fields.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "CloudTrail ingest: one DAG per account",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "defaults": {
                "description": "Fields for every account, unless its entry has them. In a text, {alias} and "
                "{account} stand for the values of the account.",
                "anyOf": [{"type": "null"}, {"$ref": "#/definitions/fields"}],
            },
            "accounts": {
                "description": "One DAG for each entry.",
                "anyOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#/definitions/fields"}}],
            },
        },
        "definitions": {"fields": {"type": "object", "additionalProperties": False, "properties": fields}},
    }


def _setup() -> dict[str, Any]:
    """Return the schema of a set-up's block: the fields of its form, each of which may be null."""
    fields = {name: _nullable(_field(row)) for name, row in SETUP_PARAMS.items()}
    return {
        "description": "Adds the DAG cloudtrail_setup__<alias>, which is never scheduled. A field that is "
        "missing here takes its value from the entry, if the entry has it. null removes that value.",
        "type": "object",
        "additionalProperties": False,
        "properties": fields,
    }


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in schema.items() if key != "description"}
    return {"description": schema["description"], "anyOf": [{"type": "null"}, rest]}


def _with_placeholders(schema: Any) -> Any:
    """Return the schema, in which a text may be a placeholder: it is checked after the replacement."""
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
    """Return the check's schema with the form's help; null is allowed if the form sends it for empty."""
    schema = _with_placeholders(dict(row.check.schema))
    if row.check.may_be_empty:
        schema["type"] = ["null", schema["type"]]
    shown = [row.title, row.help]
    return {**schema, "description": ". ".join(text.rstrip(".") for text in shown if text) + "."}


def text() -> str:
    """Return the text of the schema file."""
    return json.dumps(accounts_schema(), indent=2, ensure_ascii=False) + "\n"
