"""Which batches are a run's: by the marks of both logs, in whatever order and however close to others."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cloudtrail_jobs import commits
from cloudtrail_to_delta.tables.batches import Build, Mark, Marks

OURS, OTHER = "(dag, ours)", "(dag, another)"
MINUTE_MS = 60_000


def mark(batch, at, run=OURS, stream="s", batch_id=None):
    return Mark(stream=stream, batch=batch, ingested_at=at, run=run, batch_id=batch_id)


def written(table, quarantine=(), **more):
    return Marks(table=table, quarantine=quarantine, **more).of_run(OURS)


def test_the_jobs_own_mark_is_read():
    at = datetime(2026, 9, 21, 14, 13, 20, 7, tzinfo=UTC)
    found = Mark.parse(commits.Mark("s", 3, OURS, 17).write(at))
    assert replace(found, build=Build()) == mark(3, 1_790_000_000_000_007, batch_id=17)


def test_a_run_was_written_by_the_build_and_the_accelerators_of_its_newest_batch(monkeypatch):
    at = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    monkeypatch.setattr(commits.release, "VERSION", "0.1.0+ha")
    found = {"isal": None, "msgspec": "0.22.0"}
    monkeypatch.setattr(commits.accelerators, "versions", lambda: found)
    newest = Mark.parse(commits.Mark("s", 4, OURS, 18).write(at))
    table = [mark(3, newest.ingested_at - 1), newest, mark(5, newest.ingested_at + 1, run=OTHER)]
    build = Build(version="0.1.0+ha", accelerators=("msgspec 0.22.0",), missing=("isal",))
    assert written(table).build == build
    assert written(table[:1]).build == written([]).build == Build()


def test_an_earlier_releases_mark_has_no_run():
    text = '{"stream": "s", "batch": 3, "ingested_at": "2026-09-21T14:13:20.000007+00:00"}'
    assert Mark.parse(text) == mark(3, 1_790_000_000_000_007, run="")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "a note",
        "7",
        "[]",
        "[" * 100_000,
        '{"stream": "s", "batch": "x"}',
        '{"stream": "s", "batch": 1}',
        '{"stream": "s", "batch": 1, "ingested_at": "soon"}',
        '{"stream": "s", "batch": 1, "ingested_at": 7}',
    ],
)
def test_what_others_write_there_is_no_mark(text):
    assert Mark.parse(text) is None


def test_batches_side_by_side_are_one_stretch_of_time():
    assert written([mark(2, 30), mark(1, 20)], [mark(1, 20)]).times == [(20, 30)]


def test_another_runs_batch_between_is_left_out():
    assert written([mark(1, 10), mark(2, 20, OTHER), mark(3, 30)]).times == [(10, 10), (30, 30)]


def test_a_batch_that_another_run_began_is_taken_whole():
    assert written([mark(1, 10, OTHER), mark(2, 20, OTHER)], [mark(1, 50), mark(2, 20, OTHER)]).times == [
        (10, 10),
        (50, 50),
    ]


def test_a_run_that_wrote_nothing_has_no_times():
    assert written([mark(1, 10, OTHER)]).times == []


def test_a_batch_that_the_table_does_not_have_yet_as_it_is_read_is_left_out():
    assert written([mark(1, 10), mark(2, 20)], [mark(2, 20)], last={"s": 1}).times == [(10, 10)]


def test_of_a_run_that_still_writes_the_newest_batch_is_apart():
    marks = Marks(table=[mark(1, 10), mark(2, 20)], quarantine=[mark(1, 10)])
    found = marks.of_run(OURS, unfinished=True)
    assert (found.times, found.newest) == ([(10, 10)], [(20, 20)])
    only = Marks(table=[mark(1, 10)], quarantine=[]).of_run(OURS, unfinished=True)
    assert (only.times, only.newest) == ([], [(10, 10)])
    others = Marks(table=[mark(1, 10), mark(2, 20, OTHER)], quarantine=[]).of_run(OURS, unfinished=True)
    assert (others.times, others.newest) == ([(10, 10)], [])


def test_a_stream_that_the_run_has_begun_is_told_by_its_numbers():
    table = [mark(0, 10, batch_id=700), mark(1, 20, batch_id=701), mark(5, 30, stream="t", batch_id=5)]
    assert written(table).begun == [(700, 701)]


def test_a_run_of_an_earlier_release_is_what_nobody_has_marked_between_its_start_and_its_end():
    begin, end = 100 * MINUTE_MS, 110 * MINUTE_MS
    table = [
        mark(0, 94 * MINUTE_MS * 1000, ""),
        mark(1, 96 * MINUTE_MS * 1000, ""),
        mark(2, 105 * MINUTE_MS * 1000, OTHER),
        mark(3, 106 * MINUTE_MS * 1000, ""),
        mark(4, 116 * MINUTE_MS * 1000, ""),
    ]
    own = [(at * MINUTE_MS * 1000,) * 2 for at in (96, 106)]
    assert Marks(table=table, quarantine=[]).between(begin, end).times == own


def test_without_the_commits_of_its_time_a_run_is_all_that_was_read_meanwhile():
    marks = Marks(table=[], quarantine=[], complete=False)
    assert marks.between(100 * MINUTE_MS, 110 * MINUTE_MS).times == [
        (95 * MINUTE_MS * 1000, 115 * MINUTE_MS * 1000)
    ]
