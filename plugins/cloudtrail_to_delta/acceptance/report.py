"""The report of an acceptance run: JSON, and the same as text. It identifies nobody.

Sentences of Databricks may name anything, so what looks like a name is replaced, and every name that the run
knows: from the params, the connection and the workspace. The same name has the same substitute everywhere.
Versions, counts and states stay, and so do the words between.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloudtrail_to_delta import __version__
from cloudtrail_to_delta.acceptance.redaction import Redactor
from cloudtrail_to_delta.acceptance.rules import RULES
from cloudtrail_to_delta.acceptance.steps import Answer

# What looks like a name: addresses, paths, ARNs, emails, ids, dotted names, and whatever is in quotes.
_NAMES = re.compile(
    r"[a-z0-9+]+://\S+|/Volumes/\S+|arn:\S+|\S+@\S+\.\S+|\b[0-9]{12}\b|\bo-[a-z0-9]{10,32}\b"
    r"|\b[0-9a-f]{8}-[0-9a-f-]{20,}\b|\b[0-9]{4}-[0-9]{6}-[a-z0-9]+\b|\b[0-9a-f]{16,}\b"
    r"|`[^`]+`|'[^'\n]+'|\"[^\"\n]+\"|\b[a-z_][\w-]*(?:\.[a-z_][\w-]*)+\b"
)
# Words that a name may have and that say nothing about anybody.
_PLAIN = frozenset(
    [
        *("main", "default", "true", "false", "none", "events", "keep", "listing", "serverless"),
        *("existing_cluster", "new_cluster", "file_events", "notifications", "available_now", "require"),
        *("package_index", "warn", "off", "hive_metastore", "auto"),
    ]
)
_SHORTEST = 4


class Redaction:
    """Replaces names in sentences."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take the names that the run knows; short and plain words among them stay."""
        self._redactor = Redactor()
        parts = {part for name in names for part in (name, *re.split(r"[/.:@\s]+", name))}
        kept = [part for part in parts if len(part) >= _SHORTEST and not self._is_plain(part)]
        self._known = re.compile(
            "|".join(re.escape(one) for one in sorted(kept, key=len, reverse=True)) or r"(?!)"
        )

    def text(self, found: str) -> str:
        """Return a sentence with a substitute for each name."""
        once = _NAMES.sub(lambda match: self._substitute(match[0]), found)
        return self._known.sub(lambda match: self._substitute(match[0]), once)

    def _substitute(self, name: str) -> str:
        quote = name[0] if name[0] in "`'\"" else ""
        bare = name.strip("`'\"")
        if self._is_plain(bare) or re.fullmatch(r"name-\d+", bare):
            return name
        return f"{quote}{self._redactor.text(bare)}{quote}"

    @staticmethod
    def _is_plain(word: str) -> bool:
        return (
            word in _PLAIN
            or re.fullmatch(r"[\d.,]{1,11}|[A-Z_]+", word) is not None
            or word.startswith("acceptance")
        )


def report_of(answers: Sequence[Answer], *, names: Iterable[str], compute: str) -> dict[str, Any]:
    """Return the report.

    Args:
        answers: all answers, in their order.
        names: every name that the run knows.
        compute: the kind of compute, such as `new_cluster`.
    """
    redaction = Redaction(names)
    return {
        "product": __version__,
        "compute": compute,
        "answers": [
            {
                "question": one.question,
                "status": one.status,
                "rule": one.rule,
                "detail": redaction.text(one.detail),
                "facts": dict(one.facts),
            }
            for one in answers
        ],
    }


def text_of(report: Mapping[str, Any]) -> str:
    """Return a report as text: a line for each answer, with the rule of each failure."""
    lines = []
    for one in report["answers"]:
        rule = f"{one['rule']} ({RULES[one['rule']]}): " if one["rule"] else ""
        facts = ", ".join(f"{name}={value}" for name, value in one["facts"].items())
        detail = f"{rule}{one['detail']}"
        lines.append(
            f"{one['status']:9}  {one['question']:20}  {detail}{f' [{facts}]' if facts else ''}".rstrip()
        )
    counts = [one["status"] for one in report["answers"]]
    total = ", ".join(f"{counts.count(status)} {status}" for status in ("failed", "passed", "not asked"))
    return "\n".join([*lines, total])
