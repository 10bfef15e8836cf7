"""What was probably meant by a value that is not known."""

import difflib
from collections.abc import Iterable
from typing import Any


def did_you_mean(value: Any, known: Iterable[str]) -> str:
    """` Did you mean '…'?` when something known is close to the value, whatever its case; else nothing."""
    names = {name.lower(): name for name in known}
    close = difflib.get_close_matches(str(value).strip().lower(), list(names), n=1)
    return f" Did you mean {names[close[0]]!r}?" if close else ""
