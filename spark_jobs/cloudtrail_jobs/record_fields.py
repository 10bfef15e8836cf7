"""What the job reads from a record: its time, and which of its fields do not fit the table."""

import json
from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from types import ModuleType
from typing import Any, NamedTuple

from cloudtrail_jobs.kinds import KINDS, Kind
from cloudtrail_jobs.shape import Number, Oddities, Type, checker, find_oddities, strict_type, tree

# Numbers stay text: Python refuses integers of more than 4,300 digits, and the job needs no number here.
DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, strict=False)
NONE = Oddities()


class Fields(NamedTuple):
    """A record's fields: `time` is the decoded value of the kind's time field, None if absent or null."""

    time: object = None
    oddities: Oddities = NONE


NO_FIELDS = Fields()


class FieldReader:
    """A reader of the fields of one kind's records; it uses `msgspec` if it has it."""

    def __init__(self, kind: Kind, msgspec: ModuleType | None = None) -> None:
        self.msgspec = msgspec
        self._time_path = kind.time_path
        self._tree: Type = tree(kind.columns)
        self._fits: Any = checker(self._tree)
        self._time: Any = attrgetter(".".join(kind.time_path))
        self._decode: Any = None
        if msgspec is not None:
            self._decode = msgspec.json.Decoder(strict_type(msgspec, self._tree, kind.time_path)).decode

    def times(self, texts: Sequence[bytes]) -> list[object] | None:
        """Return the times of records, by msgspec; None if any record has an oddity or is not an object.

        Raises:
            RecursionError, ValueError, msgspec.DecodeError: if the standard library has to decide.
        """
        if self.msgspec is None:
            raise ValueError("this reader has no msgspec: use judge")
        try:
            return list(map(self._time, map(self._decode, texts)))
        except (self.msgspec.ValidationError, AttributeError):
            return None

    def read(self, text: bytes) -> Fields:
        """Return the fields of a record's text, which is a JSON object, by msgspec.

        Raises:
            RecursionError, ValueError, msgspec.DecodeError: if the standard library has to decide.
        """
        if self.msgspec is None:
            raise ValueError("this reader has no msgspec: use judge")
        try:
            found = self._decode(text)
        except self.msgspec.ValidationError:
            return self.judge(DECODER.decode(text.decode()))
        for name in self._time_path:
            found = getattr(found, name, None)
        return Fields(found)

    def judge(self, value: dict[str, Any]) -> Fields:
        """Return the fields of a record that `DECODER` decoded."""
        oddities = NONE if self._fits(value) else find_oddities(value, self._tree)
        return Fields(_follow(value, self._time_path), oddities)


@lru_cache(maxsize=16)
def reader(kind: str, msgspec: ModuleType | None = None) -> FieldReader:
    """Return the reader of a kind; a process makes it once."""
    return FieldReader(KINDS[kind], msgspec)


def _follow(value: object, path: Sequence[str]) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
