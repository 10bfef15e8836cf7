"""The XComs `alerts` and `alert_targets`: what was done about each event of a run, and whom it is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from cloudtrail_to_delta.records.fields import Fields, as_list, text
from cloudtrail_to_delta.records.record import Record

# What was done, as a list of notes; and the targets that the run's params name, as a list of names.
ALERTS_KEY = "alerts"
TARGETS_KEY = "alert_targets"


@dataclass(frozen=True, kw_only=True)
class Note(Record):
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

    @classmethod
    def read_fields(cls, given: Fields) -> Self:
        """The note by its fields; without an event or a status it is none."""
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
            raise ValueError("a note names its event and its status")
        return note


def read_notes(value: Any) -> list[Note]:
    """The XCom `alerts`.

    Raises:
        TypeError: it is no list.
        UnreadableRecordError: for the first that is no note.
    """
    return [Note.from_dict(one) for one in as_list(value)]


def read_targets(value: Any) -> list[str]:
    """The XCom `alert_targets`.

    Raises:
        TypeError: it is no list of names.
    """
    return [text(one) for one in as_list(value)]
