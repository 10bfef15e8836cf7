"""No secret leaves in an alert: what looks like one is cut out of every text before it is sent or kept."""

import re
from collections.abc import Iterable

HIDDEN = "…"
# A reason may quote a long driver error; SNS takes 256 kB, a person reads less.
REASON_LIMIT = 2000
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
    """The text without secrets: those given, those that Airflow knows, and what has the look of one."""
    from airflow.sdk.log import redact as redact_known  # type: ignore[attr-defined] # it re-exports it

    for secret in sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    # A secret that the cut would halve is out of every pattern's sight: cut late, but not after megabytes.
    text = str(redact_known(text[: 10 * limit]))
    for pattern in _SECRETS:
        text = pattern.sub(lambda found: (found.group(1) if found.re.groups else "") + HIDDEN, text)
    return text if len(text) <= limit else text[: limit - 1] + HIDDEN
