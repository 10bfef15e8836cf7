"""The plan: the current state, the planned state and their difference, for a person to review."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self

from cloudtrail_to_delta.setup.resources import Document

Verb = Literal["create", "change", "keep", "adopt", "delete", "release"]

IN_WORDS: dict[Verb, str] = {
    "create": "will be created",
    "change": "will be changed",
    "keep": "is up to date",
    "adopt": "already exists and is not managed by this set-up; adopted, not changed",
    "delete": "will be deleted",
    "release": "will be kept, but loses the set-up's tag",
}
# The verbs that write something and therefore need approval.
WRITES: frozenset[Verb] = frozenset({"create", "change", "delete", "release"})


@dataclass(frozen=True, kw_only=True)
class Change:
    """The planned change of one resource.

    Attributes:
        before: the current document; None if the resource does not exist.
        after: the planned document; None if the resource will be deleted.
        left: for an adopted resource, the document that the set-up would want; None if it does not differ.
        note: the reason, in words; empty if the verb is enough.
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
        """Whether the change writes anything."""
        return self.verb in WRITES

    @property
    def changed(self) -> list[str]:
        """The settings that change, or that stay different in an adopted resource; empty for a new one."""
        after = self.after if self.left is None else self.left
        if self.before is None or after is None:
            return []
        names = {*self.before, *after}
        return sorted(name for name in names if self.before.get(name) != after.get(name))

    def diff(self) -> str:
        """Return the unified diff of the two documents; empty if they are equal."""
        return unified_diff(self.before, self.after, name=self.resource)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The changes, in the order in which they are applied. `mode` is `apply` or `remove`."""

    setup: str
    mode: str
    changes: tuple[Change, ...]

    @property
    def writes(self) -> tuple[Change, ...]:
        """The changes that write something; empty if there is nothing to do."""
        return tuple(change for change in self.changes if change.writes)

    @property
    def digest(self) -> str:
        """A hash of the whole plan, which identifies it."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as an XCom holds it."""
        return {
            "setup": self.setup,
            "mode": self.mode,
            "changes": [asdict(change) for change in self.changes],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` has written."""
        known = {field.name for field in fields(Change)}
        changes = tuple(
            Change(**{name: value for name, value in change.items() if name in known})
            for change in values["changes"]
        )
        return cls(setup=values["setup"], mode=values["mode"], changes=changes)

    def with_notes(self, notes: Mapping[str, str]) -> Self:
        """Return the plan with these notes added; `notes` is resource name → note."""
        changes = tuple(
            replace(change, note=", ".join(filter(None, (change.note, notes.get(change.resource, "")))))
            for change in self.changes
        )
        return replace(self, changes=changes)

    def summary(self) -> str:
        """Return one line with the number of changes of each verb."""
        if not self.writes:
            return f"Nothing to do: all {len(self.changes)} resources stay as they are."
        counts = {
            verb: sum(change.verb == verb for change in self.changes)
            for verb in dict.fromkeys(change.verb for change in self.changes)
        }
        return ", ".join(f"{count} {verb}" for verb, count in counts.items()) + f" (plan {self.digest[:12]})"

    def render(self) -> str:
        """Return the whole plan as text for the log."""
        return "\n".join([self.summary(), *(line for change in self.changes for line in _as_text(change))])

    def render_markdown(self, *, log_url: str = "") -> str:
        """Return one line for each change, for the approval page: first the changes, last the rest.

        Resources of one action that are all created, or all deleted, share a line; each trail has its own.
        The diffs are in the log, at `log_url`: Airflow's page cannot collapse text, and it shows the buttons
        below the text (docs/adr/0022-set-up-plan.md).
        """
        where = f"[the log of `plan`]({log_url})" if log_url else "the log of `plan`"
        left = [change for change in self.changes if not change.writes and change.changed]
        same = [change.resource for change in self.changes if not change.writes and not change.changed]
        lines = [f"- {line}" for line in _lines_of((*self.writes, *left))]
        parts = [f"The diff of every setting and policy is in {where}.", "\n".join(lines)]
        if same:
            parts.append(f"No change: {_names(same)}.")
        return "\n\n".join(filter(None, parts))


def unified_diff(
    before: Document | None,
    after: Document | None,
    *,
    name: str,
    labels: tuple[str, str] = ("current", "planned"),
) -> str:
    """Return the unified diff of two documents as JSON, with all of their lines."""
    old, new = _lines(before), _lines(after)
    if old == new:
        return ""
    whole = max(len(old), len(new))
    left, right = (f"{name} ({label})" for label in labels)
    return "\n".join(difflib.unified_diff(old, new, left, right, n=whole, lineterm=""))


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


def _lines_of(changes: Iterable[Change]) -> list[str]:
    """Return a line for each change; those that differ in the resource only share one."""
    groups: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        plain = not (change.note or change.changed or change.action == "trail")
        groups.setdefault((change.action, change.verb if plain else change.resource), []).append(change)
    return [
        _line(replace(group[0], resource=", ".join(one.resource for one in group)))
        for group in groups.values()
    ]


def _names(resources: list[str]) -> str:
    """Return the names of resources, with the number of privileges instead of each."""
    others = [name for name in resources if not name.startswith("privileges ")]
    count = len(resources) - len(others)
    return ", ".join(others + ([f"{count} privileges" if count > 1 else "1 privilege"] if count else []))


def _headline(change: Change) -> str:
    note = f" ({change.note})" if change.note else ""
    return f"{change.action}: {change.resource} {IN_WORDS[change.verb]}{note}"


def _diffs(change: Change) -> Iterable[tuple[str, str]]:
    if diff := change.diff():
        yield "", diff
    if change.left is not None:
        yield (
            "This difference stays, because this set-up does not manage the resource. To change it, add "
            f"{change.action!r} to change_adopted:",
            unified_diff(change.before, change.left, name=change.resource),
        )
