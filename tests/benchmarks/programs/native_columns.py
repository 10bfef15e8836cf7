"""Decoded records → Arrow columns of the table's types, without Spark: part of the prototype in `native`."""

from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa

from cloudtrail_jobs.shape import Type

_TEXT = msgspec.json.Decoder(str).decode
_MAP = pa.map_(pa.string(), pa.string())
_SCALARS = {"STRING": pa.string(), "BOOLEAN": pa.bool_(), "DOUBLE": pa.float64(), "MAP": _MAP}


def record_type(wanted: Type) -> Any:
    """A msgspec type that decodes a record whole; one that does not fit is an error."""
    return msgspec.defstruct(
        "Record",
        [(name, _field_type(child), None) for name, child in wanted.fields.items()],
        forbid_unknown_fields=True,
        gc=False,
    )


def _field_type(wanted: Type) -> Any:
    if wanted.name == "STRUCT":
        return record_type(wanted) | None
    if wanted.name == "ARRAY":
        return list[_field_type(wanted.element)] | None
    scalars = {"STRING": str, "BOOLEAN": bool, "DOUBLE": float, "MAP": dict[str, msgspec.Raw]}
    return scalars[wanted.name] | None


def arrow_type(wanted: Type) -> Any:
    """The Arrow type of a column."""
    if wanted.name == "ARRAY":
        return pa.list_(arrow_type(wanted.element))
    if wanted.name == "STRUCT":
        return pa.struct([(name, arrow_type(child)) for name, child in wanted.fields.items()])
    return _SCALARS[wanted.name]


def to_array(values: list[Any], wanted: Type) -> Any:
    """One column."""
    if wanted.name == "STRUCT":
        return _structs(values, wanted)
    if wanted.name == "ARRAY":
        flat: list[Any] = []
        offsets = [0]
        for value in values:
            flat += value or ()
            offsets.append(len(flat))
        return pa.ListArray.from_arrays(
            pa.array(offsets, pa.int32()), to_array(flat, wanted.element), mask=_nulls(values)
        )
    if wanted.name == "MAP":
        return _maps(values)
    return pa.array(values, _SCALARS[wanted.name])


def _structs(values: list[Any], wanted: Type) -> Any:
    some = next((value for value in values if value is not None), None)
    if some is None:
        return pa.nulls(len(values), arrow_type(wanted))
    empty, mask = type(some)(), _nulls(values)
    whole = [empty if value is None else value for value in values]
    children = [to_array(list(map(attrgetter(name), whole)), child) for name, child in wanted.fields.items()]
    return pa.StructArray.from_arrays(children, names=list(wanted.fields), mask=mask)


def _maps(values: list[Any]) -> Any:
    keys: list[str] = []
    texts: list[bytes | None] = []
    offsets = [0]
    for value in values:
        if value:
            keys.extend(value)
            texts.extend(map(_text, value.values()))
        offsets.append(len(keys))
    names = pa.array(keys, pa.string())
    entries = pa.StructArray.from_arrays(
        [names, pa.array(texts, pa.binary()).view(pa.string())], fields=[_MAP.key_field, _MAP.item_field]
    )
    valid = pa.array([value is not None for value in values], pa.bool_()).buffers()[1]
    buffers = [valid, pa.array(offsets, pa.int32()).buffers()[1]]
    return pa.Array.from_buffers(_MAP, len(values), buffers, children=[entries])


def _text(raw: Any) -> bytes | None:
    """A string without its quotes, null as null, anything else as its JSON text."""
    text = bytes(raw)
    if text[:1] == b'"':
        return _TEXT(text).encode() if b"\\" in text else text[1:-1]
    return None if text == b"null" else text


def _nulls(values: list[Any]) -> Any:
    return pa.array([value is None for value in values], pa.bool_())
