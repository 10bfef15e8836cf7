"""Suggests the known value that an unknown one was probably meant to be."""

import difflib
import itertools
from collections.abc import Iterable
from typing import Any


def did_you_mean(value: Any, known: Iterable[str]) -> str:
    """Return ` Did you mean '…'?` if a known name is close to the value in any case; else an empty text."""
    names = {name.lower(): name for name in known}
    meant = str(value).strip().lower()
    close = difflib.get_close_matches(meant, list(names), n=len(names) or 1)

    def likeness(name: str) -> tuple[float, int]:
        # Among equally close names, prefer the longest common start: few typos are in the first letters.
        alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(name, meant, strict=False))
        return difflib.SequenceMatcher(a=name, b=meant).ratio(), len(list(alike))

    return f" Did you mean {names[max(close, key=likeness)]!r}?" if close else ""
