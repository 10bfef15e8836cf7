"""`duplicates=remove`: each record once, also across runs; nothing removed that only looks the same."""

from collections import Counter

from cloudtrail_jobs.args import parse_arguments
from tests.integration.spark_jobs.conftest import event


def full(number, **fields):
    return event(number, recipientAccountId="1" * 12, **fields)


def ids(lake):
    return Counter(row.eventID for row in lake.table().collect())


def removed(lake):
    return lake.quarantine().where("reason = 'duplicate'").orderBy("log_file", "record_index").collect()


def test_by_default_what_was_delivered_twice_is_there_twice(lake):
    lake.put("a.json.gz", [full(1), full(1)])
    lake.ingest()
    assert ids(lake) == {"id-1": 2}


def test_a_record_is_kept_once_within_a_file_across_files_and_across_runs(lake):
    lake.put("a.json.gz", [full(1), full(2), full(1)])
    lake.put("b.json.gz", [full(2), full(3)])
    lake.ingest(duplicates="remove")
    assert ids(lake) == {"id-1": 1, "id-2": 1, "id-3": 1}
    lake.put("c.json.gz", [full(3), full(4)])
    lake.ingest(duplicates="remove")
    assert ids(lake) == {"id-1": 1, "id-2": 1, "id-3": 1, "id-4": 1}
    rows = removed(lake)
    assert [(row.log_file[-9:], row.record_index, row.raw) for row in rows] == [
        ("a.json.gz", 2, None),
        ("b.json.gz", 0, None),
        ("c.json.gz", 0, None),
    ]
    assert rows[2].detail.startswith("the same account, event id and text as record 1 of ")
    assert rows[2].detail.endswith("b.json.gz")


def test_what_only_looks_the_same_is_kept(lake):
    lake.put(
        "a.json.gz",
        [
            full(1),
            full(1, errorCode="AccessDenied"),  # another body under the same id
            event(1, recipientAccountId="2" * 12),  # another account
            full(2, addendum={"reason": "UPDATED_DATA"}),
            full(2, addendum={"reason": "UPDATED_DATA"}),
            event(None, eventID=None, recipientAccountId="1" * 12),  # no id
            event(None, eventID=None, recipientAccountId="1" * 12),
        ],
    )
    lake.ingest(duplicates="remove")
    assert (lake.table().count(), removed(lake)) == (7, [])


def test_records_without_a_use_stay_what_they_are(lake):
    lake.put("a.json.gz", [full(1), "7", full(1), "7"])
    lake.ingest(duplicates="remove")
    reasons = Counter(row.reason for row in lake.quarantine().collect())
    assert reasons == {"not_an_object": 2, "duplicate": 1}


def test_a_batch_that_is_repeated_does_not_take_its_own_rows_for_earlier_ones(lake, spark):
    from cloudtrail_jobs.batches import write_batch

    lake.put("a.json.gz", [full(1), full(1), full(2)])
    lake.ingest(duplicates="remove")
    files = (
        spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(f"{lake.folder}/AWSLogs")
    )
    counts = write_batch(parse_arguments(lake.argv(duplicates="remove")), files, 0)
    assert (counts["repeated"], counts["kept"], counts["removed"]) == (True, 2, 1)
    assert (ids(lake), len(removed(lake))) == ({"id-1": 1, "id-2": 1}, 1)


def test_a_lost_checkpoint_adds_nothing_twice(lake):
    import shutil

    lake.put("a.json.gz", [full(1), full(2)])
    lake.ingest(duplicates="remove")
    shutil.rmtree(lake.folder / "checkpoints")
    lake.put("b.json.gz", [full(3)])
    lake.ingest(duplicates="remove")
    assert ids(lake) == {"id-1": 1, "id-2": 1, "id-3": 1}
    assert len(removed(lake)) == 2
