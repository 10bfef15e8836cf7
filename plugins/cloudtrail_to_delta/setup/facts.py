"""Facts: values that a service assigns to a new resource, and the placeholders for them in documents.

AWS assigns the ARN of a new KMS key; Databricks assigns the external id of a storage credential. Until then a
document holds a placeholder such as `${storage credential cloudtrail: external_id}`, which the plan shows.
`fill` replaces it once the resource exists.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from cloudtrail_to_delta.setup.resources import Document

_PLACE = re.compile(r"\$\{([^${}]+: [a-z_]+)\}")


def place_of(resource: str, fact: str) -> str:
    """Return the placeholder for a fact of the resource with this name."""
    return f"${{{resource}: {fact}}}"


def fill(document: Document, facts: Mapping[str, str]) -> Document:
    """Return the document with every known fact filled in; `facts` is `resource: fact` → value."""
    filled: Document = _filled(document, facts)
    return filled


def unknown(document: Document) -> list[str]:
    """Return the facts whose placeholders are still in the document."""
    return sorted(set(_PLACE.findall(json.dumps(document, ensure_ascii=False))))


def named(resource: str, facts: Mapping[str, str]) -> dict[str, str]:
    """Return the facts of a resource in the form that `fill` expects."""
    return {f"{resource}: {fact}": value for fact, value in facts.items()}


def _filled(value: Any, facts: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _PLACE.sub(lambda found: facts.get(found[1], found[0]), value)
    if isinstance(value, list):
        return [_filled(one, facts) for one in value]
    if isinstance(value, dict):
        return {name: _filled(one, facts) for name, one in value.items()}
    return value
