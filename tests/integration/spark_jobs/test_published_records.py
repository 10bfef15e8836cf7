"""The published real records, read in place: every one in the table, by an independent count."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from sandbox.spark import ROOT

REAL = ROOT.parent / "shared" / "data" / "real"
LAYOUTS = {
    "account": "AWSLogs/*/CloudTrail/*/*",
    "organization": "org_trail/AWSLogs/o-*/*/CloudTrail/*/*",
}


def records_of(path: Path):
    """The records of a log file by the standard library alone."""
    content = path.read_bytes()
    body = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return json.loads(body)["Records"]


@pytest.mark.skipif(not REAL.exists(), reason="the published records are not beside this checkout")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_published_record_is_a_row_with_its_own_text(lake, layout):
    root = REAL / LAYOUTS[layout].partition("*")[0]
    files = [path for path in REAL.glob(f"{LAYOUTS[layout]}/**/*.json*") if path.is_file()]
    assert files, root
    lake.ingest(logs_path=f"{REAL}/{LAYOUTS[layout]}")
    rows = lake.table().select("log_file", "record_index", "raw", "eventID", "log_file_records").collect()
    found = Counter(Path(row.log_file).name for row in rows)
    expected = {path.name: records_of(path) for path in files}
    assert found == Counter({name: len(records) for name, records in expected.items() if records})
    for row in rows:
        record = expected[Path(row.log_file).name][row.record_index]
        assert json.loads(row.raw) == record
        assert row.eventID == record.get("eventID")
    empty = {Path(row.log_file).name for row in lake.quarantine().where("reason = 'empty_records'").collect()}
    assert empty == {name for name, records in expected.items() if not records}
