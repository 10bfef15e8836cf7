"""Arbitrary records, bytes and damage through a real Spark: the job never dies, and the balance holds."""

import gzip
import json
import zlib
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.integration.spark_jobs.conftest import Lake, event

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(max_size=5), child, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["userIdentity", "requestParameters", "resources", "readOnly", "tlsDetails", "eventTime"]
)
RECORDS = st.dictionaries(NAMES | st.text(max_size=5), JSON, max_size=4).map(lambda record: event() | record)
SOUND = st.lists(RECORDS | JSON, max_size=4).map(lambda records: json.dumps({"Records": records}).encode())
PACKED = SOUND.map(gzip.compress)
DAMAGED = st.tuples(PACKED, st.integers(0, 10_000), st.binary(max_size=3)).map(
    lambda found: (
        found[0][: found[1] % (len(found[0]) + 1)] + found[2] + found[0][found[1] % (len(found[0]) + 1) + 1 :]
    )
)
FILES = SOUND | PACKED | DAMAGED | st.binary(max_size=60)


def records_in(content: bytes) -> int | None:
    """How many records a sound file holds, by zlib and json alone; None when it is not sound."""
    try:
        body = zlib.decompressobj(31).decompress(content) if content[:2] == b"\x1f\x8b" else content
        if content[:2] == b"\x1f\x8b":
            gzip.decompress(content)
        found = json.loads(body.decode("utf-8-sig"), strict=False)
    except (ValueError, OSError, EOFError, zlib.error, RecursionError):
        return None
    if isinstance(found, dict):
        found = found.get("Records")
    return len(found) if isinstance(found, list) else None


@settings(
    max_examples=1,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(FILES, min_size=150, max_size=150))
def test_every_file_is_accounted_for_whatever_is_in_it(spark, tmp_path_factory, contents):
    lake = Lake(tmp_path_factory.mktemp("any"), spark)
    for number, content in enumerate(contents):
        lake.put(f"{number}.json.gz", content)
    lake.ingest()
    kept = Counter(Path(row.log_file).stem for row in lake.table().select("log_file").collect())
    set_aside, whole = Counter(), {}
    for row in lake.quarantine().collect():
        if row.record_index is None:
            whole[Path(row.log_file).stem] = row.log_file_records
        else:
            set_aside[Path(row.log_file).stem] += 1
    for number, content in enumerate(contents):
        name = f"{number}.json"
        rows = kept[name] + set_aside[name]
        expected = records_in(content)
        if expected:
            assert (rows, name in whole) == (expected, False)
        else:
            assert name in whole
            assert kept[name] == 0
            assert rows == whole[name]
    assert set(kept) | set(set_aside) | set(whole) == {f"{number}.json" for number in range(len(contents))}
