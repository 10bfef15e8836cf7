"""Where the job looks for new files, run by run: recent days, and everything when a sweep is due."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from cloudtrail_jobs import discovery
from tests.integration.spark_jobs.conftest import event, open_source_only

pytestmark = open_source_only

NOW = datetime.now(UTC)
OLD = f"{NOW - timedelta(days=200):%Y/%m/%d}"
LAST_MONTH = f"{NOW - timedelta(days=28):%Y/%m/%d}"


def sweeps(capsys):
    """For each run, whether it has listed everything."""
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    steps = [line for line in said if line["step"] in {"start", "listing"}]
    return [after["everything"] for line, after in pairwise(steps) if line["step"] == "start"]


def ids(lake):
    return sorted(row[0].removeprefix("id-") for row in lake.table().select("eventID").collect())


def test_a_later_run_lists_recent_days_and_a_sweep_finds_what_came_into_old_ones(lake, capsys, monkeypatch):
    lake.put("old.json.gz", [event("old")], day=OLD)
    lake.put("new.json.gz", [event("new")])
    lake.ingest()
    assert ids(lake) == ["new", "old"]
    lake.put("copied.json.gz", [event("copied")], day=OLD)
    lake.put("late.json.gz", [event("late")], day=LAST_MONTH)
    lake.put("newer.json.gz", [event("newer")])
    lake.ingest()
    assert ids(lake) == ["late", "new", "newer", "old"]
    monkeypatch.setattr(discovery, "SWEEP", timedelta(0))
    lake.ingest()
    assert ids(lake) == ["copied", "late", "new", "newer", "old"]
    assert sweeps(capsys) == [True, False, True]


def test_a_file_in_no_day_folder_is_read_by_a_sweep_and_once(lake, monkeypatch):
    year = NOW.year
    places = [
        "backup/2019",
        "2",
        "2012/01/01",
        "20260",
        f"{year}/notes",
        f"{year + 1}/13",
        "2013/01/01",
        "2019/99",
    ]
    for place in places:
        lake.put("a.json.gz", [event(place)], day=place)
    lake.put("111_CloudTrail_x.json.gz", [event("beside the years")], day=".")
    lake.ingest()
    expected = sorted([*places, "beside the years"])
    assert ids(lake) == expected
    monkeypatch.setattr(discovery, "SWEEP", timedelta(0))
    lake.ingest()
    assert ids(lake) == expected


def test_other_bounds_begin_with_a_sweep(lake, capsys):
    lake.put("old.json.gz", [event("old")], day=OLD)
    lake.put("new.json.gz", [event("new")])
    recent = (NOW - timedelta(days=10)).date()
    lake.ingest(**{"from": str(recent)})
    assert ids(lake) == ["new"]
    lake.ingest()
    assert ids(lake) == ["new", "old"]
    assert sweeps(capsys) == [True, True]


def test_a_run_that_was_stopped_before_it_ended_is_not_remembered(lake, capsys, monkeypatch):
    lake.put("a.json.gz", [event("a")])
    with monkeypatch.context() as patch:
        patch.setattr(discovery, "remember", lambda *_: None)
        lake.ingest()
    lake.ingest()
    assert sweeps(capsys) == [True, True]
    assert ids(lake) == ["a"]


def test_the_batches_of_two_months_share_no_number_and_the_log_names_them_as_the_table_does(lake, capsys):
    for day in (OLD, LAST_MONTH, f"{NOW:%Y/%m/%d}"):
        lake.put("a.json.gz", [event(day)], day=day)
    lake.ingest()
    numbers = [row[0] for row in lake.table().select("batch_id").distinct().collect()]
    assert len(numbers) == len({OLD[:7], LAST_MONTH[:7], f"{NOW:%Y/%m}"})
    assert min(numbers) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert sorted(line["batch_id"] for line in lines if line["step"] == "batch") == sorted(numbers)
