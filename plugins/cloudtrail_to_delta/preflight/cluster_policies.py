"""A new cluster under a cluster policy: what the policy gives it, and what it refuses of the params.

Source: Databricks, "Compute policy reference": a rule for each setting by its path, of which `fixed` values
are filled in, `defaultValue` when the request asks for it. Rules of other types are tried by the service.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Rules = Mapping[str, Mapping[str, Any]]


def flattened(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """A cluster's settings by the paths that rules have: `aws_attributes.instance_profile_arn`."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        path = f"{above}{name}"
        found |= flattened(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return found


def filled(given: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """The settings with what the policy gives to those that are not given."""
    values = {path: rule.get("value", rule.get("defaultValue")) for path, rule in rules.items()}
    return {path: value for path, value in values.items() if value is not None} | dict(given)


def refused(given: Mapping[str, Any], rules: Rules) -> Iterator[str]:
    """Each given setting that breaks a rule, in words."""
    for path, value in given.items():
        if wanted := _wanted(rules.get(path, {}), value):
            yield f"{path} is {value!r}, and the policy wants {wanted}"


def _wanted(rule: Mapping[str, Any], value: Any) -> str:
    """What a rule wants instead of the value, in words; empty when it takes it, or is of another type."""
    match rule.get("type"):
        case "fixed" if str(value) != str(rule["value"]):
            return repr(rule["value"])
        case "forbidden":
            return "it left out"
        case "allowlist" if value not in rule.get("values", []):
            return f"one of {', '.join(map(repr, rule.get('values', [])))}"
        case "range" if isinstance(value, int):
            least, most = rule.get("minValue", value), rule.get("maxValue", value)
            return "" if least <= value <= most else f"{least} to {most}"
    return ""
