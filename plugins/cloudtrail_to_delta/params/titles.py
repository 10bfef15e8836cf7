"""Adds the titles of the form to violations, for people who read in a log what is wrong with their values."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cloudtrail_to_delta.errors import InvalidRequestError

if TYPE_CHECKING:
    from airflow.sdk import Param

# A sentence of the contract names params as `name=value`, `name is missing` or `change one or other.`
_NAMED = re.compile(r"(^|, |and )(\w+)(?==| is missing)")
_CHANGE = re.compile(r"(?<= change )[\w, ]+(?=\.$)")


@contextmanager
def titled(form: "Mapping[str, Param]") -> Iterator[None]:
    """Name params in violations by the name in the contract and the title in the form.

    For example: `target_root (Delta root)='x': …`.

    Raises:
        InvalidRequestError: the error that the block raises, with titles.
    """
    try:
        yield
    except InvalidRequestError as refused:
        raise InvalidRequestError([_with_titles(one, form) for one in refused.violations]) from None


def _with_titles(violation: str, form: "Mapping[str, Param]") -> str:
    def both(name: str) -> str:
        title = form[name].schema.get("title") if name in form else None
        return f"{name} ({title})" if title else name

    violation = _NAMED.sub(lambda found: found[1] + both(found[2]), violation)
    return _CHANGE.sub(lambda found: re.sub(r"\w+", lambda word: both(word[0]), found[0]), violation)
