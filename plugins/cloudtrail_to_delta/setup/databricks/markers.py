"""Marks for objects that cannot have tags: the set-up's name at the end of their comment.

Clusters have tags. Storage credentials and external locations have a comment, and cluster policies have a
description (docs/adr/0023-set-up-ownership.md).
"""

import re

from cloudtrail_to_delta.setup.resources import TAG

_MARK = re.compile(rf"\[{TAG}: ([a-z][a-z0-9]*)\]$")


def marked(words: str, setup: str) -> str:
    """Return the comment of an object that this set-up creates."""
    return f"{words} [{TAG}: {setup}]"


def owner_of(comment: object) -> str:
    """Return the name of the set-up that created the object with this comment; empty for none."""
    found = _MARK.search(str(comment or "").strip())
    return found[1] if found else ""
