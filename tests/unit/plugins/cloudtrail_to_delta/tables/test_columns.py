"""Columns of a table against the job's: only a type that differs is a difference."""

import json

import pytest

from cloudtrail_to_delta.kinds import KINDS, QUARANTINE_COLUMNS
from cloudtrail_to_delta.tables.columns import column_differences, parse_ddl

OWN = {"raw": "string", "log_file": "string", "batch_id": "long"}


def struct(**fields):
    return {"type": "struct", "fields": [{"name": n, "type": t} for n, t in fields.items()]}


def schema(**columns):
    return json.dumps(struct(**OWN | columns))


def as_delta(kind):
    """The plain form as Delta writes it."""
    if isinstance(kind, str):
        return kind
    if kind[0] == "array":
        return {"type": "array", "elementType": as_delta(kind[1])}
    if kind[0] == "map":
        return {"type": "map", "keyType": as_delta(kind[1]), "valueType": as_delta(kind[2])}
    return struct(**{name: as_delta(child) for name, child in kind[1].items()})


@pytest.mark.parametrize("columns", [*(kind.columns for kind in KINDS.values()), QUARANTINE_COLUMNS])
def test_a_table_with_exactly_the_jobs_columns_fits(columns):
    theirs = {name: as_delta(parse_ddl(ddl)) for name, ddl in columns.items()}
    assert column_differences(columns, schema(**theirs)) == []


def test_columns_that_are_missing_or_that_only_the_table_has_make_no_difference():
    assert column_differences({"eventName": "STRING"}, schema(more="date")) == []


@pytest.mark.parametrize(
    ("ddl", "theirs", "difference"),
    [
        ("BOOLEAN", "string", "c is string, not boolean"),
        ("STRUCT<a: STRUCT<b: STRING>>", struct(a=struct(b="long")), "c.a.b is long, not string"),
        (
            "ARRAY<STRUCT<a: DOUBLE>>",
            {"type": "array", "elementType": struct(a="string")},
            "c.a is string, not double",
        ),
        ("MAP<STRING, STRING>", struct(a="string"), "c is struct, not map"),
        ("INT", "long", "c is long, not integer"),
    ],
)
def test_another_type_is_named_with_its_path(ddl, theirs, difference):
    assert column_differences({"c": ddl}, schema(c=theirs)) == [difference]


def test_a_table_of_somebody_else_is_described_by_its_columns():
    (found,) = column_differences({}, json.dumps(struct(id="long", raw="string")))
    assert found == "it has no log_file and no batch_id; its columns are id, raw"
