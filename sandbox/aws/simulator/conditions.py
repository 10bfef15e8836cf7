"""Condition elements: operators, missing keys, `IfExists`, and the set operators.

IAM User Guide, "IAM JSON policy elements: Condition operators" and "Conditions with multiple context keys or
values": all operators and keys of a statement must hold (and). One of several values must match (or), and for
a negated operator none may match (nor). A key that the request lacks fails every operator except the negated
ones, those with `IfExists`, and `Null`, which tests for missing keys.
"""

import ipaddress
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from sandbox.aws.simulator.documents import Statement
from sandbox.aws.simulator.errors import InvalidInputError
from sandbox.aws.simulator.patterns import Context, arn_matches, expand, value_matches, variables

Comparison = Callable[[str, str, Context], bool]


def _exactly(compare: Callable[[str, str], bool]) -> Comparison:
    """Return `compare(request's value, policy's value)`; a value that cannot be converted does not match."""

    def comparison(wanted: str, actual: str, context: Context) -> bool:
        try:
            return compare(actual, expand(wanted, context))
        except (KeyError, ValueError):
            return False

    return comparison


def _date(text: str) -> datetime:
    if text.lstrip("-").isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _in_network(actual: str, wanted: str) -> bool:
    return ipaddress.ip_address(actual) in ipaddress.ip_network(wanted, strict=False)


def _ordered(name: str, convert: Callable[[str], Any]) -> dict[str, Comparison]:
    return {
        f"{name}Equals": _exactly(lambda a, b: convert(a) == convert(b)),
        f"{name}LessThan": _exactly(lambda a, b: convert(a) < convert(b)),
        f"{name}LessThanEquals": _exactly(lambda a, b: convert(a) <= convert(b)),
        f"{name}GreaterThan": _exactly(lambda a, b: convert(a) > convert(b)),
        f"{name}GreaterThanEquals": _exactly(lambda a, b: convert(a) >= convert(b)),
    }


_POSITIVE: dict[str, Comparison] = {
    "StringEquals": _exactly(lambda a, b: a == b),
    "StringEqualsIgnoreCase": _exactly(lambda a, b: a.casefold() == b.casefold()),
    "StringLike": value_matches,
    "ArnEquals": arn_matches,
    "ArnLike": arn_matches,
    "Bool": _exactly(lambda a, b: a.lower() == b.lower()),
    "BinaryEquals": _exactly(lambda a, b: a == b),
    "IpAddress": _exactly(_in_network),
    **_ordered("Numeric", float),
    **_ordered("Date", _date),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}


def conditions_hold(statement: Statement, context: Context) -> bool:
    """Return whether every condition of `statement` holds in `context`.

    Raises:
        InvalidInputError: for an operator that IAM does not know.
    """
    # Evaluate all of them: an unknown operator is an error even after a condition that fails.
    held = [_holds(operator, key, wanted, context) for operator, key, wanted in _entries(statement)]
    return all(held)


def condition_keys(statement: Statement) -> list[str]:
    """Return the context keys in the conditions and variables of `statement`, with their spelling."""
    keys = [key for _, key, _ in _entries(statement)]
    patterns = [value for _, _, wanted in _entries(statement) for value in wanted]
    for element in ("Resource", "NotResource"):
        patterns += [value for value in statement.values(element) if isinstance(value, str)]
    return keys + [name for pattern in patterns for name in variables(pattern)]


def _entries(statement: Statement) -> Iterator[tuple[str, str, list[str]]]:
    for operator, keys in statement.body.get("Condition", {}).items():
        for key, value in keys.items():
            values = value if isinstance(value, list) else [value]
            yield operator, key, [_text(one) for one in values]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _holds(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    quantifier, _, name = operator.rpartition(":")
    actual = context.get(key.lower(), ())
    if name == "Null":
        return all(("true" if not actual else "false") == value.lower() for value in wanted)
    name, if_exists = name.removesuffix("IfExists"), name.endswith("IfExists")
    negated = name in _NEGATED
    comparison = _POSITIVE.get(_NEGATED.get(name, name))
    if comparison is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise InvalidInputError(f"The condition operator {operator} is not one that IAM knows.")
    if quantifier == "ForAllValues" and not any(actual):
        return True  # an empty text counts as missing
    if not actual:
        return if_exists or (negated and quantifier == "")
    matched = [any(comparison(value, one, context) for value in wanted) for one in actual]
    if quantifier == "":
        return any(matched) != negated
    each = [match != negated for match in matched]
    return all(each) if quantifier == "ForAllValues" else any(each)
