"""The base of all records: a version, conversion to JSON, and reading the JSON of any release."""

import logging
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

from cloudtrail_to_delta.errors import UnreadableRecordError
from cloudtrail_to_delta.records.fields import Fields, to_json

log = logging.getLogger(__name__)
T = TypeVar("T")
# Not `version`: outcomes and asset events use that name for the version of the Delta table.
VERSION_FIELD = "record_version"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record that a task leaves.

    `VERSION` goes up when the meaning of a field changes, not when a field is added: a reader refuses a
    record of a later version. A record without a version is from a release before versions.
    """

    VERSION: ClassVar[int] = 1

    def to_dict(self) -> dict[str, Any]:
        """Return the record for JSON."""
        return {VERSION_FIELD: self.VERSION} | dict(to_json(self))

    @classmethod
    def from_dict(cls, value: Any) -> Self:
        """Read the record from any JSON value.

        Raises:
            UnreadableRecordError: the value is not such a record, or it has a later version.
        """
        try:
            given = Fields(value)
            version = given.count(VERSION_FIELD)
            if version > cls.VERSION:
                raise ValueError(
                    f"a later release wrote it: its {VERSION_FIELD} is {version}, and this release reads up "
                    f"to {cls.VERSION}"
                )
            return cls.read_fields(given)
        except Exception as error:
            raise UnreadableRecordError(
                f"a record ({cls.__name__}) cannot be read: {error!s:.200}. Clear the task that wrote it: "
                "it writes a new one."
            ) from error

    @classmethod
    @abstractmethod
    def read_fields(cls, given: Fields) -> Self:
        """Read the record from its fields. An invalid field raises."""


def read(reader: Callable[[Any], T], value: Any, what: str) -> T | None:
    """Return what `reader` makes of the value. If it raises, log one line and return None."""
    try:
        return reader(value)
    except Exception as error:  # noqa: BLE001 - one unreadable record must not hide the others
        log.warning("%s cannot be read: %s: %.200s", what, type(error).__name__, error)
        return None
