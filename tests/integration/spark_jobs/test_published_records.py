"""The published real records, read in place: every one a row, with its text and the values in it."""

import gzip
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.shape import tree
from tests.fixtures.published import REAL, needs_published_records
from tests.integration.spark_jobs.conftest import Lake

LAYOUTS = {
    "account": "AWSLogs/*/CloudTrail/*/*",
    "organization": "org_trail/AWSLogs/o-*/*/CloudTrail/*/*",
}
pytestmark = needs_published_records


def texts_of(path: Path):
    """The records of a log file as text, by the standard library alone."""
    content = path.read_bytes()
    body = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode()
    decoder = json.JSONDecoder()
    at = body.index("[", body.index('"Records"')) + 1
    texts = []
    while True:
        at += len(body[at:]) - len(body[at:].lstrip(" \t\r\n,"))
        if body[at] == "]":
            return texts
        _, end = decoder.raw_decode(body, at)
        texts.append(body[at:end])
        at = end


def assert_same(cell, value, wanted, path):
    """A typed cell holds the value that Python's json has read from the record."""
    if value is None:
        assert cell is None, path
    elif wanted.name == "STRUCT":
        for name, child in wanted.fields.items():
            assert_same(cell[name], value.get(name), child, f"{path}.{name}")
    elif wanted.name == "ARRAY":
        assert len(cell) == len(value), path
        for one, other in zip(cell, value, strict=True):
            assert_same(one, other, wanted.element, path)
    elif wanted.name == "MAP":
        assert set(cell) == set(value), path
        for name, child in value.items():
            assert_same(cell[name], child, wanted.element, f"{path}.{name}")
    elif wanted.name == "STRING" and not isinstance(value, str):
        assert json.loads(cell) == value, path
    else:
        assert cell == value, path


@pytest.fixture(scope="module", params=LAYOUTS)
def ingested(request):
    """One layout through the job: both tables, and each log file's records by the independent reader."""
    glob = LAYOUTS[request.param]
    if request.param == "account":
        lake = request.getfixturevalue("published_lake")
    else:
        folder = request.getfixturevalue("tmp_path_factory").mktemp("published")
        lake = Lake(folder, request.getfixturevalue("spark"))
        lake.ingest(logs_path=f"{REAL}/{glob}")
    files = [path for path in REAL.glob(f"{glob}/**/*.json*") if path.is_file()]
    assert files
    tables = SimpleNamespace(rows=lake.table().collect(), set_aside=lake.quarantine().collect())
    return tables, {path.name: texts_of(path) for path in files}


def test_every_record_is_a_row_with_exactly_its_text(ingested):
    tables, expected = ingested
    found = {(Path(row.log_file).name, row.record_index): row.raw for row in tables.rows}
    assert len(found) == len(tables.rows)
    assert found == {
        (name, place): text for name, texts in expected.items() for place, text in enumerate(texts)
    }


def test_each_file_has_as_many_rows_as_records(ingested):
    tables, expected = ingested
    counts = Counter(Path(row.log_file).name for row in tables.rows)
    assert counts == Counter({name: len(texts) for name, texts in expected.items() if texts})
    set_aside = {(Path(row.log_file).name, row.reason) for row in tables.set_aside}
    assert set_aside == {(name, "empty_records") for name, texts in expected.items() if not texts}


def test_every_typed_value_is_the_one_that_pythons_json_reads(ingested):
    tables, _ = ingested
    wanted = tree(KINDS["events"].columns)
    for row in tables.rows:
        record = json.loads(row.raw)
        for name, child in wanted.fields.items():
            cell = row[name]
            typed = cell.asDict(recursive=True) if hasattr(cell, "asDict") else cell
            assert_same(typed, record.get(name), child, name)


def test_no_field_of_a_published_record_is_without_a_column_or_odd(ingested):
    tables, _ = ingested
    assert [row.raw for row in tables.rows if row.misfits or row.unknown_fields] == []
