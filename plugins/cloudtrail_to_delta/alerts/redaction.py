"""Keeps secrets out of alerts, and keeps text from other sources from forging a line.

Everything that looks like a secret is removed before a text is sent or stored, and the text becomes one line.
"""

import re
from collections.abc import Iterable

HIDDEN = "…"
# A reason may quote a long driver error. SNS accepts 256 kB, people read less.
REASON_LIMIT = 4000
# An error may quote a field of a log file, so the time of every pattern grows in proportion to the text: what
# a pattern skips before it decides is bounded, or cannot begin a second match.
_SECRETS = (
    # AWS access key ids, and values after a name such as "token".
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(
        r"(?i)((?:secret|token|passw(?:or)?d|api[_-]?key|credential|signature)"
        r"[\w-]{0,64}['\"]? ?[:=] ?['\"]?)"
        r"[^\s'\",;&}]+"
    ),
    re.compile(r"(?i)\b(bearer )[\w.~+/=-]{8,}"),
    re.compile(r"\bdapi[0-9a-f]{16,}(?:-\d+)?\b"),
    # JSON Web Tokens.
    re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    # User name and password in a URL.
    re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{0,31}://)[^/\s@]+(?=@)"),
)


def redact(text: str, secrets: Iterable[str] = (), *, limit: int = REASON_LIMIT) -> str:
    """Return the text in one line, without the given secrets, those that Airflow masks, and likely ones."""
    from airflow.sdk.log import redact as redact_known  # type: ignore[attr-defined] # it re-exports it

    for secret in sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    # No pattern finds a secret that the limit cuts in half, so cut later. Ten times the limit bounds the
    # work.
    text = one_line(str(redact_known(text[: 10 * limit])))
    for pattern in _SECRETS:
        text = pattern.sub(lambda found: (found.group(1) if found.re.groups else "") + HIDDEN, text)
    return text if len(text) <= limit else text[: limit - 1] + HIDDEN


def one_line(text: str) -> str:
    """Return the text in one line: line breaks, control and direction characters become spaces."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
