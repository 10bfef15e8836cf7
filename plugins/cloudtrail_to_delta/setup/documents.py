"""Policy documents: one form for equal ones, our statements among others', and the services' size limits.

S3 gives a policy back in another form than it was given (a list of one as its value); two documents are
compared in one form, with lists sorted and lists of one as their value. What a statement allows does not
depend on that. Source: IAM User Guide, "IAM JSON policy elements reference" and "Grammar".
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cloudtrail_to_delta.errors import FatalError
from cloudtrail_to_delta.setup.resources import Document

VERSION = "2012-10-17"


class PolicyTooLargeError(FatalError):
    """A policy is larger than its service takes; it was not sent."""


def sid(setup: str, purpose: str) -> str:
    """The id of a statement of ours: letters and digits, as IAM wants it; no two set-ups share one.

    `setup` is small letters and digits, `purpose` starts with a capital letter: the border is never in doubt.
    """
    return f"CloudTrailSetup{setup.capitalize()}{purpose}"


def policy(statements: Sequence[Document]) -> Document:
    """A document of these statements, in the one form."""
    return normalized({"Version": VERSION, "Statement": list(statements)})


def normalized(document: Mapping[str, Any]) -> Document:
    """A policy in the one form; the order of its statements is kept."""
    statements = document.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    return {**document, "Statement": [_statement(one) for one in statements]}


def merged(
    existing: Document | None, ours: Mapping[str, Document], *, managed: Collection[str]
) -> Document | None:
    """`existing` with our statements in it, each in the place where it stood; None when nothing is left.

    Args:
        existing: the policy in the one form, or None.
        ours: statement id → statement, as it should be.
        managed: the statement ids that this run decides about; those of them not in `ours` are taken out.
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
    """Refuse a policy before it is sent.

    Args:
        document: the policy.
        limit: bytes that the service takes, without white space.
        owner: whose policy, in words.
        advice: what to do.

    Raises:
        PolicyTooLargeError: with both sizes.
    """
    size = len(text(document).encode())
    if size > limit:
        raise PolicyTooLargeError(
            f"the policy of {owner} would have {size} bytes, {limit} are allowed; it was not sent. {advice}"
        )


def text(document: Document) -> str:
    """The policy as it is sent."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _statement(statement: Mapping[str, Any]) -> Document:
    return {name: _value(value) for name, value in sorted(statement.items())}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _value(one) for name, one in sorted(value.items())}
    if isinstance(value, list | tuple):
        return value[0] if len(value) == 1 else sorted(value)
    return value
