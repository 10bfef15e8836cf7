"""What was probably meant by a value that is not known."""

import difflib
import itertools
from collections.abc import Iterable
from typing import Any


def did_you_mean(value: Any, known: Iterable[str]) -> str:
    """` Did you mean '…'?` when something known is close to the value, whatever its case; else nothing."""
    names = {name.lower(): name for name in known}
    meant = str(value).strip().lower()
    close = difflib.get_close_matches(meant, list(names), n=len(names) or 1)

    def likeness(name: str) -> tuple[float, int]:
        # Of equally close ones the one that is alike for longer: slips are seldom in the first letters.
        alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(name, meant, strict=False))
        return difflib.SequenceMatcher(a=name, b=meant).ratio(), len(list(alike))

    return f" Did you mean {names[max(close, key=likeness)]!r}?" if close else ""
