"""What one object can cost: each limit ends as a row with its numbers, and the text of columns is valid."""

import gzip
import json
import zlib
from datetime import UTC, datetime

import isal.isal_zlib
import msgspec
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudtrail_jobs import event_time
from cloudtrail_jobs.accelerators import Accelerators
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.limits import MAX_FILE_BYTES, most_uncompressed
from cloudtrail_jobs.log_files import unpack
from cloudtrail_jobs.unpacking import unpack_safely, unpacker

PLAIN, FAST = Accelerators(), Accelerators(zlib=isal.isal_zlib, msgspec=msgspec)
TIME = '"eventTime":"2026-11-22T10:00:00Z"'


def envelope(*records, start='{"Records":['):
    return (start + ",".join(records) + "]}").encode()


TOO_MUCH = {
    "many bytes of few": (lambda: b"\0" * (33 * 2**20), "expand to more than 33554432 bytes"),
    "records": (lambda: envelope(*["1"] * 100_001), "the file has more than 100000 records"),
    "records in two arrays": (
        lambda: envelope(*["1"] * 60_000, start='{"Records":[' + "1," * 50_000 + '1],"Records":['),
        "the file has more than 100000 records",
    ),
    "values": (lambda: envelope(*["1"] * 2_000_001), "the file's 4000015 bytes have 2000005 values"),
    "records before the damage": (
        lambda: envelope(*["1"] * 100_001)[:-1],
        "the file has more than 100000 records",
    ),
}


@pytest.mark.parametrize("using", [PLAIN, FAST], ids=["plain", "fast"])
@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_file_beyond_a_limit_is_one_row_with_its_numbers(name, using):
    make, expected = TOO_MUCH[name]
    found = unpack(gzip.compress(make(), compresslevel=1), kind=KINDS["events"], using=using)
    assert (found.defect.reason.value, found.texts) == ("unreadable", ())
    assert expected in found.defect.detail


@pytest.mark.parametrize("using", [PLAIN, FAST], ids=["plain", "fast"])
def test_an_object_of_very_many_gzip_members_is_unreadable_and_one_of_some_is_read(using):
    member = gzip.compress(b"", mtime=0)
    many = unpack(member * 50_000, kind=KINDS["events"], using=using)
    assert many.defect.detail == "the object has more than 1000 gzip members in 1000000 bytes"
    some = unpack(member * 900 + gzip.compress(envelope(f"{{{TIME}}}")), kind=KINDS["events"], using=using)
    assert (some.defect, len(some.texts)) == (None, 1)


@pytest.mark.parametrize("using", [PLAIN, FAST], ids=["plain", "fast"])
def test_a_record_that_is_too_large_costs_only_itself_and_keeps_its_text(using):
    large = f'{{{TIME},"a":"{"x" * 2**24}"}}'
    values = f'{{{TIME},"a":[{"1," * 1_000_000}1]}}'
    found = unpack(envelope(f"{{{TIME}}}", large, values), kind=KINDS["events"], using=using)
    details = {place: (one.reason.value, one.detail) for place, one in found.defects.items()}
    assert details == {
        1: ("unreadable", f"the record has {len(large)} bytes, more than 16777216"),
        2: ("unreadable", "the record has 1000008 values, more than 1000000"),
    }
    assert [text.decode() for text in found.texts[1:]] == [large, values]


@pytest.mark.parametrize("using", [PLAIN, FAST], ids=["plain", "fast"])
@pytest.mark.parametrize("escapes", [10, 999, 1000, 1001, 2500])
def test_a_text_of_any_number_of_escapes_is_cut_alike(escapes, using):
    text = f'{{{TIME},"a":"{"x" + chr(92) * 2 * escapes}"}}'
    # The second array makes the standard library decide.
    body = envelope(text, "2", text, start='{"Records":[],"Records":[')
    found = unpack(body, kind=KINDS["events"], using=using)
    assert [one.decode() for one in found.texts] == [text, "2", text]
    broken = unpack(body[:-12], kind=KINDS["events"], using=using)
    assert [one.decode() for one in broken.texts] == [text, "2"]


def test_an_object_may_expand_as_much_as_a_log_file_can():
    assert most_uncompressed(100) == 32 * 2**20
    assert most_uncompressed(1_000_000) == 50_000_000
    assert most_uncompressed(100 * 2**20) == MAX_FILE_BYTES


def test_a_long_time_is_read_and_not_kept_in_memory():
    event_time._remembered.cache_clear()
    long = "2026-11-22T10:00:00." + "1" * 300_000 + "Z"
    assert event_time.parse_instant(long) == event_time.parse_instant("2026-11-22T10:00:00.111111Z")
    assert event_time.instants([long, "2026-11-22T10:00:00Z"]) is not None
    assert event_time._remembered.cache_info().currsize == 1


@pytest.mark.parametrize("using", [PLAIN, FAST], ids=["plain", "fast"])
@pytest.mark.parametrize(
    "time", ["[" * 900 + "]" * 900, "9" * 5_000, "-1e999", '{"a":[]}', '"' + "x" * 9_000 + '"']
)
def test_a_time_of_any_form_and_depth_is_a_bad_time(time, using):
    found = unpack(envelope(f'{{"eventTime":{time}}}'), kind=KINDS["events"], using=using)
    (defect,) = found.defects.values()
    assert (defect.reason.value, len(defect.detail) < 200) == ("bad_event_time", True)


@pytest.mark.parametrize("time", ["5", "-1.0E5", "true", '"soon"', "[1]", '{"a":1}'])
def test_a_bad_time_is_described_alike_with_and_without_accelerators(time):
    body = envelope(f'{{"eventTime":{time}}}')
    plain, fast = (unpack(body, kind=KINDS["events"], using=using) for using in (PLAIN, FAST))
    assert plain.defects == fast.defects


def rows(*contents, kind="events"):
    """What Spark gets of objects with these contents, as it gets it."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array([f"s3://b/{n}" for n in range(len(contents))]),
            pa.array([now] * len(contents), pa.timestamp("us", tz="UTC")),
            pa.array(contents, pa.binary()),
        ],
        names=["path", "modificationTime", "content"],
    )
    return [row for found in unpacker(kind)([batch]) for row in found.to_pylist()]


HALF = f'{{{TIME},"\\ud83dfield":1,"a\\udc00\\ud83d":1}}'


def test_half_of_a_surrogate_pair_in_a_key_costs_nothing():
    first, second = rows(gzip.compress(envelope(HALF)), envelope(f"{{{TIME}}}"))
    assert (first["raw"], first["reason"]) == (HALF, None)
    assert first["unknown_fields"] == ["\\ud83dfield", "a\\udc00\\ud83d"]
    assert second["unknown_fields"] is None


KEYS = st.text(max_size=6) | st.sampled_from(["eventTime", "resources", "userIdentity", "\ud83d", "\udc00x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8) | KEYS,
    lambda child: st.lists(child, max_size=3) | st.dictionaries(KEYS, child, max_size=3),
    max_leaves=10,
)
RECORDS = st.lists(st.dictionaries(KEYS, JSON, max_size=4) | JSON, max_size=3)
BODIES = RECORDS.map(lambda found: json.dumps({"Records": found}).encode()) | st.binary(max_size=40)


def edited(found):
    """A body with one byte put in, out or over another, and perhaps packed, once or twice."""
    body, place, byte, way, packed = found
    place %= len(body) + 1
    body = body[:place] + byte + body[place + way :]
    for _ in range(packed):
        body = gzip.compress(body, mtime=0)
    return body


EDITED = st.tuples(BODIES, st.integers(0, 400), st.binary(max_size=2), st.integers(0, 3), st.integers(0, 2))


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(BODIES | EDITED.map(edited), min_size=1, max_size=3), st.sampled_from([*KINDS]))
def test_any_object_becomes_rows_that_arrow_and_spark_take(contents, kind):
    found = rows(*contents, kind=kind)
    assert {row["log_file"] for row in found} == {f"s3://b/{n}" for n in range(len(contents))}
    for row in found:
        texts = [row["raw"], row["detail"], *(row["misfits"] or []), *(row["unknown_fields"] or [])]
        assert all(len(text.encode()) < 3_000 for text in texts if text is not None)


class Broken:
    """A zlib that fails as no zlib does."""

    error = zlib.error

    @staticmethod
    def decompressobj(wbits):
        raise MemoryError(f"no memory for a window of {wbits}")


def test_a_failure_that_nobody_foresaw_costs_only_its_file():
    found = unpack_safely(gzip.compress(b""), kind=KINDS["events"], using=Accelerators(zlib=Broken))
    assert found.defect.reason.value == "unreadable"
    assert (
        found.defect.detail == "the job failed on its 20 bytes: MemoryError: 'no memory for a window of 31'"
    )


def test_gzip_inside_gzip_says_so():
    (row,) = rows(gzip.compress(gzip.compress(envelope(f"{{{TIME}}}"))))
    assert (row["reason"], row["detail"].partition(";")[0]) == (
        "not_json",
        "it is gzip inside gzip: it was compressed twice",
    )
