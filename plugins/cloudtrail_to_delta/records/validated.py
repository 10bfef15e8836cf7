"""How far the tables are validated: a later validation begins there, whatever happened in between.

Only a validation that succeeds moves it on. So the log files of a mismatch, and the batches of a run that
died before it validated, are checked by each later run until they balance.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cloudtrail_to_delta.records.fields import Fields


@dataclass(frozen=True, kw_only=True)
class Validated:
    """The newest validated versions of a table and its quarantine.

    Attributes:
        table_id, quarantine_id: the ids of the Delta tables. A table that was created again has another id.
        version, quarantine_version: all batches up to these versions balance.
        read_until: when the newest of these batches was read, None before the first one. It
            identifies later rows if the Delta log no longer has their commits.
    """

    table_id: str
    version: int
    quarantine_id: str
    quarantine_version: int
    read_until: datetime | None = None

    @classmethod
    def read_fields(cls, given: Fields) -> Self | None:
        """Read a record; None for an empty one, from a run of an earlier release."""
        if given.is_null("table_id"):
            return None
        return cls(
            table_id=given.text("table_id"),
            version=given.count("version"),
            quarantine_id=given.text("quarantine_id"),
            quarantine_version=given.count("quarantine_version"),
            read_until=given.moment("read_until"),
        )


def newest_validated(
    found: Iterable[Validated | None], *, table_id: str, quarantine_id: str
) -> Validated | None:
    """Return the newest validation of these two tables; validations of other tables of the name are void."""
    ours = [one for one in found if one and (one.table_id, one.quarantine_id) == (table_id, quarantine_id)]
    return max(ours, key=lambda one: (one.version, one.quarantine_version), default=None)
