"""A plan: what is there, what will be there, and the difference, as a person reviews it."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self

from cloudtrail_to_delta.setup.resources import Document

Verb = Literal["create", "change", "keep", "adopt", "delete", "release"]

IN_WORDS: dict[Verb, str] = {
    "create": "will be made",
    "change": "will be changed",
    "keep": "is as it should be",
    "adopt": "is there already and not ours: adopted, not changed",
    "delete": "will be deleted",
    "release": "will be kept, without our tag",
}
# What needs approval, because it writes.
WRITES: frozenset[Verb] = frozenset({"create", "change", "delete", "release"})


@dataclass(frozen=True, kw_only=True)
class Change:
    """What becomes of one resource.

    Attributes:
        before: the document as it was read; None when there was nothing.
        after: the document as it will be; None when it will be gone.
        left: of something adopted, what it would be if the set-up could change it; None when the same.
        note: why, in words; empty when the verb says it all.
    """

    action: str
    resource: str
    verb: Verb
    before: Document | None
    after: Document | None
    left: Document | None = None
    note: str = ""

    @property
    def writes(self) -> bool:
        """Whether applying it writes anything."""
        return self.verb in WRITES

    @property
    def changed(self) -> list[str]:
        """The settings that will differ, or that stay different in something adopted; none of a new one."""
        after = self.after if self.left is None else self.left
        if self.before is None or after is None:
            return []
        names = {*self.before, *after}
        return sorted(name for name in names if self.before.get(name) != after.get(name))

    def diff(self) -> str:
        """The unified diff of the two documents; empty when they are equal."""
        return unified_diff(self.before, self.after, name=self.resource)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The changes in the order in which they are applied; `mode` is `apply` or `remove`."""

    setup: str
    mode: str
    changes: tuple[Change, ...]

    @property
    def writes(self) -> tuple[Change, ...]:
        """The changes that write; empty when there is nothing to do."""
        return tuple(change for change in self.changes if change.writes)

    @property
    def digest(self) -> str:
        """Names this plan and no other: of everything in it."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The plan as an XCom holds it."""
        return {
            "setup": self.setup,
            "mode": self.mode,
            "changes": [asdict(change) for change in self.changes],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The reverse of `to_dict`."""
        known = {field.name for field in fields(Change)}
        changes = tuple(
            Change(**{name: value for name, value in change.items() if name in known})
            for change in values["changes"]
        )
        return cls(setup=values["setup"], mode=values["mode"], changes=changes)

    def with_notes(self, notes: Mapping[str, str]) -> Self:
        """The plan with a note for some of its resources, by their names, beside those that it has."""
        changes = tuple(
            replace(change, note=", ".join(filter(None, (change.note, notes.get(change.resource, "")))))
            for change in self.changes
        )
        return replace(self, changes=changes)

    def summary(self) -> str:
        """One line: how many of what."""
        if not self.writes:
            return f"Nothing to do: all {len(self.changes)} resources are as they should be."
        counts = {
            verb: sum(change.verb == verb for change in self.changes)
            for verb in dict.fromkeys(change.verb for change in self.changes)
        }
        return ", ".join(f"{count} {verb}" for verb, count in counts.items()) + f" (plan {self.digest[:12]})"

    def render(self) -> str:
        """Everything, as text for the log."""
        return "\n".join([self.summary(), *(line for change in self.changes for line in _as_text(change))])

    def render_markdown(self, *, log_url: str = "") -> str:
        """One line for each resource, for the page of the approval: what writes first, what stays last.

        The diffs are in the log, at `log_url`: Airflow's page can fold nothing, and its buttons are below the
        text (docs/adr/0088-the-approval-is-short.md).
        """
        where = f"[the log of `plan`]({log_url})" if log_url else "the log of `plan`"
        left = [change for change in self.changes if not change.writes and change.changed]
        same = [change.resource for change in self.changes if not change.writes and not change.changed]
        lines = [f"- {_line(change)}" for change in (*self.writes, *left)]
        parts = [f"Every setting and policy, as a diff, is in {where}.", "\n".join(lines)]
        if same:
            parts.append(f"No change: {', '.join(same)}.")
        return "\n\n".join(filter(None, parts))


def unified_diff(before: Document | None, after: Document | None, *, name: str) -> str:
    """The unified diff of two documents as JSON, with all of their lines."""
    old, new = _lines(before), _lines(after)
    if old == new:
        return ""
    whole = max(len(old), len(new))
    shown = difflib.unified_diff(old, new, f"{name} (as it is)", f"{name} (as planned)", n=whole, lineterm="")
    return "\n".join(shown)


def _lines(document: Document | None) -> list[str]:
    return (
        []
        if document is None
        else json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False).split("\n")
    )


def _as_text(change: Change) -> Iterable[str]:
    yield ""
    yield _headline(change)
    for title, diff in _diffs(change):
        if title:
            yield title
        yield diff


def _line(change: Change) -> str:
    settings = f": {', '.join(change.changed)}" if change.changed else ""
    return f"{_headline(change)}{settings}"


def _headline(change: Change) -> str:
    note = f" ({change.note})" if change.note else ""
    return f"{change.action}: {change.resource} {IN_WORDS[change.verb]}{note}"


def _diffs(change: Change) -> Iterable[tuple[str, str]]:
    if diff := change.diff():
        yield "", diff
    if change.left is not None:
        yield (
            f"This difference stays, it is not ours; name {change.action!r} in change_adopted to change it:",
            unified_diff(change.before, change.left, name=change.resource),
        )
