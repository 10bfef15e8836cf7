"""Evaluate the conditions of a policy statement as far as the request's context is known. Pure.

A condition on an unknown key has no answer here: only a real request shows, for example, its VPC endpoint. So
the result says which keys are missing, and what IAM answers if the request lacks them too. Sources: IAM User
Guide, "IAM JSON policy elements: Condition operators" and "Conditions with multiple context keys or values".
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Lower-case key → its values. A key without values is one that the request certainly lacks.
Known = Mapping[str, tuple[str, ...]]
_VARIABLE = re.compile(r"\$\{([^},]+)\}")
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


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a statement's conditions.

    Attributes:
        known: whether all conditions on known keys hold.
        missing: the unknown keys, with the policy's spelling.
        absent: whether the conditions on unknown keys hold for a request that lacks these keys.
    """

    known: bool
    missing: tuple[str, ...]
    absent: bool


def evaluate(conditions: Mapping[str, Any], context: Known) -> Outcome:
    """Return the outcome of a `Condition` element in a context; an empty element holds."""
    known, absent, missing = True, True, dict[str, None]()
    for name, key, wanted in _entries(conditions):
        values = [_expanded(value, context) for value in wanted]
        compare = _COMPARISONS.get(_base(name))
        lacking = [] if key.lower() in context and (compare or name == "Null") else [key]
        lacking += [variable for _, variables in values for variable in variables]
        held = _holds(name, context.get(key.lower(), ()), [text for text, _ in values], compare)
        if lacking:
            missing |= dict.fromkeys(lacking)
            absent = absent and held
        else:
            known = known and held
    return Outcome(known=known, missing=tuple(missing), absent=absent)


def matches(pattern: str, value: str, context: Known | None = None) -> bool:
    """Return whether a pattern with wildcards and variables matches a value."""
    return _like(value, _expanded(pattern, context or {})[0])


def _entries(conditions: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    for name, keys in conditions.items():
        for key, value in keys.items():
            values = value if isinstance(value, list) else [value]
            yield name, key, [str(one).lower() if isinstance(one, bool) else str(one) for one in values]


def _base(name: str) -> str:
    base = name.rpartition(":")[2].removesuffix("IfExists")
    return _NEGATED.get(base, base)


def _holds(
    name: str, actual: tuple[str, ...], wanted: list[str], compare: Callable[[str, str], bool] | None
) -> bool:
    quantifier, _, rest = name.rpartition(":")
    negated = rest.removesuffix("IfExists") in _NEGATED
    if rest == "Null":
        return all((value == "true") != bool(actual) for value in wanted)
    if not actual or compare is None:
        return quantifier == "ForAllValues" or rest.endswith("IfExists") or (negated and not quantifier)
    matched = [any(compare(one, value) for value in wanted) != negated for one in actual]
    if not quantifier:
        # For a negated operator, none of the request's values may match.
        return all(matched) if negated else any(matched)
    return all(matched) if quantifier == "ForAllValues" else any(matched)


def _expanded(value: str, context: Known) -> tuple[str, list[str]]:
    """Return the value with its variables replaced, and the variables that are not known."""
    unknown: list[str] = []

    def of(match: re.Match[str]) -> str:
        found = context.get(match[1].lower(), ())
        if len(found) == 1:
            return found[0]
        if match[1] in ("*", "?", "$"):
            return match[1]
        unknown.append(match[1])
        return match[0]

    return _VARIABLE.sub(of, value), unknown


def _like(actual: str, pattern: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in pattern)
    return re.fullmatch(expression, actual, re.DOTALL) is not None


def _numbers(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def comparison(actual: str, wanted: str) -> bool:
        try:
            return compare(float(actual), float(wanted))
        except ValueError:
            return False

    return comparison


_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": operator.eq,
    "StringEqualsIgnoreCase": lambda actual, wanted: actual.casefold() == wanted.casefold(),
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda actual, wanted: actual.lower() == wanted.lower(),
    "NumericEquals": _numbers(operator.eq),
    "NumericLessThan": _numbers(operator.lt),
    "NumericLessThanEquals": _numbers(operator.le),
    "NumericGreaterThan": _numbers(operator.gt),
    "NumericGreaterThanEquals": _numbers(operator.ge),
}
