"""Where a DAG's causes are remembered between runs: an Airflow Variable each (docs/adr/0067-alert-state.md).

Tasks, the callbacks of failed tasks and the callbacks of deadlines may all read and write Variables through
the task SDK, and none of them has a database. Two writers never share a cause: one DAG run works at a time, a
task is the subject of its own causes, and only the deadline is late.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Protocol

from cloudtrail_to_delta.records.cause import Cause
from cloudtrail_to_delta.records.record import read

PREFIX = "cloudtrail_alerts"
# A Variable's key has 250 characters at most.
DAG_ID_LIMIT = 180
# Earlier releases put the account's digest in front; such records end like any other.
_FINGERPRINT = re.compile(r"(?:[0-9a-f]{8}\.)?[0-9a-f]{16}")


class AlertState(Protocol):
    """What is remembered of each cause of one DAG, by fingerprint."""

    def get(self, fingerprint: str) -> Cause | None:
        """What is remembered; None when it is not known."""

    def put(self, fingerprint: str, record: Cause) -> None:
        """Remember it."""

    def forget(self, fingerprint: str) -> None:
        """Forget it."""

    def items(self) -> Iterator[tuple[str, Cause]]:
        """Everything that is remembered."""


class VariableState:
    """Airflow Variables named `cloudtrail_alerts.<dag id>.<fingerprint>`."""

    def __init__(self, dag_id: str) -> None:
        self._prefix = dag_prefix(dag_id)

    def get(self, fingerprint: str) -> Cause | None:
        """What is remembered; None when it is not known."""
        from airflow.sdk import Variable

        kept = Variable.get(self._prefix + fingerprint, default=None)
        return None if kept is None else Cause.from_dict(json.loads(kept))

    def put(self, fingerprint: str, record: Cause) -> None:
        """Remember it."""
        from airflow.sdk import Variable

        described = f"Alert of {record.account}: {record.name} {record.subject}; deleting it makes it news"
        Variable.set(self._prefix + fingerprint, json.dumps(record.to_dict()), description=described)

    def forget(self, fingerprint: str) -> None:
        """Forget it."""
        from airflow.sdk import Variable

        Variable.delete(self._prefix + fingerprint)

    def items(self) -> Iterator[tuple[str, Cause]]:
        """Everything that is remembered of this DAG."""
        from airflow.sdk import Variable

        for key in list(Variable.keys(prefix=self._prefix)):
            fingerprint = key.removeprefix(self._prefix)
            # Another DAG's id may begin with this one's and a dot.
            if not _FINGERPRINT.fullmatch(fingerprint):
                continue
            # One that nobody can read may not keep the others from their end.
            if (cause := read(self.get, fingerprint, f"Variable {key}")) is not None:
                yield fingerprint, cause


def dag_prefix(dag_id: str) -> str:
    """How the Variables of a DAG begin; a very long id is replaced by its digest."""
    if len(dag_id) > DAG_ID_LIMIT:
        dag_id = hashlib.sha256(dag_id.encode()).hexdigest()
    return f"{PREFIX}.{dag_id}."
