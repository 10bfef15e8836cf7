"""Odd but sound records on a real Spark: in the table, flagged when a field does not fit, intact in `raw`."""

import json
from collections import Counter

import pytest

from cloudtrail_to_delta.tables.queries import drift_query
from tests.integration.spark_jobs.conftest import event

TIME = '"eventTime":"2026-11-22T10:00:00Z","eventName":"Get"'
DEEP = "[" * 1500 + "]" * 1500


def record(more=""):
    return f"{{{TIME}{',' if more else ''}{more}}}"


# name → the record's text, the column as SQL, what it holds, misfits, unknown fields
CASES = {
    "nothing odd": (record('"readOnly":true'), "readOnly", True, None, None),
    "milliseconds": (
        '{"eventTime":"2026-11-22T10:00:00.123Z"}',
        "unix_millis(timestamp) % 1000",
        123,
        None,
        None,
    ),
    "nine decimals": (
        '{"eventTime":"2026-11-22T10:00:00.123456789Z"}',
        "unix_micros(timestamp) % 1000000",
        123456,
        None,
        None,
    ),
    "an offset": ('{"eventTime":"2026-11-22T23:00:00-05:00"}', "string(date)", "2026-11-23", None, None),
    "a number as text": (record('"eventVersion":1.11'), "eventVersion", "1.11", None, None),
    "text as an object": (record('"userIdentity":"root"'), "userIdentity", None, ["userIdentity"], None),
    "an object as text": (record('"errorMessage":{"a": [1]}'), "errorMessage", '{"a":[1]}', None, None),
    "the text null": (
        record('"responseElements":"null"'),
        "responseElements",
        None,
        ["responseElements"],
        None,
    ),
    "an array as a map": (
        record('"requestParameters":[1]'),
        "requestParameters",
        None,
        ["requestParameters"],
        None,
    ),
    "an empty object": (record('"requestParameters":{}'), "size(requestParameters)", 0, None, None),
    "text as a boolean": (record('"readOnly":"true"'), "readOnly", None, ["readOnly"], None),
    "four bytes a character": (record('"userAgent":"é😀"'), "userAgent", "é😀", None, None),
    "an escaped pair": (record('"userAgent":"\\ud83d\\ude00"'), "userAgent", "😀", None, None),
    "a tab that is not escaped": (record('"userAgent":"a\tb"'), "userAgent", "a\tb", None, None),
    "100 KB": (
        record(f'"requestParameters":{{"k":"{"x" * 100_000}"}}'),
        "length(requestParameters.k)",
        100_000,
        None,
        None,
    ),
    "a key twice": (record('"userAgent":"a","userAgent":"b"'), "userAgent", "b", None, None),
    "a key in another case": (record('"USERAGENT":"a"'), "userAgent", None, None, ["USERAGENT"]),
    "an integer of 3,000 digits": (
        record(f'"requestParameters":{{"n":{"9" * 3000}}}'),
        "length(requestParameters.n)",
        3000,
        None,
        None,
    ),
    "1e400": (record('"requestParameters":{"n":1e400}'), "size(requestParameters)", 1, None, None),
    "1,500 levels where nothing is expected": (
        record(f'"u":{DEEP}'),
        "size(unknown_fields)",
        1,
        None,
        ["u"],
    ),
    "1,500 levels in a map": (
        record(f'"requestParameters":{{"k":{DEEP}}}'),
        "requestParameters",
        None,
        ["*"],
        None,
    ),
    "a misfit inside a struct": (
        record('"userIdentity":{"type":"Root","sessionContext":"x"}'),
        "userIdentity.type",
        "Root",
        ["userIdentity.sessionContext"],
        None,
    ),
    "a field inside a struct that no column has": (
        record('"tlsDetails":{"tlsVersion":"TLSv1.3","pq":true}'),
        "tlsDetails.tlsVersion",
        "TLSv1.3",
        None,
        ["tlsDetails.pq"],
    ),
    "an old record": (
        record('"eventVersion":"1.0"'),
        "coalesce(string(readOnly), string(managementEvent), eventCategory)",
        None,
        None,
        None,
    ),
    "version 1.11": (record('"eventVersion":"1.11"'), "eventVersion", "1.11", None, None),
    "an update of an earlier event": (
        record('"addendum":{"reason":"UPDATED_DATA","originalEventID":"x"}'),
        "addendum.originalEventID",
        "x",
        None,
        None,
    ),
}


@pytest.fixture(scope="module")
def rows(module_lake):
    """Each case's row, from one file with a sound record before and after each of them."""
    lake = module_lake
    between = json.dumps(event(7, readOnly=True))
    texts = [text for case in CASES.values() for text in (case[0], between)]
    lake.put("a.json.gz", texts)
    lake.ingest()
    assert lake.quarantine().count() == 0
    neighbours = lake.table().where("record_index % 2 = 1")
    assert neighbours.where("eventID = 'id-7' AND readOnly AND misfits IS NULL").count() == len(CASES)
    columns = [f"{case[1]} AS held_{place}" for place, case in enumerate(CASES.values())]
    found = lake.table().where("record_index % 2 = 0").orderBy("record_index")
    selected = found.selectExpr("raw", "misfits", "unknown_fields", "eventTime", *columns).collect()
    return dict(zip(CASES, selected, strict=True))


def test_a_row_is_the_same_by_lookup_by_select_star_and_collected(rows, module_lake):
    collected = {row.record_index: row for row in module_lake.table().collect()}
    starred = module_lake.ask(lambda _, table, __: f"SELECT * FROM {table}")  # noqa: S608 - the lake of the tests
    assert {row.record_index: row for row in starred} == collected
    for place, (name, (_, column, held, misfits, unknown)) in enumerate(CASES.items()):
        whole = collected[2 * place]
        looked_up = module_lake.ask(
            lambda _, table, __, index=2 * place, column=column: (
                f"SELECT {column} AS held, * FROM {table} WHERE record_index = {index}"  # noqa: S608 - as above
            )
        )
        assert [row.held for row in looked_up] == [held], name
        assert looked_up[0][1:] == tuple(whole), name
        assert (whole.misfits, whole.unknown_fields) == (misfits, unknown), name


def test_the_schema_drift_has_each_odd_field_with_its_count_and_an_example(rows, module_lake):
    found = {
        (row.problem, row.field): row for row in module_lake.ask(lambda _, table, __: drift_query(table))
    }
    expected = Counter()
    for _, _, _, misfits, unknown in CASES.values():
        expected.update(("misfit", field) for field in misfits or [])
        expected.update(("unknown_field", field) for field in unknown or [])
    assert {key: row.records for key, row in found.items()} == expected
    drifted = found["unknown_field", "tlsDetails.pq"]
    assert drifted.example == '"pq":true}}'
    assert drifted.record_index == 2 * list(CASES).index("a field inside a struct that no column has")
    assert found["misfit", "requestParameters"].records == 1
    assert drifted.first_seen == drifted.last_seen


@pytest.mark.parametrize("name", CASES)
def test_each_odd_record_is_a_row_that_says_so(name, rows):
    text, _, held, misfits, unknown = CASES[name]
    row = rows[name]
    assert row.raw == text
    assert row[f"held_{list(CASES).index(name)}"] == held
    assert (row.misfits, row.unknown_fields) == (misfits, unknown)
    assert row.eventTime is not None
