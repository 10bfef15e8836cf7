"""Compare the columns of a Delta table with those that the job writes: can the job append to the table?

The job's types are Spark DDL (kinds.json), a table's types are Delta's JSON. Both are converted to one plain
form. Source: Delta Transaction Log Protocol, "Schema serialization format".
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

PRIMITIVES = {
    "STRING": "string",
    "BOOLEAN": "boolean",
    "DOUBLE": "double",
    "INT": "integer",
    "BIGINT": "long",
    "TIMESTAMP": "timestamp",
    "DATE": "date",
}
# A table without these columns was not created by the job.
OWN = ("raw", "log_file", "batch_id")
_TOKEN = re.compile(r"\w+|[<>:,]")

# A primitive's name, ("array", type), ("map", key, value), or ("struct", {name: type}).
Type = Any


def column_differences(wanted: Mapping[str, str], schema_json: str) -> list[str]:
    """Return a sentence for every column or field that has another type in the table than in the job.

    Missing columns are no difference, because the job adds them. Columns that only the table has are no
    difference either.

    Args:
        wanted: the job's columns, name → DDL type.
        schema_json: the table's schema as in its Delta log.
    """
    found = _fields(json.loads(schema_json))
    missing = [name for name in OWN if name not in found]
    if missing:
        shown = ", ".join(list(found)[:5]) or "none"
        return [f"it has no {' and no '.join(missing)}; its columns are {shown}"]
    return [
        difference
        for name, ddl in wanted.items()
        if name in found
        for difference in _differences(name, parse_ddl(ddl), found[name])
    ]


def parse_ddl(ddl: str) -> Type:
    """Convert a type in Spark DDL to the plain form."""
    tokens = iter(_TOKEN.findall(ddl))
    return _parse(next(tokens), tokens)


def _parse(name: str, tokens: Iterator[str]) -> Type:
    if name == "ARRAY":
        next(tokens)
        element = _parse(next(tokens), tokens)
        next(tokens)
        return ("array", element)
    if name == "MAP":
        next(tokens)
        key = _parse(next(tokens), tokens)
        next(tokens)
        value = _parse(next(tokens), tokens)
        next(tokens)
        return ("map", key, value)
    if name == "STRUCT":
        fields = {}
        while next(tokens) != ">":  # < before the first field, a comma between two
            field = next(tokens)
            next(tokens)
            fields[field] = _parse(next(tokens), tokens)
        return ("struct", fields)
    return PRIMITIVES[name]


def _fields(struct: Mapping[str, Any]) -> dict[str, Type]:
    return {field["name"]: _of_delta(field["type"]) for field in struct["fields"]}


def _of_delta(kind: Any) -> Type:
    if isinstance(kind, str):
        return kind
    if kind["type"] == "array":
        return ("array", _of_delta(kind["elementType"]))
    if kind["type"] == "map":
        return ("map", _of_delta(kind["keyType"]), _of_delta(kind["valueType"]))
    return ("struct", _fields(kind))


def _differences(path: str, wanted: Type, found: Type) -> Iterator[str]:
    if isinstance(wanted, tuple) and isinstance(found, tuple) and wanted[0] == found[0]:
        if wanted[0] == "struct":
            for name, kind in wanted[1].items():
                if name in found[1]:
                    yield from _differences(f"{path}.{name}", kind, found[1][name])
        else:
            for ours, theirs in zip(wanted[1:], found[1:], strict=True):
                yield from _differences(path, ours, theirs)
    elif wanted != found:
        yield f"{path} is {_name(found)}, not {_name(wanted)}"


def _name(kind: Type) -> str:
    return kind if isinstance(kind, str) else str(kind[0])
