"""Policy documents with the position of each statement in the text, which the simulator reports."""

import json
import re
from dataclasses import dataclass
from typing import Any

from sandbox.aws.simulator.errors import InvalidInputError

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Position:
    """A position in a policy document; line and column count from 1, as in the API."""

    line: int
    column: int


@dataclass(frozen=True)
class Statement:
    """One statement of a policy and its position in the text.

    As in AWS's responses, `start` is just after the token before the statement (the opening bracket or the
    previous statement), and `end` is just after its closing brace. The text between them may begin with a
    comma or a space.
    """

    body: dict[str, Any]
    start: Position
    end: Position

    @property
    def allows(self) -> bool:
        """Whether the effect is Allow; the only other value that `parse` accepts is Deny."""
        return bool(self.body["Effect"] == "Allow")

    def values(self, element: str) -> list[Any]:
        """Return the values of `element`, which may be a single value or a list."""
        value = self.body.get(element, [])
        return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class PolicyDocument:
    """A parsed policy; `source_id` and `source_type` name it in MatchedStatements."""

    source_id: str
    source_type: str
    statements: tuple[Statement, ...]


def parse(text: str, *, source_id: str, source_type: str, needs_principal: bool = False) -> PolicyDocument:
    """Parse the JSON text of a policy and check that its statements can be evaluated.

    Raises:
        InvalidInputError: if the text is not a JSON object, or a statement lacks a required element.
    """
    try:
        spans = _scan(text)
    except (ValueError, IndexError) as error:
        raise InvalidInputError(
            f"The policy {source_id} is not a valid JSON policy document: {error}"
        ) from None
    if not spans:
        raise InvalidInputError(f"The policy {source_id} has no Statement.")
    # The older policy version, which is also the default, has no variables.
    # Source: IAM User Guide, "IAM JSON policy elements: Version".
    plain = json.loads(text).get("Version") != "2012-10-17"
    statements = tuple(
        Statement(
            body=_checked(_without_variables(body) if plain else body, source_id, needs_principal),
            start=_at(text, start),
            end=_at(text, end),
        )
        for body, start, end in spans
    )
    return PolicyDocument(source_id, source_type, statements)


def _scan(text: str) -> list[tuple[Any, int, int]]:
    """Return each statement of the top-level object as (body, start offset, end offset)."""
    spans: list[tuple[Any, int, int]] = []
    at = _expect(text, 0, "{")
    while text[_skip(text, at)] != "}":
        name, at = _DECODER.raw_decode(text, _skip(text, at))
        value_at = _skip(text, _expect(text, at, ":"))
        value, at = _DECODER.raw_decode(text, value_at)
        if name == "Statement":
            spans = _elements(text, value_at) if text[value_at] == "[" else [(value, value_at + 1, at)]
        if text[_skip(text, at)] == ",":
            at = _expect(text, at, ",")
    if text[_expect(text, at, "}") :].strip():
        raise ValueError("there is text behind the closing brace")
    return spans


def _elements(text: str, bracket: int) -> list[tuple[Any, int, int]]:
    spans: list[tuple[Any, int, int]] = []
    at = bracket + 1
    while text[_skip(text, at)] != "]":
        start = at
        if spans:
            at = _expect(text, at, ",")
        body, at = _DECODER.raw_decode(text, _skip(text, at))
        spans.append((body, start, at))
    return spans


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _expect(text: str, at: int, token: str) -> int:
    at = _skip(text, at)
    if text[at] != token:
        raise ValueError(f"expected {token!r} at character {at}, found {text[at]!r}")
    return at + 1


def _at(text: str, offset: int) -> Position:
    line_start = text.rfind("\n", 0, offset) + 1
    return Position(line=text.count("\n", 0, offset) + 1, column=offset - line_start + 1)


def _checked(body: Any, source_id: str, needs_principal: bool) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise InvalidInputError(f"The policy {source_id} has a statement that is not an object: {body!r}")
    faults = [
        ("Effect must be Allow or Deny", body.get("Effect") not in ("Allow", "Deny")),
        ("one of Action and NotAction is needed", ("Action" in body) == ("NotAction" in body)),
        ("one of Resource and NotResource is needed", ("Resource" in body) == ("NotResource" in body)),
        (
            "Principal has no place in an identity-based policy",
            not needs_principal and _names_principal(body),
        ),
        ("Principal is needed in a resource-based policy", needs_principal and not _names_principal(body)),
        (
            "NotPrincipal is only for Deny",
            "NotPrincipal" in body and body.get("Effect") == "Allow",
        ),
    ]
    found = [fault for fault, present in faults if present]
    if found:
        raise InvalidInputError(f"The policy {source_id} has a malformed statement: {'; '.join(found)}.")
    return body


def _without_variables(value: Any) -> Any:
    """Return the value with every `${` escaped, because the older version has no variables."""
    if isinstance(value, str):
        return value.replace("${", "${$}{")
    if isinstance(value, list):
        return [_without_variables(one) for one in value]
    if isinstance(value, dict):
        return {name: _without_variables(one) for name, one in value.items()}
    return value


def _names_principal(body: dict[str, Any]) -> bool:
    return "Principal" in body or "NotPrincipal" in body
