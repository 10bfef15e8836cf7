"""Whose an object is that cannot have tags: the set-up's name at the end of its comment.

Clusters have tags; storage credentials and external locations have a comment, cluster policies a description
(docs/adr/0060-whose-in-databricks.md).
"""

import re

from cloudtrail_to_delta.setup.resources import TAG

_MARK = re.compile(rf"\[{TAG}: ([a-z][a-z0-9]*)\]$")


def marked(words: str, setup: str) -> str:
    """The comment of something that this set-up makes."""
    return f"{words} [{TAG}: {setup}]"


def owner_of(comment: object) -> str:
    """The set-up that made what has this comment; empty when none did."""
    found = _MARK.search(str(comment or "").strip())
    return found[1] if found else ""
