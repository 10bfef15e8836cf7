"""Matching of actions, resources and condition values: wildcards and policy variables.

IAM User Guide, "IAM JSON policy elements: Resource" and "Variables and tags": `*` matches any characters and
`?` matches one. `${aws:username}` is the value in the request context, and `${aws:username, 'nobody'}` has a
default. `${*}`, `${?}` and `${$}` are the literal characters.
"""

import re
from collections.abc import Mapping

# Request context: lower-case key → values. IAM compares key names without regard to case.
Context = Mapping[str, tuple[str, ...]]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"\s*([^,\s]+)\s*,\s*'([^']*)'\s*")


def action_matches(pattern: str, action: str) -> bool:
    """Return whether `pattern` matches `action`; neither the service nor the name is case-sensitive."""
    return re.fullmatch(_wildcards(pattern.lower()), action.lower()) is not None


def value_matches(pattern: str, value: str, context: Context) -> bool:
    """Return whether `pattern` matches `value`; a pattern with a variable without a value matches nothing."""
    try:
        return re.fullmatch(_expression(pattern, context), value, re.DOTALL) is not None
    except KeyError:
        return False


def resource_matches(pattern: str, arn: str, context: Context) -> bool:
    """Match a Resource element: a `*` stays within its segment, unless it is the segment's last character.

    Source: IAM User Guide, "IAM JSON policy elements: Resource", "Using wildcards in resource ARNs".
    """
    # ${*} is the literal character, so it stays.
    within = re.sub(r"(?<!\$\{)\*(?=[^:*])", "\0", pattern)
    try:
        expression = _expression(within, context).replace(re.escape("\0"), "[^:]*")
    except KeyError:
        return False
    return re.fullmatch(expression, arn, re.DOTALL) is not None


def arn_matches(pattern: str, arn: str, context: Context) -> bool:
    """Match as ArnLike and ArnEquals: each of the six parts separately, so that `*` cannot cross a colon."""
    parts = list(zip(_split(pattern), arn.split(":", 5), strict=False))
    return len(parts) == 6 and all(value_matches(wanted, part, context) for wanted, part in parts)


def expand(pattern: str, context: Context) -> str:
    """Return `pattern` with its variables' values, without wildcards, for operators that compare exactly.

    Raises:
        KeyError: if a variable has neither a single value in the context nor a default.
    """
    return _VARIABLE.sub(lambda match: _variable(match.group(1), context), pattern)


def variables(pattern: str) -> list[str]:
    """Return the context keys that `pattern` names without a default."""
    names = [match.group(1) for match in _VARIABLE.finditer(pattern)]
    return [name for name in names if name not in ("*", "?", "$") and "," not in name]


def _expression(pattern: str, context: Context) -> str:
    """Return the regular expression for `pattern`; a variable's value is literal."""
    expression, at = "", 0
    for match in _VARIABLE.finditer(pattern):
        expression += _wildcards(pattern[at : match.start()]) + re.escape(_variable(match.group(1), context))
        at = match.end()
    return expression + _wildcards(pattern[at:])


def _wildcards(text: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in text)


def _variable(name: str, context: Context) -> str:
    if name in ("*", "?", "$"):
        return name
    with_default = _DEFAULT.fullmatch(name)
    key = with_default.group(1) if with_default else name.strip()
    values = context.get(key.lower(), ())
    if len(values) == 1:
        return values[0]
    if with_default:
        return with_default.group(2)
    raise KeyError(key)


def _split(pattern: str) -> list[str]:
    """Return the parts of an ARN pattern; a colon inside `${…}` does not separate them."""
    hidden = _VARIABLE.sub(lambda match: match.group(0).replace(":", "\0"), pattern)
    return [part.replace("\0", ":") for part in hidden.split(":", 5)]
