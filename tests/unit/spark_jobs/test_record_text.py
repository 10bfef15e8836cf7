"""The fast way with the standard library cuts what CloudTrail writes, and never cuts a body differently."""

import json

from hypothesis import given
from hypothesis import strategies as st

from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.quality import FileDefectError
from cloudtrail_jobs.record_fields import FieldReader
from cloudtrail_jobs.record_text import cut_decoding, walk

EVENTS = FieldReader(KINDS["events"])
RECORDS = [
    '{"eventTime":"2026-11-22T10:00:00Z"}',
    '{"eventTime":"2026-11-22T10:00:00Z","a":"😀 é \\u00e9 \\" ]}"}',
    ' { "eventTime" : null , "readOnly" : "x" } ',
    "12",
    '"text"',
    "[1]",
    "NaN",
]
SEPARATORS = [",", ", ", "\n ,\r\n"]
# What makes a body another one than CloudTrail's: the walk decides about it.
DAMAGE = ["", "", ",", "]", "}", '"', "\\", "1", "😀", ',"Records":[]']


def walked(body):
    try:
        return walk(body, EVENTS)
    except FileDefectError as error:
        return error.defect.reason


@given(
    st.lists(st.sampled_from(RECORDS), min_size=1, max_size=8),
    st.sampled_from(SEPARATORS),
    st.sampled_from([("[", "]"), ('{"Records":[', "]}"), ('\n{ "Records" : [ ', " ]\n}\n")]),
    st.tuples(st.sampled_from(DAMAGE), st.integers(0, 400)),
    st.integers(1, 120),
)
def test_any_body_is_cut_as_the_walk_cuts_it_in_windows_of_any_size(records, between, around, damage, window):
    text = between.join(records).join(around)
    body = (text[: damage[1]] + damage[0] + text[damage[1] :]).encode()
    found = cut_decoding(body, EVENTS, window)
    assert found is None or found == walked(body)


@given(st.lists(st.sampled_from(RECORDS[:2]), min_size=1, max_size=30), st.integers(100, 300))
def test_a_body_as_cloudtrail_writes_it_needs_no_walk_however_many_windows_it_has(records, window):
    body = ('{"Records":[' + ",".join(records) + "]}").encode()
    assert cut_decoding(body, EVENTS, window) == walked(body)


def test_a_pretty_printed_body_needs_no_walk():
    body = json.dumps({"Records": [json.loads(RECORDS[0])] * 50}, indent=4).encode()
    assert cut_decoding(body, EVENTS, 400) == walked(body)
