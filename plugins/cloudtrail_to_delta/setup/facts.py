"""What is known of a resource only once it is there, and what stands for it in a document until then.

A new KMS key's ARN and a storage credential's external id are given by the service. A document that needs one
has `${storage credential cloudtrail: external_id}` in its place; the plan shows it like that, and `fill`
puts the value there as soon as the resource has been read.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from cloudtrail_to_delta.setup.resources import Document

_PLACE = re.compile(r"\$\{([^${}]+: [a-z_]+)\}")


def place_of(resource: str, fact: str) -> str:
    """What stands in a document for a fact of a resource, by the resource's name."""
    return f"${{{resource}: {fact}}}"


def fill(document: Document, facts: Mapping[str, str]) -> Document:
    """The document with every known fact in its place; `facts` is `resource: fact` → value."""
    filled: Document = _filled(document, facts)
    return filled


def unknown(document: Document) -> list[str]:
    """The facts that a document still waits for."""
    return sorted(set(_PLACE.findall(json.dumps(document, ensure_ascii=False))))


def named(resource: str, facts: Mapping[str, str]) -> dict[str, str]:
    """The facts of a resource as `fill` takes them."""
    return {f"{resource}: {fact}": value for fact, value in facts.items()}


def _filled(value: Any, facts: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _PLACE.sub(lambda found: facts.get(found[1], found[0]), value)
    if isinstance(value, list):
        return [_filled(one, facts) for one in value]
    if isinstance(value, dict):
        return {name: _filled(one, facts) for name, one in value.items()}
    return value
