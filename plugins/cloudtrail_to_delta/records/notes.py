"""The XComs `alerts` and `alert_targets`: what was done about each event of a run, and the alert targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from cloudtrail_to_delta.records.fields import Fields, as_list, text
from cloudtrail_to_delta.records.record import Record

# A list of notes about what was done, and a list of the targets that the run's params name.
ALERTS_KEY = "alerts"
TARGETS_KEY = "alert_targets"


@dataclass(frozen=True, kw_only=True)
class Note(Record):
    """One message to one target, or one group of events that was not sent.

    Attributes:
        event: the event's name, a key of `EVENTS`, or `digest`.
        subject: the id of a task, empty if the note concerns several tasks or none.
        account: the name of the entry, the account (or organization) and its bucket, in words.
        what: sentences without secrets, one line each, at most 20.
        status: `sent` (this target accepted it), `failed` (it did not, and if no target did, the next run
            tries again), `counted` (already known, not sent again), `no_targets` (the params name none).
        target: the ARN of the topic or the id of the connection, empty if nothing was sent.
        error: why the target did not accept it, empty if it did.
        since: when the event was first seen, as ISO time.
        count: how many times it was seen.
        state_error: why the state of earlier messages could not be read or written, empty if it could. The
            message is sent anyway: twice is better than never.
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

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the note. It needs an event and a status."""
        note = cls(
            event=given.text("event"),
            status=given.text("status"),
            subject=given.text("subject"),
            account=given.text("account"),
            what=given.texts("what"),
            target=given.text("target"),
            error=given.text("error"),
            since=given.text("since"),
            count=given.count("count"),
            state_error=given.text("state_error"),
        )
        if not note.event or not note.status:
            raise ValueError("the event or the status is missing")
        return note


def read_notes(value: Any) -> list[Note]:
    """Read the XCom `alerts`.

    Raises:
        TypeError: the value is not a list.
        UnreadableRecordError: an item is not a note; the error is about the first one.
    """
    return [Note.from_dict(one) for one in as_list(value)]


def read_targets(value: Any) -> list[str]:
    """Read the XCom `alert_targets`.

    Raises:
        TypeError: the value is not a list of names.
    """
    return [text(one) for one in as_list(value)]
