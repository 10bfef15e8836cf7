"""The tables' files are brought together once a day, and nothing but files changes."""

import json
import os
from datetime import UTC, datetime, timedelta

from cloudtrail_jobs import upkeep
from cloudtrail_jobs.commits import Mark, table_at
from cloudtrail_jobs.kinds import KINDS, SEARCHED_SINCE
from cloudtrail_jobs.tables import STATISTICS, append, prepare, properties
from tests.integration.spark_jobs.conftest import event

TODAY = datetime.now(UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
YESTERDAY = TODAY - DAY


def files(lake):
    return len(lake.table().select("_metadata.file_path").distinct().collect())


def said(capsys, step):
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line for line in map(json.loads, lines) if line["step"] == step]


def deliver(lake, number):
    when = f"{YESTERDAY:%Y-%m-%d}T0{number}:00:00Z"
    lake.put(f"{number}.json.gz", [event(number, eventTime=when)], day=f"{YESTERDAY:%Y/%m/%d}")


def committed(path, moment, *, since=0):
    """Let the table's commits from version `since` on be of `moment`, as Delta reads it from its files."""
    for commit in (path / "_delta_log").glob("*.json"):
        if int(commit.stem) >= since:
            os.utime(commit, (moment.timestamp(), moment.timestamp()))


def change_something_else(lake):
    """A commit of somebody else, today."""
    lake.spark.sql(f"ALTER TABLE {table_at(f'{lake.folder}/delta/events')} SET TBLPROPERTIES ('a' = 'b')")


def test_the_first_run_of_a_day_that_writes_compacts_the_days_before_whoever_else_has_written(lake, capsys):
    deliver(lake, 0)
    lake.ingest()
    assert (files(lake), said(capsys, "upkeep")) == (1, [])
    committed(lake.folder / "delta/events", YESTERDAY)
    change_something_else(lake)
    deliver(lake, 1)
    lake.ingest()
    assert files(lake) == 1
    assert sorted(row.eventID for row in lake.table().collect()) == ["id-0", "id-1"]
    table, quarantine = said(capsys, "upkeep")
    assert (table["files_removed"], table["files_added"]) == (2, 1)
    assert (quarantine["files_removed"], quarantine["files_added"]) == (0, 0)
    deliver(lake, 2)
    lake.ingest()
    assert (files(lake), said(capsys, "upkeep")) == (2, [])


class Table:
    """A table of the job whose batches are committed at any moment, without a stream."""

    def __init__(self, lake):
        self.spark, self.path, self.batch = lake.spark, lake.folder / "delta/events", 0
        prepare(self.spark, str(self.path), KINDS["events"])

    def run(self, started, written):
        """A run that starts and writes at these moments; whether it has compacted."""
        before = upkeep.newest_version(self.spark, str(self.path))
        columns = "timestamp TIMESTAMP, date DATE, raw STRING, log_file STRING, batch_id BIGINT"
        row = (started, started.date(), "{}", f"{self.batch}.json.gz", self.batch)
        append(self.spark.createDataFrame([row], columns), str(self.path), Mark("s", self.batch), written)
        self.batch += 1
        committed(self.path, written, since=before + 1)
        due = upkeep.due_since(self.spark, str(self.path), today=written.date(), since=before)
        if due is None:
            return False
        assert "failed" not in upkeep.compact(self.spark, str(self.path), due, written.date())
        committed(self.path, written, since=before + 2)
        return True


# Delta deletes commits older than 30 days when it writes a checkpoint.
BEGIN = TODAY.replace(hour=0, minute=0, second=0, microsecond=0) - 6 * DAY


def test_days_of_runs_are_compacted_each_day_whenever_they_and_others_write(lake):
    table = Table(lake)
    committed(table.path, BEGIN)
    compacted = []
    for number in range(3):
        day = BEGIN + number * DAY
        before = upkeep.newest_version(table.spark, str(table.path))
        change_something_else(lake)
        committed(table.path, day + 3 * HOUR, since=before + 1)
        # The last run of a day starts before midnight and writes after it: none begins on an untouched day.
        late = day.replace(hour=23, minute=59)
        runs = [(late - HOUR, late - 54 * MINUTE), (late, late + 6 * MINUTE)]
        compacted.append([table.run(*one) for one in runs])
    assert compacted == [[False, True]] * 3


def test_a_run_that_writes_nothing_leaves_the_tables_to_one_that_does(lake):
    table = Table(lake)
    committed(table.path, BEGIN)
    table.run(BEGIN, BEGIN)
    before = upkeep.newest_version(table.spark, str(table.path))
    change_something_else(lake)
    tomorrow = (BEGIN + DAY).date()
    due = [
        upkeep.due_since(table.spark, str(table.path), today=tomorrow, since=before + more)
        for more in (-1, 0, 1)
    ]
    assert due == [BEGIN.date() - upkeep.LOOK_BACK, None, None]


def test_a_compaction_of_somebody_else_is_not_ours(lake):
    table = Table(lake)
    committed(table.path, BEGIN)
    for at in (8 * HOUR, 9 * HOUR):
        table.run(BEGIN + at, BEGIN + at)
    lake.spark.sql(f"OPTIMIZE {table_at(str(table.path))}")
    committed(table.path, BEGIN + 10 * HOUR, since=3)
    next_day = BEGIN + DAY
    assert table.run(next_day, next_day)


def test_a_compaction_that_is_refused_is_said_and_stops_nothing(lake):
    missing = f"{lake.folder}/delta/absent"
    refused = upkeep.compact(lake.spark, missing, YESTERDAY.date(), TODAY.date())
    assert "absent" in refused["failed"]


def statistics(lake):
    return properties(lake.spark, f"{lake.folder}/delta/events")[STATISTICS].split(",")


def test_a_table_of_an_earlier_release_gets_statistics_on_who_made_a_call_and_a_choice_of_its_owner_stays(
    lake,
):
    path, kind = f"{lake.folder}/delta/events", KINDS["events"]
    prepare(lake.spark, path, kind)
    assert set(SEARCHED_SINCE) < set(statistics(lake))
    chosen = [column for column in kind.indexed if column not in SEARCHED_SINCE]
    for former, later in ((chosen, list(kind.indexed)), (chosen[:3], chosen[:3])):
        change = f"SET TBLPROPERTIES ('{STATISTICS}' = '{','.join(former)}')"
        lake.spark.sql(f"ALTER TABLE {table_at(path)} {change}")
        prepare(lake.spark, path, kind)
        assert statistics(lake) == later
