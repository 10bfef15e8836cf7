"""The tags of what the set-up makes: its own, which marks the owner, and those of the param `tags`.

A run keeps the tags of the param up to date and leaves all others alone. A tag that the param no longer names
stays.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cloudtrail_to_delta.setup.resources import TAG, Document

Tags = Mapping[str, str]


def tag_value(tags: Iterable[Any]) -> str:
    """Return the value of the set-up's tag among `{"Key": …, "Value": …}`; empty if it is missing."""
    return as_mapping(tags).get(TAG, "")


def as_mapping(tags: Iterable[Any]) -> dict[str, str]:
    """Return the tags of an answer as key → value; KMS has other names for both."""
    return {
        str(one.get("Key", one.get("TagKey"))): str(one.get("Value", one.get("TagValue"))) for one in tags
    }


def as_pairs(tags: Tags, *, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Return tags as a call takes them."""
    return [{key: name, value: text} for name, text in tags.items()]


def for_new(setup: str, tags: Tags) -> dict[str, str]:
    """Return all tags of a new resource."""
    return {TAG: setup, **tags}


def wanted_tags(tags: Tags) -> Document:
    """Return the part of a document that the param `tags` asks for; nothing without the param."""
    return {"tags": dict(tags)} if tags else {}


def found_tags(found: Iterable[Any], tags: Tags) -> Document:
    """Return the same part as it is: the tags that the param names, as far as they exist."""
    held = as_mapping(found)
    return {"tags": {name: held[name] for name in tags if name in held}} if tags else {}


def changed_tags(now: Document, after: Document) -> dict[str, str]:
    """Return the tags to write, of two documents."""
    held = now.get("tags", {})
    return {name: value for name, value in after.get("tags", {}).items() if held.get(name) != value}
