"""No secret leaves in an alert, and no text from elsewhere forges a line of it.

What looks like a secret is cut out of every text before it is sent or kept, and the text becomes one line.
"""

import re
from collections.abc import Iterable

HIDDEN = "…"
# A reason may quote a long driver error; SNS takes 256 kB, a person reads less.
REASON_LIMIT = 4000
_SECRETS = (
    # AWS access key ids, and what stands beside a name that says what it is.
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(
        r"(?i)((?:secret|token|passw(?:or)?d|api[_-]?key|credential|signature)[\w-]*['\"]?\s*[:=]\s*['\"]?)"
        r"[^\s'\",;&}]+"
    ),
    re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{8,}"),
    re.compile(r"\bdapi[0-9a-f]{16,}(?:-\d+)?\b"),
    # JSON Web Tokens.
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    # User and password in a URL.
    re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)[^/\s@]+(?=@)"),
)


def redact(text: str, secrets: Iterable[str] = (), *, limit: int = REASON_LIMIT) -> str:
    """The text in one line, without secrets: those given, those that Airflow knows, what looks like one."""
    from airflow.sdk.log import redact as redact_known  # type: ignore[attr-defined] # it re-exports it

    for secret in sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    # A secret that the cut would halve is out of every pattern's sight: cut late, but not after megabytes.
    text = str(redact_known(text[: 10 * limit]))
    for pattern in _SECRETS:
        text = pattern.sub(lambda found: (found.group(1) if found.re.groups else "") + HIDDEN, text)
    text = one_line(text)
    return text if len(text) <= limit else text[: limit - 1] + HIDDEN


def one_line(text: str) -> str:
    """The text in one line: line breaks, control characters and changes of direction become spaces."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
