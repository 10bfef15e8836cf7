"""What a field takes over from its param's rule: the part that the browser itself holds people to.

Airflow's form offers the values of an `enum`, keeps a number within its limits, opens a calendar for a date
and marks a required field that is empty. Anything else in a schema is looked at by the API server only, whose
answer the form shows as "Bad Request" for some seconds, without a field: that is left to the contract, which
names every violation in the log of `resolve`. Source: Airflow 3.3, `ui/src/components/FlexibleForm`.
"""

from typing import Any

from cloudtrail_to_delta.contract import ParamRule

_KEPT = ("enum", "minimum", "maximum", "format")


def declared(rule: ParamRule) -> dict[str, Any]:
    """The JSON Schema of a field for this rule.

    A number may have decimals as far as the form is concerned: only the API server would refuse them.
    """
    schema = rule.check.schema
    kind = {"integer": "number"}.get(schema["type"], schema["type"])
    return {"type": kind} | {key: schema[key] for key in _KEPT if key in schema}
