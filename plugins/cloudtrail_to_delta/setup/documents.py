"""Policy documents: their normalized form, the set-up's statements in them, and the services' size limits.

S3 may return a policy in another form: it replaces a list of one value by that value. Documents are therefore
compared in a normalized form, with sorted lists and without lists of one value. This does not change what a
statement allows. Source: IAM User Guide, "IAM JSON policy elements reference" and "Grammar".
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cloudtrail_to_delta.errors import FatalError
from cloudtrail_to_delta.setup.resources import Document

VERSION = "2012-10-17"


class PolicyTooLargeError(FatalError):
    """A policy that exceeds the size limit of its service. It was not sent."""


def sid(setup: str, purpose: str) -> str:
    """Return the id of one of the set-up's statements: letters and digits, as IAM requires.

    No two set-ups share an id: `setup` has lowercase letters and digits, and `purpose` starts with a capital.
    """
    return f"CloudTrailSetup{setup.capitalize()}{purpose}"


def policy(statements: Sequence[Document]) -> Document:
    """Return a normalized document with these statements."""
    return normalized({"Version": VERSION, "Statement": list(statements)})


def normalized(document: Mapping[str, Any]) -> Document:
    """Return the policy in its normalized form. The statements keep their order."""
    statements = document.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    return {**document, "Statement": [_statement(one) for one in statements]}


def merged(
    existing: Document | None, ours: Mapping[str, Document], *, managed: Collection[str]
) -> Document | None:
    """Return `existing` with the set-up's statements, each in its old place; None if nothing is left.

    Args:
        existing: the normalized policy, or None.
        ours: statement id → wanted statement.
        managed: the statement ids that this run manages; it removes those that are not in `ours`.
    """
    missing = dict(ours)
    statements = []
    for statement in (existing or {}).get("Statement", []):
        name = statement.get("Sid")
        if name in missing:
            statements.append(_statement(missing.pop(name) | {"Sid": name}))
        elif name not in managed:
            statements.append(statement)
    statements += [_statement(statement | {"Sid": name}) for name, statement in missing.items()]
    if not statements:
        return None
    return {**(existing or {"Version": VERSION}), "Statement": statements}


def require_size(document: Document, *, limit: int, owner: str, advice: str) -> None:
    """Raise if a policy is too large, before it is sent.

    Args:
        document: the policy.
        limit: the service's limit in bytes, without white space.
        owner: the resource that the policy belongs to, in words.
        advice: what to do.

    Raises:
        PolicyTooLargeError: with both sizes.
    """
    size = len(text(document).encode())
    if size > limit:
        raise PolicyTooLargeError(
            f"the policy of {owner} would have {size} bytes (limit {limit}); it was not sent. {advice}"
        )


def text(document: Document) -> str:
    """Return the policy as it is sent."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _statement(statement: Mapping[str, Any]) -> Document:
    return {name: _value(value) for name, value in sorted(statement.items())}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _value(one) for name, one in sorted(value.items())}
    if isinstance(value, list | tuple):
        return value[0] if len(value) == 1 else sorted(value)
    return value
