"""The typed columns of a kind as a tree, and which fields of a record do not fit it.

The job asks two questions about each record. Does any value not fit its column's type (a misfit)? Does any
field have no column (drift)? `msgspec` answers "neither" while it reads the record's time. If it refuses the
record, `find_oddities` names the fields. Source: docs/adr/0007-record-text.md.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any

from cloudtrail_jobs.limits import MAX_ELEMENTS
from cloudtrail_jobs.quality import printable
from cloudtrail_jobs.schemas import Column

_TOKEN = re.compile(r"\w+|[<>:,]")
# Spark's from_json reads these as numbers, although they are in quotes. Source: Spark, JacksonParser.
_QUOTED_NUMBERS = {"NaN", "Infinity", "-Infinity", "INF", "-INF", "+INF", "+Infinity"}
# The most fields of a record that are named, and the most characters of a field's name.
MAX_FIELDS = 50
MAX_NAME = 200


class Number(str):
    """A JSON number as it is written: Python refuses some numbers, and the job needs no value here."""

    __slots__ = ()


@dataclass(frozen=True)
class Type:
    """One type of the tree: `name` is STRING, BOOLEAN, DOUBLE, MAP, ARRAY or STRUCT."""

    name: str
    element: "Type | None" = None
    fields: dict[str, "Type"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Oddities:
    """Paths of fields (`userIdentity.type`), in the record's order; arrays add nothing to a path."""

    misfits: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def parse_type(ddl: str) -> Type:
    """Return a type that is written as in `Column.type`."""
    tokens = iter(_TOKEN.findall(ddl))
    return _type(next(tokens), tokens)


def tree(columns: Sequence[Column]) -> Type:
    """Return the type of a record: a struct of its columns."""
    return Type("STRUCT", fields={column.name: parse_type(column.type) for column in columns})


def find_oddities(value: object, wanted: Type) -> Oddities:
    """Return the fields of a decoded record that do not fit; its numbers are `Number`."""
    return Oddities(*_split(_walk(value, wanted, "")))


def checker(wanted: Type) -> Callable[[Any], bool] | None:
    """Return a function that says whether a value other than null fits; None if any value does.

    It says so of a whole record several times as fast as `find_oddities`, which names the fields.
    """
    if wanted.name == "STRING":
        return None
    if wanted.name == "STRUCT":
        return _struct_checker(wanted)
    if wanted.name != "ARRAY" or wanted.element is None:
        return partial(_holds, name=wanted.name)
    element = checker(wanted.element)

    def is_array(value: object) -> bool:
        if not isinstance(value, list):
            return False
        return element is None or all(one is None or element(one) for one in value[:MAX_ELEMENTS])

    return is_array


def _struct_checker(wanted: Type) -> Callable[[Any], bool]:
    names = frozenset(wanted.fields)
    found = ((name, checker(child)) for name, child in wanted.fields.items())
    checks = tuple((name, check) for name, check in found if check is not None)

    def is_struct(value: object) -> bool:
        if not isinstance(value, dict) or not names.issuperset(value):
            return False
        for name, check in checks:
            child = value.get(name)
            if child is not None and not check(child):
                return False
        return True

    return is_struct


def strict_type(msgspec: ModuleType, wanted: Type, time_path: Sequence[str]) -> Any:
    """Return a msgspec type that decodes exactly the records without oddities.

    It decodes the field at `time_path`. It skips values that the job does not need: a text or map column
    costs no decoding.
    """
    if wanted.name == "STRUCT":
        fields = [
            (name, _optional(msgspec, child, time_path[1:] if time_path[:1] == (name,) else None), None)
            for name, child in wanted.fields.items()
        ]
        return msgspec.defstruct("Record", fields, forbid_unknown_fields=True, gc=False)
    raise ValueError(f"a record is a STRUCT, not {wanted.name}")


def _optional(msgspec: ModuleType, wanted: Type, time_path: Sequence[str] | None) -> Any:
    if time_path is not None and not time_path:
        return Any
    if wanted.name == "STRING":
        return msgspec.Raw
    if wanted.name == "ARRAY" and wanted.element is not None:
        element: Any = _optional(msgspec, wanted.element, None)
        return list[element] | None
    if wanted.name == "STRUCT":
        return strict_type(msgspec, wanted, time_path or ()) | None
    scalars: dict[str, Any] = {
        "BOOLEAN": bool | None,
        "DOUBLE": float | None,
        "MAP": msgspec.defstruct("Anything", [], gc=False) | None,
    }
    return scalars[wanted.name]


def _walk(value: object, wanted: Type, path: str) -> Iterator[tuple[str, bool]]:
    """Yield paths, each with whether a column has it (a misfit) or not (drift)."""
    if value is None or wanted.name == "STRING":
        return
    if wanted.name == "STRUCT" and isinstance(value, dict):
        for name, child in value.items():
            below = f"{path}.{name}" if path else name
            if name in wanted.fields:
                yield from _walk(child, wanted.fields[name], below)
            else:
                yield below, False
    elif wanted.name == "ARRAY" and isinstance(value, list) and wanted.element is not None:
        for child in value[:MAX_ELEMENTS]:
            yield from _walk(child, wanted.element, path)
    elif not _holds(value, wanted.name):
        yield path, True


def _holds(value: object, name: str) -> bool:
    if name == "BOOLEAN":
        return isinstance(value, bool)
    if name == "DOUBLE":
        return isinstance(value, Number | float) or (isinstance(value, str) and value in _QUOTED_NUMBERS)
    return name == "MAP" and isinstance(value, dict)


def _split(found: Iterator[tuple[str, bool]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    named: dict[bool, dict[str, None]] = {True: {}, False: {}}
    for path, known in found:
        if len(named[known]) < MAX_FIELDS:
            named[known].setdefault(printable(path, MAX_NAME))
    return tuple(named[True]), tuple(named[False])


def _type(name: str, tokens: Iterator[str]) -> Type:
    if name == "ARRAY":
        next(tokens)  # <
        element = _type(next(tokens), tokens)
        next(tokens)  # >
        return Type(name, element=element)
    if name == "MAP":
        next(tokens)  # <
        _type(next(tokens), tokens)
        next(tokens)  # ,
        element = _type(next(tokens), tokens)
        next(tokens)  # >
        return Type(name, element=element)
    if name == "STRUCT":
        fields = {}
        while next(tokens) != ">":  # < before the first field, a comma between two
            child = next(tokens)
            next(tokens)  # :
            fields[child] = _type(next(tokens), tokens)
        return Type(name, fields=fields)
    return Type(name)
