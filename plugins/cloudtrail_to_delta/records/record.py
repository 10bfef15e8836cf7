"""The form that all records share: a version, to JSON, and back from JSON of any release."""

import logging
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

from cloudtrail_to_delta.errors import UnreadableRecordError
from cloudtrail_to_delta.records.fields import Fields, to_json

log = logging.getLogger(__name__)
T = TypeVar("T")
# Not `version`: that of an outcome and of an asset event is the Delta table's.
VERSION_FIELD = "record_version"


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a task leaves.

    `VERSION` goes up when the meaning of a field changes, not when one is added: a reader refuses a record
    of a later version. One without a version was left before records had any.
    """

    VERSION: ClassVar[int] = 1

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON holds it."""
        return {VERSION_FIELD: self.VERSION} | dict(to_json(self))

    @classmethod
    def from_dict(cls, value: Any) -> Self:
        """The record of JSON, whatever that is.

        Raises:
            UnreadableRecordError: it is no such record, or one of a later version.
        """
        try:
            given = Fields(value)
            version = given.count(VERSION_FIELD)
            if version > cls.VERSION:
                raise ValueError(
                    f"a later release has left it: its {VERSION_FIELD} is {version}, this one reads up to "
                    f"{cls.VERSION}"
                )
            return cls.read_fields(given)
        except Exception as error:
            raise UnreadableRecordError(
                f"a record ({cls.__name__}) cannot be read: {error!s:.200}. Clear the task that left it: it "
                "leaves a new one."
            ) from error

    @classmethod
    @abstractmethod
    def read_fields(cls, given: Fields) -> Self:
        """The record by its fields; raises whatever an odd one raises."""


def read(reader: Callable[[Any], T], value: Any, what: str) -> T | None:
    """What `reader` makes of a value; None, and a line in the log, when it cannot be read."""
    try:
        return reader(value)
    except Exception as error:  # noqa: BLE001 - whatever is odd about one record may not cost another
        log.warning("%s cannot be read: %s: %.200s", what, type(error).__name__, error)
        return None
