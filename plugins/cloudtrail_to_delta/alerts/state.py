"""Stores a DAG's causes between runs: one Airflow Variable per cause (docs/adr/0019-alerts.md).

Tasks, callbacks of failed tasks and callbacks of deadlines have no database access, but all of them can read
and write Variables through the task SDK. Two writers never share a cause: one DAG run is active at a time, a
task is the subject of its own causes, and only the deadline's callback reports a late run.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Protocol

from cloudtrail_to_delta.records.cause import Cause
from cloudtrail_to_delta.records.record import read

PREFIX = "cloudtrail_alerts"
# The key of a Variable has at most 250 characters.
DAG_ID_LIMIT = 180
# Earlier releases put a digest of the account in front. Such causes end like any other.
_FINGERPRINT = re.compile(r"(?:[0-9a-f]{8}\.)?[0-9a-f]{16}")


class AlertState(Protocol):
    """The causes of one DAG, by fingerprint."""

    def get(self, fingerprint: str) -> Cause | None:
        """Return the cause, None if it is unknown."""

    def put(self, fingerprint: str, record: Cause) -> None:
        """Store the cause."""

    def forget(self, fingerprint: str) -> None:
        """Delete the cause."""

    def items(self) -> Iterator[tuple[str, Cause]]:
        """Return all causes."""


class VariableState:
    """Airflow Variables named `cloudtrail_alerts.<dag id>.<fingerprint>`."""

    def __init__(self, dag_id: str) -> None:
        self._prefix = dag_prefix(dag_id)

    def get(self, fingerprint: str) -> Cause | None:
        """Return the cause, None if it is unknown."""
        from airflow.sdk import Variable

        kept = Variable.get(self._prefix + fingerprint, default=None)
        return None if kept is None else Cause.from_dict(json.loads(kept))

    def put(self, fingerprint: str, record: Cause) -> None:
        """Store the cause."""
        from airflow.sdk import Variable

        described = (
            f"Alert for {record.account}: {record.name} {record.subject}. Delete it to be alerted again."
        )
        Variable.set(self._prefix + fingerprint, json.dumps(record.to_dict()), description=described)

    def forget(self, fingerprint: str) -> None:
        """Delete the cause."""
        from airflow.sdk import Variable

        Variable.delete(self._prefix + fingerprint)

    def items(self) -> Iterator[tuple[str, Cause]]:
        """Return all causes of this DAG."""
        from airflow.sdk import Variable

        for key in list(Variable.keys(prefix=self._prefix)):
            fingerprint = key.removeprefix(self._prefix)
            # The id of another DAG may begin with this DAG's id and a dot.
            if not _FINGERPRINT.fullmatch(fingerprint):
                continue
            # One unreadable cause must not keep the others from ending.
            if (cause := read(self.get, fingerprint, f"Variable {key}")) is not None:
                yield fingerprint, cause


def dag_prefix(dag_id: str) -> str:
    """Return the prefix of a DAG's Variables. A digest replaces a very long id."""
    if len(dag_id) > DAG_ID_LIMIT:
        dag_id = hashlib.sha256(dag_id.encode()).hexdigest()
    return f"{PREFIX}.{dag_id}."
