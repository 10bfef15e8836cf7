"""CloudTrail's rights in a policy, and which trails need them (docs/adr/0026-trails-keep-delivering.md).

A trail that loses a right keeps recording but delivers nothing, and nobody notices. Source: AWS CloudTrail
User Guide, "Amazon S3 bucket policy for CloudTrail" (a misconfigured trail) and "Controlling access to
CloudTrail". So a run narrows the set-up's statements only for trails that do not exist any more.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from cloudtrail_to_delta.params.locations import ROOT
from cloudtrail_to_delta.setup.resources import Document

SERVICE = {"Service": "cloudtrail.amazonaws.com"}
# The account in `aws:SourceAccount`, in a folder of the bucket, and in KMS's encryption context.
_ACCOUNT = re.compile(rf"(\d{{12}})|.*/{ROOT}/(\d{{12}})/\*|arn:[^:]+:cloudtrail:\*:(\d{{12}}):trail/\*")
_SHOWN = 3


def values(value: Any) -> list[Any]:
    """Return the values of a policy element, which may be a list or a single value."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def delivery_statements_in(policy: Document | None, ids: Collection[str]) -> dict[str, Document]:
    """Return id → statement, for those statements with these ids that give CloudTrail a right."""
    return {
        one["Sid"]: one
        for one in (policy or {}).get("Statement", [])
        if one.get("Sid") in ids and _is_for_cloudtrail(one)
    }


def lets_cloudtrail_in(policy: Document | None) -> bool:
    """Return whether any statement of a policy gives CloudTrail a right, including those of others."""
    return any(_is_for_cloudtrail(one) for one in (policy or {}).get("Statement", []))


def named_trails(statements: Mapping[str, Document]) -> set[str]:
    """Return the ARNs of the trails that statements name as their source."""
    return {arn for one in statements.values() for arn in _sources(one)}


def narrowed(statement: Document, relying: Collection[str]) -> Document | None:
    """Return a statement with its values for these trails only; None if there are none."""
    return _kept(statement, _Keep(relying, ())) if relying else None


def widened(wanted: Document, existing: Document, relying: Collection[str]) -> Document:
    """Return the wanted statement, with the values that an existing one has for these trails in addition."""
    keep = _Keep(relying, tuple(_sources(wanted)))
    joined: Document = _joined(wanted, existing, keep) if relying else wanted
    return joined


def delivery_note(
    before: Mapping[str, Document], after: Mapping[str, Document], relying: Collection[str]
) -> str:
    """Return in words whose delivery two versions of the set-up's statements allow."""
    old, new = named_trails(before), named_trails(after)
    parts = {
        "lets CloudTrail deliver": new - old,
        "no longer lets CloudTrail deliver": old - new,
        "still needed by": {arn for arn in relying if arn in new and arn in old},
    }
    return ", ".join(f"{words} {listed(arns)}" for words, arns in parts.items() if arns and old != new)


def listed(names: Collection[str]) -> str:
    """Return names as text; of many names, the first ones and the number of the others."""
    ordered = sorted(names)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return f"{', '.join(ordered[:_SHOWN])}{more}"


class _Keep:
    """Decides which values of a statement these trails need."""

    def __init__(self, relying: Collection[str], wanted: Collection[str]) -> None:
        self._arns = {*relying, *wanted}
        self._accounts = {arn.split(":")[4] for arn in self._arns}

    def __call__(self, value: Any) -> bool:
        if not isinstance(value, str):
            return True
        if found := _ACCOUNT.fullmatch(value):
            return next(filter(None, found.groups())) in self._accounts
        return value in self._arns if ":trail/" in value else True


def _joined(wanted: Any, existing: Any, keep: _Keep) -> Any:
    if isinstance(wanted, Mapping):
        old = existing if isinstance(existing, Mapping) else {}
        return {name: _joined(value, old.get(name), keep) for name, value in wanted.items()}
    mine = values(wanted)
    return [*mine, *(one for one in values(existing) if one not in mine and keep(one))]


def _kept(existing: Any, keep: _Keep) -> Any:
    if isinstance(existing, Mapping):
        return {name: _kept(value, keep) for name, value in existing.items()}
    return [one for one in values(existing) if keep(one)]


def _is_for_cloudtrail(statement: Document) -> bool:
    principal = statement.get("Principal")
    named = values(principal.get("Service")) if isinstance(principal, Mapping) else []
    return statement.get("Effect") == "Allow" and SERVICE["Service"] in named


def _sources(statement: Document) -> Iterator[str]:
    for tests in statement.get("Condition", {}).values():
        for key, value in tests.items():
            if key.lower() == "aws:sourcearn":
                yield from values(value)
