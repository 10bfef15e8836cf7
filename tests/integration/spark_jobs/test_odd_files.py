"""Odd files on a real Spark: every object that the source lists is in a table, whatever it holds."""

import gzip
import json
import os
import time

from tests.integration.spark_jobs.conftest import event, pack

BODY = gzip.decompress(pack(event(1), event(2)))


def found(lake):
    """Every file in either table: its name → the rows it has there."""
    kept = lake.table().selectExpr("log_file", "eventID AS what")
    set_aside = lake.quarantine().selectExpr("log_file", "reason AS what")
    outcome = {}
    for row in kept.union(set_aside).collect():
        outcome.setdefault(row.log_file.rpartition("/")[2], []).append(row.what)
    return {name: sorted(rows) for name, rows in outcome.items()}


def test_each_odd_file_ends_as_rows_or_as_a_reason(lake):
    files = {
        "plain.json": BODY,
        "gzip in disguise.json": gzip.compress(BODY),
        "members.json.gz": gzip.compress(BODY[:40]) + gzip.compress(BODY[40:]),
        "garbage.json.gz": gzip.compress(BODY) + b"\0\0garbage",
        "mark.json.gz": gzip.compress(b"\xef\xbb\xbf" + BODY),
        "lines.json.gz": gzip.compress(BODY.replace(b",", b",\r\n")),
        "no bytes.json.gz": b"",
        "no+bytes%20either.json": b"",
        "error.json.gz": b"<Error><Code>NoSuchKey</Code></Error>",
        "digest.json.gz": gzip.compress(b'{"digestS3Bucket":"b"}'),
        "utf8.json.gz": gzip.compress(BODY.replace(b"Get", b"G\xfft", 1)),
        "cut.json": BODY[:-20],
        "not a CloudTrail name": BODY,
    }
    for name, content in files.items():
        lake.put(name, content)
    lake.ingest()
    both = ["id-1", "id-2"]
    assert found(lake) == {
        "plain.json": both,
        "gzip in disguise.json": both,
        "members.json.gz": both,
        "garbage.json.gz": both,
        "mark.json.gz": both,
        "lines.json.gz": both,
        "no bytes.json.gz": ["empty_file"],
        "no+bytes%20either.json": ["empty_file"],
        "error.json.gz": ["not_json"],
        "digest.json.gz": ["no_records_array"],
        "utf8.json.gz": ["id-2", "not_json"],
        "cut.json": ["not_json", "not_json"],
        "not a CloudTrail name": both,
    }


def test_what_a_truncated_file_still_holds_is_kept_as_text(lake):
    lake.put("a.json.gz", pack(event(1), event(2), event(3))[:-14])
    lake.ingest()
    whole, *salvaged = lake.quarantine().orderBy("record_index").collect()
    assert (whole.record_index, whole.reason, whole.raw) == (None, "truncated_gzip", None)
    assert whole.log_file_records == len(salvaged) > 0
    assert [json.loads(row.raw) for row in salvaged] == [event(1), event(2), event(3)][: len(salvaged)]
    assert {row.reason for row in salvaged} == {"truncated_gzip"}
    assert lake.table().count() == 0


def test_only_empty_objects_are_a_batch_too(lake):
    lake.put("a.json.gz", b"")
    lake.ingest()
    (row,) = lake.quarantine().collect()
    assert (row.reason, row.log_file_records, row.record_index) == ("empty_file", 0, None)
    assert row.delivered_at is not None
    assert row.log_file.endswith("/a.json.gz")


def test_a_file_that_is_older_than_all_others_and_comes_later_is_read(lake):
    lake.put("new.json.gz", [event(1)])
    lake.ingest()
    late = lake.put("late.json.gz", [event(2)])
    long_ago = time.time() - 40 * 24 * 3600
    os.utime(late, (long_ago, long_ago))
    lake.ingest()
    assert found(lake) == {"new.json.gz": ["id-1"], "late.json.gz": ["id-2"]}


def test_the_organization_layout_and_an_account_in_the_path_that_is_not_the_records(lake):
    lake.put("a.json.gz", [event(1, recipientAccountId="9" * 12)], account="o-a1b2c3d4e5/111122223333")
    lake.ingest(logs_path=f"{lake.folder}/AWSLogs/o-a1b2c3d4e5/*/CloudTrail/*/*")
    (row,) = lake.table().collect()
    assert row.recipientAccountId == "9" * 12
    assert "/o-a1b2c3d4e5/111122223333/" in row.log_file


def test_only_the_delivery_days_that_were_asked_for_are_read(lake):
    first = lake.put("a.json.gz", [event(1)])
    for number, day in enumerate(("2025/12/31", "2026/11/21", "2026/11/30", "2026/12/01", "2027/01/01"), 2):
        path = first.parents[3] / day / "a.json.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(pack(event(number)))
    lake.ingest(**{"from": "2026-11-22", "until": "2026-12-01"})
    assert {row.eventID for row in lake.table().collect()} == {"id-1", "id-4", "id-5"}
    # Wider bounds on the same checkpoint add what was left out, once.
    lake.ingest(**{"from": "2026-01-01"})
    assert sorted(row.eventID for row in lake.table().collect()) == ["id-1", "id-3", "id-4", "id-5", "id-6"]
