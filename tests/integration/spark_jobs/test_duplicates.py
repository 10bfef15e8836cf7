"""`duplicates=remove`: each record once, also across runs; nothing removed that only looks the same."""

import shutil
from collections import Counter
from types import SimpleNamespace

import pytest

from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.batches import write_batch
from cloudtrail_to_delta.tables.queries import files_query
from tests.integration.spark_jobs.conftest import event

ONE = "1" * 12


def full(number, **fields):
    return event(number, recipientAccountId=ONE, **fields)


# Each pair looks like one record twice and is two.
ALIKE = [
    full("same"),
    full("same", errorCode="AccessDenied"),  # another body under the same id
    event("same", recipientAccountId="2" * 12),  # another account
    full("update", addendum={"reason": "UPDATED_DATA"}),
    full("update", addendum={"reason": "UPDATED_DATA"}),
    event(None, eventID=None, recipientAccountId=ONE),  # no id
    event(None, eventID=None, recipientAccountId=ONE),
]


@pytest.fixture(scope="module")
def history(module_lake):
    """The tables after each of: two files, a repetition of their batch, a third file, a lost checkpoint."""
    lake, stages = module_lake, {}

    def note(name, **more):
        quarantine = lake.quarantine().orderBy("batch_id", "log_file", "record_index").collect()
        stages[name] = SimpleNamespace(
            ids=Counter(row.eventID for row in lake.table().select("eventID").collect()),
            removed=[row for row in quarantine if row.reason == "duplicate"],
            reasons=Counter(row.reason for row in quarantine),
            files={row.log_file[-9:]: row for row in lake.ask(files_query)},
            **more,
        )

    lake.put("a.json.gz", [full(1), full(2), full(1), "7", "7", *ALIKE])
    lake.put("b.json.gz", [full(2), full(3)])
    lake.ingest(duplicates="remove")
    note("two files")
    (arguments,) = parse_arguments(lake.argv(duplicates="remove"))
    counts = write_batch(arguments, lake.stream(), lake.files(), 0)
    note("repeated", counts=counts)
    lake.put("c.json.gz", [full(3), full(4)])
    lake.ingest(duplicates="remove")
    note("another run")
    shutil.rmtree(lake.folder / "checkpoints")
    lake.put("d.json.gz", [full(5)])
    lake.ingest(duplicates="remove")
    note("lost checkpoint")
    return stages


def test_a_record_is_kept_once_within_a_file_and_across_files(history):
    stage = history["two files"]
    assert {name: stage.ids[name] for name in ("id-1", "id-2", "id-3")} == {"id-1": 1, "id-2": 1, "id-3": 1}
    assert [(row.log_file[-9:], row.record_index, row.raw) for row in stage.removed] == [
        ("a.json.gz", 2, None),
        ("b.json.gz", 0, None),
    ]


def test_what_only_looks_the_same_is_kept(history):
    ids = history["two files"].ids
    assert (ids["id-same"], ids["id-update"], ids[None]) == (3, 2, 2)


def test_records_without_a_use_stay_what_they_are(history):
    assert history["two files"].reasons == {"not_an_object": 2, "duplicate": 2}


def test_a_batch_that_is_repeated_does_not_take_its_own_rows_for_earlier_ones(history):
    before, after = history["two files"], history["repeated"]
    counts = after.counts
    assert (counts["repeated"], counts["kept"], counts["removed"]) == (True, 10, 2)
    assert (after.ids, after.reasons) == (before.ids, before.reasons)


def test_a_record_is_kept_once_across_runs_and_the_removed_one_says_where_the_other_is(history):
    stage = history["another run"]
    assert (stage.ids["id-3"], stage.ids["id-4"]) == (1, 1)
    row = stage.removed[-1]
    assert (row.log_file[-9:], row.record_index) == ("c.json.gz", 0)
    assert row.detail.startswith("the same account, event id and text as record 1 of ")
    assert row.detail.endswith("b.json.gz")


def test_a_lost_checkpoint_adds_nothing_twice_but_what_never_is_a_duplicate(history):
    before, after = history["another run"].ids, history["lost checkpoint"].ids
    assert after == before + Counter({"id-5": 1, "id-update": 2, None: 2})


def test_removed_records_are_counted_on_their_file_and_every_file_balances(history):
    files = history["another run"].files
    counts = {name: (row.records, row.kept, row.quarantined, row.removed) for name, row in files.items()}
    assert counts == {"a.json.gz": (12, 9, 2, 1), "b.json.gz": (2, 1, 0, 1), "c.json.gz": (2, 1, 0, 1)}
    assert all(row.balanced for row in files.values())


def test_by_default_what_was_delivered_twice_is_there_twice(lake):
    lake.put("a.json.gz", [full(1), full(1)])
    lake.ingest()
    assert Counter(row.eventID for row in lake.table().collect()) == {"id-1": 2}
