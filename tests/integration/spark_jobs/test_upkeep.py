"""The tables' files are brought together once a day, and nothing but files changes."""

import json
from datetime import UTC, datetime, timedelta

from cloudtrail_jobs import upkeep
from tests.integration.spark_jobs.conftest import event

TODAY = datetime.now(UTC)
YESTERDAY = TODAY - timedelta(days=1)


def files(lake):
    return len(lake.table().select("_metadata.file_path").distinct().collect())


def said(capsys, step):
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line for line in map(json.loads, lines) if line["step"] == step]


def deliver(lake, number):
    when = f"{YESTERDAY:%Y-%m-%d}T0{number}:00:00Z"
    lake.put(f"{number}.json.gz", [event(number, eventTime=when)], day=f"{YESTERDAY:%Y/%m/%d}")


def test_the_first_run_of_a_day_that_writes_compacts_the_days_before(lake, capsys, monkeypatch):
    for number in range(3):
        deliver(lake, number)
        lake.ingest()
    assert files(lake) == 3
    assert said(capsys, "upkeep") == []
    # The tables are as yesterday has left them: the first look says so, the one after the writes does not.
    looks = iter([(YESTERDAY - upkeep.LOOK_BACK).date(), None])
    monkeypatch.setattr(upkeep, "due_since", lambda *_: next(looks))
    deliver(lake, 3)
    lake.ingest()
    assert files(lake) == 1
    assert sorted(row.eventID for row in lake.table().collect()) == [f"id-{n}" for n in range(4)]
    table, quarantine = said(capsys, "upkeep")
    assert (table["files_removed"], table["files_added"]) == (4, 1)
    assert (quarantine["files_removed"], quarantine["files_added"]) == (0, 0)


def test_a_table_that_was_written_to_today_is_left_alone_and_one_of_yesterday_is_due(lake):
    deliver(lake, 0)
    lake.ingest()
    path = f"{lake.folder}/delta/events"
    assert upkeep.due_since(lake.spark, path, TODAY.date()) is None
    tomorrow = (TODAY + timedelta(days=1)).date()
    assert upkeep.due_since(lake.spark, path, tomorrow) == TODAY.date() - upkeep.LOOK_BACK


def test_a_compaction_that_is_refused_is_said_and_stops_nothing(lake):
    deliver(lake, 0)
    lake.ingest()
    missing = f"{lake.folder}/delta/absent"
    refused = upkeep.compact(lake.spark, missing, YESTERDAY.date(), TODAY.date())
    assert "absent" in refused["failed"]
