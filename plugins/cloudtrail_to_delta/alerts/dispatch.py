"""Sending alerts: new events go to the targets and are recorded, ended ones are reported as ended.

Each step adds a note. The task that sends alerts leaves its notes as the XCom `alerts`.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from cloudtrail_to_delta.alerts.compose import SHOWN, Message, Scene, Told, compose, compose_recovery
from cloudtrail_to_delta.alerts.ending import Ending
from cloudtrail_to_delta.alerts.grouping import Verdict, fingerprint, is_forgotten, is_lasting, weigh
from cloudtrail_to_delta.alerts.redaction import redact
from cloudtrail_to_delta.alerts.state import AlertState
from cloudtrail_to_delta.alerts.targets import Delivery, deliver, targets_of
from cloudtrail_to_delta.records.alert_events import DEFAULT_EVENTS, Event
from cloudtrail_to_delta.records.cause import Cause
from cloudtrail_to_delta.records.notes import Note

log = logging.getLogger(__name__)


def wanted_events(params: Mapping[str, Any]) -> Collection[str]:
    """Return the names of the events that the params select for alerts."""
    chosen = params.get("alert_events")
    return DEFAULT_EVENTS if chosen is None else chosen


class Teller:
    """Sender of the alerts of one DAG run. `done` has a note about each step so far.

    `scope` says which runs of the DAG its causes concern, see `Cause.scope`.
    """

    def __init__(
        self, *, scene: Scene, params: Mapping[str, Any], state: AlertState, now: datetime, scope: str = ""
    ) -> None:
        self.scene = scene
        self.scope = scope
        self.params = params
        self.state = state
        self.now = now
        self.done: list[Note] = []
        self._state_error = ""

    def left(self) -> list[dict[str, Any]]:
        """Return the notes for the XCom `alerts`."""
        return [note.to_dict() for note in self.done]

    def tell(self, events: Sequence[Event]) -> None:
        """Send the new events, in one message per name and subject, and count the others."""
        groups: dict[tuple[str, str], list[Event]] = {}
        for event in events:
            if event.name in wanted_events(self.params):
                groups.setdefault((event.name, event.subject), []).append(event)
        for group in groups.values():
            self._tell_group(group)

    def tell_recovered(
        self, ending: Callable[[Cause], Ending], *, failed: Sequence[str] = (), task_url: str = ""
    ) -> None:
        """End the lasting causes that are over. Send a recovery message about those that a target knows.

        Args:
            ending: returns how a cause of this scope ended, empty while it lasts.
            failed: the tasks that failed in this run.
            task_url: the task in Airflow's UI.
        """
        self._state_error = ""
        known = self._guarded(lambda: list(self.state.items())) or []
        forgotten = [key for key, record in known if is_forgotten(record, self.now)]
        over = {
            key: (record, how)
            for key, record in known
            if key not in forgotten
            and is_lasting(record)
            and self._is_mine(record)
            and (how := ending(record))
        }
        for key in forgotten:
            self._guarded(partial(self.state.forget, key))
        ended = [(record, how) for record, how in over.values() if record.told]
        told = [record for record, _ in ended]
        if told and "recovered" in wanted_events(self.params):
            message = compose_recovery(ended, self.scene, now=self.now, failed=failed, task_url=task_url)
            deliveries = self._send(message)
            subjects = sorted({record.subject for record in told})
            self._note(
                "recovered",
                subjects[0] if len(subjects) == 1 else "",
                [f"{record.subject or 'the run'}: {record.name} {record.what}".strip() for record in told],
                max(told, key=lambda record: record.count),
                deliveries,
            )
            if deliveries and not any(delivery.ok for delivery in deliveries):
                return
        for key in over:
            self._guarded(partial(self.state.forget, key))

    def send_unconditionally(self, name: str, message: Message) -> list[Delivery]:
        """Send a message, without recording a cause."""
        deliveries = self._send(message)
        record = Cause(account=self.scene.account, name=name, subject="", first=self.now, last=self.now)
        self._note(name, "", [message.title], record, deliveries)
        return deliveries

    def _tell_group(self, events: list[Event]) -> None:
        self._state_error = ""
        account = self.scene.account
        weighed: list[tuple[str, Verdict, Told]] = []
        for event in events:
            scope = self.scope if event.subject else ""
            key = fingerprint(scope, event)
            known = self._guarded(partial(self.state.get, key))
            verdict, record = weigh(event, known, account=account, now=self.now, scope=scope)
            weighed.append((key, verdict, Told(event=event, record=record)))
        news = [told for _, verdict, told in weighed if verdict != "counted"]
        deliveries = self._send(compose(news, self.scene)) if news else []
        taken = any(delivery.ok for delivery in deliveries)
        if targets_of(self.params):
            for key, verdict, told in weighed:
                record = told.record
                if verdict != "counted":
                    record = replace(record, told=self.now if taken else record.told)
                self._guarded(partial(self.state.put, key, record))
        shown = news or [told for _, _, told in weighed]
        self._note(
            events[0].name,
            events[0].subject,
            [told.event.what for told in shown],
            max((told.record for told in shown), key=lambda record: record.count),
            deliveries,
        )

    def _is_mine(self, record: Cause) -> bool:
        """Return whether this run may end the cause: it has the run's scope, or it concerns the whole DAG."""
        return record.scope == self.scope or not record.subject

    def _send(self, message: Message) -> list[Delivery]:
        deliveries = deliver(message, self.params)
        for delivery in deliveries:
            if delivery.ok:
                log.info("Alert sent to %s: %s", delivery.target, message.title)
            else:
                log.error(
                    "Alert target %s did not accept %r: %s", delivery.target, message.title, delivery.error
                )
        return deliveries

    def _note(
        self, name: str, subject: str, what: list[str], record: Cause, deliveries: list[Delivery]
    ) -> None:
        note = Note(
            event=name,
            status="counted" if targets_of(self.params) else "no_targets",
            subject=subject,
            account=self.scene.account,
            what=[redact(text) for text in what[:SHOWN]],
            since=record.first.isoformat(),
            count=record.count,
            state_error=self._state_error,
        )
        notes = [
            replace(note, status="sent" if one.ok else "failed", target=one.target, error=one.error)
            for one in deliveries
        ] or [note]
        self.done += notes

    def _guarded(self, work: Callable[[], Any]) -> Any:
        """Return the result of `work`. If the state cannot be reached, note that and return None."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the alert must go out in any case
            self._state_error = redact(f"{type(error).__name__}: {error}", limit=300)
            log.warning("The state of earlier alerts could not be read or written: %s", self._state_error)
            return None
