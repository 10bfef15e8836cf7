"""The tables' columns as Parquet names them, and which of them hold values that hardly repeat.

Parquet's writer collects the values of each column in a dictionary before it knows whether that is worth
anything. Source: Apache Parquet, "Nested types" (`list.element`, `key_value.value`).
"""

from collections.abc import Iterator

from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.shape import Type, parse_type


def unrepeated_columns() -> list[str]:
    """Of all kinds: texts of records, ids of events and requests, and values of maps; sorted."""
    ids = {kind.key[1] for kind in KINDS.values()}
    columns = {column.name: column for kind in KINDS.values() for column in kind.table_columns}
    maps = {path for name, column in columns.items() for path in _map_values(parse_type(column.type), name)}
    return sorted({"raw", "requestID"} | ids | maps)


def _map_values(kind: Type, path: str) -> Iterator[str]:
    if kind.name == "MAP":
        yield f"{path}.key_value.value"
    elif kind.element is not None:
        yield from _map_values(kind.element, f"{path}.list.element")
    for name, child in kind.fields.items():
        yield from _map_values(child, f"{path}.{name}")
