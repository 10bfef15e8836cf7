"""The XCom `alerts`: what was done about each event of a run. `Teller` writes it, the pages read it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# What was done, as a list of notes; and the targets that the run's params name, as a list of names.
ALERTS_KEY = "alerts"
TARGETS_KEY = "alert_targets"


@dataclass(frozen=True, kw_only=True)
class Note:
    """One message to one target, or one group of events that was not sent.

    Attributes:
        event: the event's name, a key of `EVENTS`, or `digest`.
        subject: a task's id; empty for several or none.
        account: the entry's name, the account (or organization) and its bucket, in words.
        what: sentences without secrets, one line each, at most 20.
        status: `sent` (this target took it), `failed` (it did not; when none did, the next run tries again),
            `counted` (known already, not sent again), `no_targets` (the params name none).
        target: the topic's ARN or the connection's id; empty when nothing was sent.
        error: why the target did not take it; empty when it did.
        since: ISO time of the first sight.
        count: how often it was seen.
        state_error: why the memory of earlier messages could not be used, empty when it could. The message is
            sent then, rather twice than never.
    """

    event: str
    status: str
    subject: str = ""
    account: str = ""
    what: Sequence[str] = ()
    target: str = ""
    error: str = ""
    since: str = ""
    count: int = 0
    state_error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The note as an XCom holds it."""
        return asdict(self) | {"what": list(self.what)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Note":
        """Read a note, of this release or of another: a field that is not known here is ignored.

        Raises:
            TypeError: there is no event or no status, or a field is not of its type.
        """
        note = cls(**{name: one for name, one in value.items() if name in cls.__dataclass_fields__})
        texts = (note.event, note.status, note.subject, note.account, note.target, note.error, note.since)
        if not all(isinstance(one, str) for one in texts):
            raise TypeError(f"a note of other types: {sorted(value)}")
        return note
