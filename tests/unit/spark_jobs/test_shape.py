"""Which fields of a record do not fit: the same answer by msgspec and by the walk."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.record_fields import DECODER, FieldReader
from cloudtrail_jobs.shape import MAX_FIELDS, Type, find_oddities, parse_type, tree

KIND = KINDS["events"]
FAST, PLAIN = FieldReader(KIND, msgspec), FieldReader(KIND)

# record → misfits, unknown fields
CASES = {
    "nothing odd": ({"eventName": "Get", "readOnly": True}, (), ()),
    "nulls everywhere": ({"userIdentity": None, "requestParameters": None, "readOnly": None}, (), ()),
    "empty objects": ({"userIdentity": {}, "requestParameters": {}, "resources": []}, (), ()),
    "numbers where text is expected": ({"eventVersion": 1.11, "sourceIPAddress": 7}, (), ()),
    "an object where text is expected": ({"errorMessage": {"a": [1]}}, (), ()),
    "text where an object is expected": ({"userIdentity": "root"}, ("userIdentity",), ()),
    "an array where a map is expected": ({"requestParameters": [1]}, ("requestParameters",), ()),
    "the text null where a map is expected": ({"responseElements": "null"}, ("responseElements",), ()),
    "text where a boolean is expected": ({"readOnly": "true"}, ("readOnly",), ()),
    "a number where a boolean is expected": ({"readOnly": 1}, ("readOnly",), ()),
    "a misfit inside": (
        {"userIdentity": {"sessionContext": {"attributes": "x"}}},
        ("userIdentity.sessionContext.attributes",),
        (),
    ),
    "a misfit in an array": ({"resources": [{}, "x", "y"]}, ("resources",), ()),
    "a new field": ({"brandNew": 1}, (), ("brandNew",)),
    "a new field inside": ({"tlsDetails": {"tlsVersion": "1.3", "pq": True}}, (), ("tlsDetails.pq",)),
    "a key in another case": ({"EventName": "Get"}, (), ("EventName",)),
    "anything inside a map": ({"requestParameters": {"a": {"b": [1]}}}, (), ()),
    "both at once": ({"readOnly": "x", "new": 1}, ("readOnly",), ("new",)),
}


def oddities(text):
    plain = find_oddities(DECODER.decode(text), tree(KIND.columns))
    assert PLAIN.judge(DECODER.decode(text)).oddities == plain
    assert FAST.read(text.encode()).oddities == plain
    return plain


@pytest.mark.parametrize("name", CASES)
def test_each_odd_field_is_named(name):
    record, misfits, unknown = CASES[name]
    found = oddities(json.dumps(record))
    assert (found.misfits, found.unknown) == (misfits, unknown)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(max_size=3), child, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([column.name for column in KIND.columns]) | st.text(), VALUES))
def test_msgspec_and_the_walk_agree_on_any_record(record):
    oddities(json.dumps(record))


def test_the_time_is_read_from_where_the_kind_has_it():
    text = b'{"timeWindow":{"windowStart":"2026-01-01T00:00:00Z"}}'
    for reader in (FieldReader(KINDS["aggregated"], msgspec), FieldReader(KINDS["aggregated"])):
        judged = reader.read(text) if reader.msgspec else reader.judge(DECODER.decode(text.decode()))
        assert judged.time == "2026-01-01T00:00:00Z"


def test_a_record_of_nothing_but_unknown_fields_is_named_in_part():
    found = oddities(json.dumps({f"f{number}": 1 for number in range(MAX_FIELDS + 10)}))
    assert len(found.unknown) == MAX_FIELDS


def test_every_column_type_is_understood():
    leaves = {"STRING", "BOOLEAN", "DOUBLE"}

    def names(wanted):
        yield wanted.name
        for child in (*wanted.fields.values(), *([wanted.element] if wanted.element else [])):
            yield from names(child)

    for kind in KINDS.values():
        for column in kind.columns:
            assert set(names(parse_type(column.type))) <= leaves | {"STRUCT", "ARRAY", "MAP"}
    assert parse_type("ARRAY<STRUCT<a: MAP<STRING, STRING>, b: DOUBLE>>") == Type(
        "ARRAY",
        Type("STRUCT", fields={"a": Type("MAP", Type("STRING")), "b": Type("DOUBLE")}),
    )
