"""The rules for a trail's selectors. Source: AWS CloudTrail API Reference, AdvancedEventSelector."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

CATEGORIES = ("Management", "Data", "NetworkActivity")
OPERATORS = frozenset({"Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith"})
FIELDS = {
    "Management": frozenset(
        {"eventCategory", "readOnly", "eventSource", "sessionCredentialFromConsole", "eventName"}
    ),
    "Data": frozenset(
        {
            "eventCategory",
            "readOnly",
            "eventSource",
            "eventName",
            "eventType",
            "resources.type",
            "resources.ARN",
        }
    ),
    "NetworkActivity": frozenset({"eventCategory", "eventSource", "eventName", "errorCode", "vpcEndpointId"}),
}
NEEDED = {"Data": "resources.type", "NetworkActivity": "eventSource"}
EQUALS_ONLY = frozenset({"eventCategory", "readOnly", "resources.type"})
MANAGEMENT_SOURCES = frozenset({"kms.amazonaws.com", "rdsdata.amazonaws.com"})
INSIGHTS = frozenset({"ApiCallRateInsight", "ApiErrorRateInsight"})


def find_fault(selectors: Sequence[Mapping[str, Any]]) -> str:
    """Return the first fault of advanced event selectors, or an empty text."""
    values = sum(
        len(items)
        for selector in selectors
        for field in selector.get("FieldSelectors", [])
        for name, items in field.items()
        if name in OPERATORS
    )
    if values > 500:
        return f"{values} values are given for all selectors, 500 are allowed"
    categories = []
    for selector in selectors:
        fields = {field["Field"]: field for field in selector.get("FieldSelectors", [])}
        category = (fields.get("eventCategory", {}).get("Equals") or [""])[0]
        if fault := next(_faults_of(category, fields), ""):
            return f"{selector.get('Name', 'a selector')!r}: {fault}"
        categories.append(category)
    if categories.count("Management") > 1:
        return "only one selector may be of the category Management"
    return ""


def _faults_of(category: str, fields: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if category not in CATEGORIES:
        yield f"eventCategory must Equal one of {', '.join(CATEGORIES)}"
        return
    if unknown := set(fields) - FIELDS[category]:
        yield f"{', '.join(sorted(unknown))} cannot be chosen by for {category} events"
    if (needed := NEEDED.get(category)) and needed not in fields:
        yield f"{category} events need the field {needed}"
    for name, field in fields.items():
        operators = set(field) - {"Field"}
        if not operators or operators - OPERATORS or not all(field[one] for one in operators):
            yield f"{name} needs operators of {', '.join(sorted(OPERATORS))} with values"
        if name in EQUALS_ONLY and operators != {"Equals"}:
            yield f"{name} can only be used with Equals"
    excluded = fields.get("eventSource", {}).get("NotEquals", [])
    if category == "Management" and not set(excluded) <= MANAGEMENT_SOURCES:
        yield f"eventSource can only exclude {', '.join(sorted(MANAGEMENT_SOURCES))}"
