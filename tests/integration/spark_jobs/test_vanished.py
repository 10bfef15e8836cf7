"""What was there and is gone, or is another: log files, rows, tables, and a checkpoint's last batch."""

import shutil
from collections import Counter

import pytest

from cloudtrail_jobs import source
from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.batches import write_batch
from cloudtrail_jobs.errors import LostTableError, StreamFailedError
from cloudtrail_to_delta.tables.queries import files_query
from tests.integration.spark_jobs.conftest import event, open_source_only


def table_at(lake):
    return f"delta.`{lake.folder}/delta/events`"


def ids(lake):
    return Counter(row.eventID.removeprefix("id-") for row in lake.table().select("eventID").collect())


def reasons(lake):
    """File name → its reason in the quarantine."""
    return {row.log_file.rpartition("/")[2]: row.reason for row in lake.quarantine().collect()}


def files(lake):
    return {row.log_file.rpartition("/")[2]: row for row in lake.ask(files_query)}


def fail_after_listing(lake, **changed):
    """Run the job so that its batch is listed and not written: a user's constraint refuses the rows."""
    lake.spark.sql(f"ALTER TABLE {table_at(lake)} ADD CONSTRAINT none CHECK (eventID = 'none')")
    with pytest.raises(StreamFailedError, match=r"(?i)constraint"):
        lake.ingest(**changed)
    lake.spark.sql(f"ALTER TABLE {table_at(lake)} DROP CONSTRAINT none")


def roll_back(lake, batch):
    """The checkpoint as it was before this batch of the month's stream."""
    stream = lake.stream().path
    for name in ("offsets", "commits", "sources/0"):
        for path in (lake.folder / stream / name).glob(f"*{batch}*"):
            path.unlink()


@open_source_only
def test_a_file_that_is_gone_before_it_is_read_is_missing_and_the_others_are_read(lake):
    lake.ingest()
    sound = lake.put("a.json.gz", [event("a")])
    gone = [lake.put(name, [event("gone")]) for name in ("b [1]*.json.gz", "c.json.gz")]
    lake.put("none.json.gz", b"")
    for hidden in ("_x.json.gz", ".x.json.gz", "x.json.gz._COPYING_"):
        lake.put(hidden, [event("never listed")])
    fail_after_listing(lake)
    gone[0].unlink()
    # The second one is deleted when Spark knows the files of the batch and has not read them.
    (arguments,) = parse_arguments(lake.argv())
    options = {k: v for k, v in source.file_source_options(arguments).items() if k.startswith("ignore")}
    reader = lake.spark.read.format("binaryFile").schema(source.FILES).options(**options)
    given = reader.load([str(sound), str(gone[1])])
    gone[1].unlink()
    write_batch(arguments, lake.stream(), given, 0)
    expected = {"b [1]*.json.gz": "missing_file", "c.json.gz": "missing_file", "none.json.gz": "empty_file"}
    assert (ids(lake), reasons(lake)) == ({"a": 1}, expected)
    found = {name: (row.balanced, row.loads, row.whole_file_reason) for name, row in files(lake).items()}
    assert found == {
        "a.json.gz": (True, 1, None),
        "b [1]*.json.gz": (False, 0, "missing_file"),
        "c.json.gz": (False, 0, "missing_file"),
        "none.json.gz": (True, 1, "empty_file"),
    }


def test_a_checkpoint_that_was_rolled_back_is_refused_before_the_files_of_its_batch_are_lost(lake):
    expired = lake.put("a.json.gz", [event("a")])
    lake.ingest()
    expired.unlink()
    roll_back(lake, 0)
    lake.put("b.json.gz", [event("b")])
    with pytest.raises(StreamFailedError, match=r"BatchChangedError: .*/b\.json\.gz was not in the batch"):
        lake.ingest()
    # As docs/operations/wait_for_run.md says.
    shutil.rmtree(lake.folder / "checkpoints")
    lake.ingest(duplicates="remove")
    assert ids(lake) == {"a": 1, "b": 1}


@open_source_only  # Auto Loader fails a batch whose file is gone: test_auto_loader
def test_a_file_that_changes_between_the_two_writes_is_refused_until_it_is_restored(lake):
    lake.ingest()
    overwritten = lake.put("a.json.gz", [event("a"), "7"])
    gone = lake.put("b.json.gz", [event("b"), "7"])
    quarantine = f"delta.`{lake.folder}/delta/events_quarantine`"
    lake.spark.sql(f"ALTER TABLE {quarantine} ADD CONSTRAINT none CHECK (reason = 'none')")
    with pytest.raises(StreamFailedError, match=r"(?i)constraint"):
        lake.ingest()
    lake.spark.sql(f"ALTER TABLE {quarantine} DROP CONSTRAINT none")
    kept = overwritten.read_bytes()
    lake.put("a.json.gz", [event("other"), "7"])
    gone.unlink()
    with pytest.raises(StreamFailedError, match=r"BatchChangedError: .*/a\.json\.gz was overwritten"):
        lake.ingest()
    overwritten.write_bytes(kept)
    lake.ingest()
    assert (ids(lake), reasons(lake)) == ({"a": 1, "b": 1}, {"a.json.gz": "not_an_object"})
    # The defect of the second file is lost, and that is seen.
    assert {name: row.balanced for name, row in files(lake).items()} == {
        "a.json.gz": True,
        "b.json.gz": False,
    }


def test_a_table_that_is_gone_is_not_created_anew_while_the_checkpoint_knows_its_files(lake):
    lake.put("a.json.gz", [event("a"), "7"])
    lake.ingest()
    for lost in ("events", "events_quarantine"):
        folder, elsewhere = lake.folder / "delta" / lost, lake.folder / "elsewhere"
        folder.rename(elsewhere)
        with pytest.raises(LostTableError, match=f"no Delta table at {folder}, but checkpoint"):
            lake.ingest()
        assert not folder.exists()
        elsewhere.rename(folder)
    lake.put("b.json.gz", [event("b")])
    lake.ingest()
    assert ids(lake) == {"a": 1, "b": 1}
