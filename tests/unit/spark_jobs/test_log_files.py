"""Log files, one row per oddity: what each becomes, the same with and without the accelerators."""

import gzip
import hashlib
import json

import isal.isal_zlib
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudtrail_jobs.accelerators import Accelerators
from cloudtrail_jobs.event_time import parse_instant
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.log_files import unpack

PLAIN = Accelerators()
FAST = Accelerators(zlib=isal.isal_zlib, msgspec=msgspec)
EVENTS = KINDS["events"]
TIME = '"eventTime":"2026-11-22T10:00:00Z"'
ONE = f'{{{TIME},"n":1}}'


def envelope(*records):
    return ('{"Records":[' + ",".join(records) + "]}").encode()


def outcome(content, using):
    """What a file became: its defect's reason, or each record's text and reason."""
    log_file = unpack(content, kind=EVENTS, using=using)
    texts = [text.decode() for text in log_file.texts]
    defects = [log_file.defects.get(place) for place in range(len(texts))]
    for defect, micros in zip(defects, log_file.micros, strict=True):
        assert (defect is None) == (micros is not None)
    if log_file.defect:
        assert {defect.reason for defect in defects} <= {log_file.defect.reason}
        return (log_file.defect.reason.value, *texts)
    return [(text, defect and defect.reason.value) for text, defect in zip(texts, defects, strict=True)]


def wrong_crc(body):
    content = bytearray(gzip.compress(body))
    content[-8] ^= 0xFF
    return bytes(content)


SOUND = [(ONE, None)]
FILES = {
    "gzip": (gzip.compress(envelope(ONE)), SOUND),
    "plain JSON under any name": (envelope(ONE), SOUND),
    "a bare array": (f"[{ONE}]".encode(), SOUND),
    "pretty-printed": (json.dumps({"Records": [1]}, indent=2).replace("1", ONE).encode(), SOUND),
    "Records twice": (f'{{"Records":[{ONE}],"Records":[{ONE}]}}'.encode(), [*SOUND, *SOUND]),
    "Records twice, once in escapes": (
        f'{{"Records":[{ONE}],"\\u0052ecords":[{ONE}]}}'.encode(),
        [*SOUND, *SOUND],
    ),
    "other keys around Records": (f'{{"a":[1,{{"Records":[2]}}],"Records":[{ONE}],"z":1}}'.encode(), SOUND),
    "byte-order mark": (b"\xef\xbb\xbf" + envelope(ONE), SOUND),
    "CR and LF between": (f'{{"Records":\r\n[\r\n{ONE}\r\n]\r\n}}\r\n'.encode(), SOUND),
    "two gzip members": (gzip.compress(b'{"Records":[') + gzip.compress(f"{ONE}]}}".encode()), SOUND),
    "garbage after the gzip": (gzip.compress(envelope(ONE)) + b"\0\0garbage", SOUND),
    "truncated gzip": (gzip.compress(envelope(ONE, ONE))[:-9], ("truncated_gzip", ONE, ONE)),
    "gzip with a wrong check sum": (wrong_crc(envelope(ONE)), ("corrupt_gzip", ONE)),
    "gzip with reserved flags": (b"\x1f\x8b\x08\xe0" + gzip.compress(envelope(ONE))[4:], ("corrupt_gzip",)),
    "a sound member, then one with reserved flags": (
        gzip.compress(envelope(ONE)) + b"\x1f\x8b\x08\xe0" + gzip.compress(b"")[4:],
        ("corrupt_gzip", ONE),
    ),
    "a sound member, then a damaged one": (
        gzip.compress(envelope(ONE)) + b"\x1f\x8b\x08\x00" + b"\xff" * 40,
        ("corrupt_gzip", ONE),
    ),
    "damaged gzip": (b"\x1f\x8b\x08\x00" + b"\xff" * 40, ("corrupt_gzip",)),
    "no bytes": (b"", ("empty_file",)),
    "gzip of nothing": (gzip.compress(b""), ("empty_file",)),
    "only spaces": (b" \n ", ("empty_file",)),
    "an XML error body": (b'<?xml version="1.0"?><Error/>', ("not_json",)),
    "cut-off JSON": (envelope(ONE)[:-2], ("not_json", ONE)),
    "JSON cut off in a record": (envelope(ONE, "7", ONE)[:-10], ("not_json", ONE, "7")),
    "JSON cut off in a number": (b'{"Records":[1,2', ("not_json", "1")),
    "JSON cut off before the records": (b'{"Records', ("not_json",)),
    "two documents": (envelope(ONE) + envelope(ONE), ("not_json", ONE)),
    "a digest": (b'{"digestS3Bucket":"b","logFiles":[]}', ("no_records_array",)),
    "Records that is null": (b'{"Records":null}', ("no_records_array",)),
    "a number": (b"3", ("no_records_array",)),
    "empty Records": (b'{"Records":[]}', ("empty_records",)),
    "an empty array": (b"[]", ("empty_records",)),
    "a record that is no object": (envelope("7", ONE), [("7", "not_an_object"), (ONE, None)]),
    "a null record": (envelope("null"), [("null", "not_an_object")]),
    "a record without time": (envelope('{"a":1}'), [('{"a":1}', "no_event_time")]),
    "a null time": (envelope('{"eventTime":null}'), [('{"eventTime":null}', "no_event_time")]),
    "a time that is none": (envelope('{"eventTime":"soon"}'), [('{"eventTime":"soon"}', "bad_event_time")]),
    "a number as time": (envelope('{"eventTime":5}'), [('{"eventTime":5}', "bad_event_time")]),
}
# Odd but sound: the text must come back to the character.
RECORDS = {
    "spaces and escapes": f'{{ {TIME} , "a" : "\\u0041\\/" }}',
    "exponents and long decimals": f'{{{TIME},"a":1.0E5,"b":0.1234567890123456789012345}}',
    "1e400": f'{{{TIME},"a":1e400}}',
    "an integer of 5,000 digits": f'{{{TIME},"a":{"9" * 5000}}}',
    "duplicate keys": f'{{"a":1,"a":2,{TIME}}}',
    "keys in another case": f'{{"EVENTTIME":1,{TIME}}}',
    "four-byte characters": f'{{{TIME},"a":"😀é"}}',
    "brackets in strings": f'{{{TIME},"a":"]}}[{{\\"Records\\":[\\\\"}}',
    "deep nesting": f'{{{TIME},"a":{"[" * 3000}{"]" * 3000}}}',
    "100 KB": f'{{{TIME},"a":"{"x" * 100_000}"}}',
    "milliseconds": '{"eventTime":"2026-11-22T10:00:00.123Z"}',
    "nine decimals": '{"eventTime":"2026-11-22T10:00:00.123456789Z"}',
    "an offset": '{"eventTime":"2026-11-22T10:00:00-05:00"}',
}


@pytest.mark.parametrize("using", [PLAIN, FAST], ids=["standard library", "accelerated"])
@pytest.mark.parametrize("name", FILES)
def test_each_file_becomes_exactly_this(name, using):
    content, expected = FILES[name]
    assert outcome(content, using) == expected


@pytest.mark.parametrize("using", [PLAIN, FAST], ids=["standard library", "accelerated"])
@pytest.mark.parametrize("name", RECORDS)
def test_an_odd_but_sound_record_keeps_its_text(name, using):
    text = RECORDS[name]
    assert outcome(gzip.compress(envelope(ONE, text, ONE)), using) == [(ONE, None), (text, None), (ONE, None)]


@pytest.mark.parametrize("using", [PLAIN, FAST], ids=["standard library", "accelerated"])
def test_invalid_utf8_costs_its_record_only(using):
    bad = f'{{{TIME},"a":"'.encode() + b'\xff"}'
    content = b'{"Records":[' + ONE.encode() + b"," + bad + b"]}"
    (sound, none), (shown, reason) = outcome(content, using)
    assert (sound, none, reason) == (ONE, None, "not_json")
    assert "\\xff" in shown


def test_the_hash_is_that_of_the_uncompressed_bytes():
    body = envelope(ONE)
    for content in (body, gzip.compress(body)):
        found = unpack(content, kind=EVENTS, using=FAST)
        assert found.sha256 == hashlib.sha256(body).hexdigest()


def test_an_offset_moves_the_instant_and_decimals_are_kept_to_microseconds():
    texts = [
        '{"eventTime":"2026-11-22T23:00:00.1234567-05:00"}',
        '{"eventTime":"2026-11-23T04:00:00.123456Z"}',
    ]
    first, second = unpack(envelope(*texts), kind=EVENTS, using=FAST).micros
    assert first == second


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\ Records1null', max_size=80).map(str.encode))
def test_any_bytes_end_as_records_or_a_reason_alike_with_and_without_accelerators(content):
    assert outcome(content, PLAIN) == outcome(content, FAST)


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=255))
def test_any_damage_to_a_sound_file_is_seen_alike_with_and_without_accelerators(place, byte):
    content = bytearray(gzip.compress(envelope(ONE, ONE), mtime=0))
    content[place % len(content)] = byte
    assert outcome(bytes(content), PLAIN) == outcome(bytes(content), FAST)


@pytest.mark.parametrize("using", [PLAIN, FAST])
def test_an_odd_record_and_a_bad_one_are_told_by_their_place_and_the_others_keep_their_times(using):
    odd, timeless = f'{{{TIME},"n":1,"readOnly":"no"}}', '{"eventName":"x"}'
    sound = f"{{{TIME}}}"
    found = unpack(envelope(sound, odd, "7", timeless, sound), kind=EVENTS, using=using)
    assert [micros is None for micros in found.micros] == [False, False, True, True, False]
    assert {place: defect.reason.value for place, defect in found.defects.items()} == {
        2: "not_an_object",
        3: "no_event_time",
    }
    (oddity,) = found.oddities.items()
    assert (oddity[0], oddity[1].misfits, oddity[1].unknown) == (1, ("readOnly",), ("n",))


@given(st.from_regex(r"\A\d{4}-[01]\d-[0-3]\d[T ]\d\d[:.]\d\d:\d\dZ\Z"))
def test_a_time_as_cloudtrail_writes_it_is_the_instant_that_any_other_form_of_it_is(text):
    # A fraction takes the general way.
    assert parse_instant(text) == parse_instant(f"{text[:-1]}.0Z")


DIGEST = '{"digestEndTime":"2026-11-22T10:01:31Z","logFiles":[{"s3Object":"a"}],"n": 1.0}'


@pytest.mark.parametrize("using", [PLAIN, FAST], ids=["plain", "fast"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (DIGEST, (None, [DIGEST], {})),
        (f"\ufeff \n{DIGEST}\n", (None, [DIGEST], {})),
        (DIGEST[:-1], ("not_json", [], {})),
        (DIGEST + "}", ("not_json", [], {})),
        (DIGEST + DIGEST, ("not_json", [], {})),
        ("{" * 200_000 + "}" * 200_000, ("not_json", [], {})),
        ('{"a":' * 200_000 + "1" + "}" * 200_000, ("not_json", [], {})),
        (" ", ("empty_file", [], {})),
        ("[1]", (None, ["[1]"], {0: "not_an_object"})),
        (envelope(ONE).decode(), (None, [envelope(ONE).decode()], {0: "no_event_time"})),
    ],
    ids=range(10),
)
def test_a_digest_is_one_record(body, expected, using):
    found = unpack(gzip.compress(body.encode()), kind=KINDS["digests"], using=using)
    defect = found.defect and found.defect.reason.value
    texts = [text.decode() for text in found.texts]
    assert (defect, texts, {at: one.reason.value for at, one in found.defects.items()}) == expected


@pytest.mark.parametrize("using", [PLAIN, FAST], ids=["plain", "fast"])
def test_bytes_after_the_gzip_data_change_the_hash(using):
    # CloudTrail did not sign them. `aws cloudtrail validate-logs` reports such a file, too.
    body = envelope(ONE)
    hashes = [
        unpack(content, kind=EVENTS, using=using).sha256
        for content in (gzip.compress(body), gzip.compress(body) + b"more")
    ]
    assert hashes == [hashlib.sha256(body).hexdigest(), hashlib.sha256(body + b"more").hexdigest()]
