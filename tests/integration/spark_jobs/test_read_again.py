"""Log files that the tables have lost are read again, once, and nothing that the tables hold is doubled."""

import json
from collections import Counter
from datetime import UTC, date, datetime

import pytest

from cloudtrail_jobs import read_again
from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.commits import table_at
from cloudtrail_jobs.errors import StreamFailedError
from cloudtrail_jobs.stream import ingest, prepare
from cloudtrail_to_delta.tables.queries import files_query
from tests.integration.spark_jobs.conftest import event
from tests.integration.spark_jobs.test_vanished import roll_back

DAY, OTHER = "2026/11/20", "2026/11/21"
AGAIN = {"read_again": "2026-11-20,2026-11-21"}


def ids(lake):
    return Counter(row.eventID.removeprefix("id-") for row in lake.table().select("eventID").collect())


def quarantined(lake):
    return Counter(row.log_file.rpartition("/")[2] for row in lake.quarantine().collect())


def balanced(lake):
    return {row.balanced for row in lake.ask(files_query)}


def restore(lake, table, version):
    lake.spark.sql(f"RESTORE TABLE {table_at(f'{lake.folder}/delta/{table}')} TO VERSION AS OF {version}")


def commits(lake, table):
    """Version → the mark of the job's commit, in a table's history."""
    found = lake.spark.sql(f"DESCRIBE HISTORY {table_at(f'{lake.folder}/delta/{table}')}").collect()
    return {row.version: json.loads(row.userMetadata) for row in found if row.userMetadata}


def batch_of(mark):
    return mark["stream"], mark["batch"]


def test_files_that_a_restore_and_a_rolled_back_checkpoint_lost_come_back_once(lake):
    lake.ingest()
    before = lake.commits("events")[-1]
    lake.put("a.json.gz", [event("a"), "7"], day=DAY)
    lake.put("b [1].json.gz", [event("b")], day=OTHER)
    lake.put("c.json.gz", b"no log file", day=OTHER)
    lake.put("none.json.gz", b"", day=OTHER)
    lake.ingest()
    # One table alone is restored: what has rows in the other one counts as held, and stays unbalanced.
    restore(lake, "events", before)
    lake.ingest(**AGAIN)
    defects = {"a.json.gz": 1, "c.json.gz": 1, "none.json.gz": 1}
    assert (ids(lake), quarantined(lake), balanced(lake)) == ({"b": 1}, defects, {True, False})
    # As docs/how-to/completeness.md says: the other one follows, and then all of it is read again.
    lost_at = commits(lake, "events")[before + 1]["ingested_at"]
    defects_of_it = commits(lake, "events_quarantine").items()
    first = min(version for version, mark in defects_of_it if mark["ingested_at"] >= lost_at)
    restore(lake, "events_quarantine", first - 1)
    lake.put("d.json.gz", [event("d")], day=OTHER)
    lake.ingest()
    assert (ids(lake), quarantined(lake)) == ({"b": 1, "d": 1}, {})

    # Delivered since, and read before the stream sees it: the stream must not read it once more.
    lake.put("e.json.gz", [event("e")], day=DAY)
    lake.ingest(run="the re-read", **AGAIN)
    everything = dict.fromkeys("abde", 1), defects
    assert (ids(lake), quarantined(lake)) == everything
    assert balanced(lake) == {True}
    again = [mark for mark in commits(lake, "events").values() if mark["stream"].startswith("again-")]
    assert [(mark["run"], mark["batch"]) for mark in again] == [("the re-read", 0), ("", 0)]

    # Whatever is read again or rolled back afterwards adds nothing.
    versions = lake.commits("events")
    lake.ingest(**AGAIN)
    lake.ingest()
    assert lake.commits("events") == versions
    assert (ids(lake), quarantined(lake)) == everything


def test_a_file_that_a_rolled_back_checkpoint_would_lose_is_read_again_with_the_same_checkpoint(lake):
    expired = lake.put("a.json.gz", [event("a")])
    lake.ingest()
    expired.unlink()
    roll_back(lake, 0)
    lake.put("b.json.gz", [event("b")])
    with pytest.raises(StreamFailedError, match=r"BatchChangedError: .*/b\.json\.gz was not in the batch"):
        lake.ingest()
    lake.ingest(read_again=f"{datetime.now(UTC):%Y-%m-%d}")
    lake.put("c.json.gz", [event("c")])
    lake.ingest()
    assert (ids(lake), balanced(lake)) == ({"a": 1, "b": 1, "c": 1}, {True})


def test_a_re_read_that_was_killed_between_its_two_writes_is_finished_by_the_next_run(lake):
    lake.ingest()
    before = lake.commits("events_quarantine")[-1]
    lake.put("a.json.gz", [event("a"), "7"], day=DAY)
    lake.put("b.json.gz", [event("b")], day=DAY)
    lake.ingest()
    # The quarantine was restored alone; the table follows, to before the same batch.
    restore(lake, "events_quarantine", before)
    lost = batch_of(commits(lake, "events_quarantine")[before + 1])
    (first,) = [version for version, mark in commits(lake, "events").items() if batch_of(mark) == lost]
    restore(lake, "events", first - 1)
    quarantine = table_at(f"{lake.folder}/delta/events_quarantine")
    lake.spark.sql(f"ALTER TABLE {quarantine} ADD CONSTRAINT none CHECK (reason = 'none')")
    (arguments,) = parse_arguments(lake.argv(**AGAIN))
    with pytest.raises(Exception, match=r"(?i)constraint"):
        ingest(lake.spark, prepare(lake.spark, arguments))
    lake.spark.sql(f"ALTER TABLE {quarantine} DROP CONSTRAINT none")
    assert (ids(lake), quarantined(lake)) == ({"a": 1, "b": 1}, {})
    lake.ingest()
    assert (ids(lake), quarantined(lake)) == ({"a": 1, "b": 1}, {"a.json.gz": 1})
    assert balanced(lake) == {True}


def test_a_batch_has_no_more_files_and_bytes_than_the_arguments_allow(lake):
    (arguments,) = parse_arguments(lake.argv(max_files_per_trigger=2, max_bytes_per_trigger="10b", **AGAIN))
    assert arguments.read_again == (date(2026, 11, 20), date(2026, 11, 21))
    lost = [read_again.Listed(name, length, 0) for name, length in zip("abcde", (1, 1, 1, 9, 1), strict=True)]
    rows = list(read_again._plan("again-1", lost, arguments))
    assert [row[1] for row in rows] == [0, 0, 1, 1, 2]
