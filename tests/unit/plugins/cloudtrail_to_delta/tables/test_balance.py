"""The decision on counts: what agrees passes, each disagreement is named."""

import re
from dataclasses import replace

import pytest

from cloudtrail_to_delta.operators.validate import answers_of, queries_of, statements_of
from cloudtrail_to_delta.tables.balance import (
    Snapshot,
    describe_run,
    find_miscounts,
    quarantine_reasons,
    read_at,
    split_answer,
    with_moments,
)

TIMES = [
    (1_790_000_000_000_007, 1_790_000_001_500_000),
    (1_790_000_010_000_000, 1_790_000_010_000_000),
]

SNAPSHOT = Snapshot(
    kind="events",
    table="sec.cloudtrail_events",
    version=7,
    rows=100,
    quarantine_table="sec.cloudtrail_events_quarantine",
    quarantine_version=2,
    quarantine_rows=3,
    since_ms=1_790_000_000_000,
)


def miscounts(**changed):
    return find_miscounts(SNAPSHOT, **{"row_count": 100, "quarantined": 3, "minimum_rows": 1} | changed)


def test_counts_that_agree_are_no_problem():
    assert miscounts() == []


def test_rows_that_differ_between_sql_and_the_log_are_named_with_both_counts():
    assert miscounts(row_count=99) == [
        "table 'sec.cloudtrail_events' at version 7 has 99 rows by COUNT(*) but 100 in its Delta log"
    ]


def test_a_quarantine_that_differs_from_its_log_is_named():
    (problem,) = miscounts(quarantined=4)
    assert "'sec.cloudtrail_events_quarantine' at version 2 has 4 rows by COUNT(*) but 3" in problem


def test_fewer_rows_than_the_minimum_are_named_with_the_param():
    (problem,) = miscounts(minimum_rows=101)
    assert "has 100 rows, fewer than param minimum_rows=101" in problem


def test_every_disagreement_is_reported_at_once():
    assert len(miscounts(row_count=5, quarantined=9, minimum_rows=10)) == 3


def test_a_statement_reads_both_tables_at_the_versions_whose_logs_were_counted():
    statement = quarantine_reasons(SNAPSHOT, TIMES) + describe_run(SNAPSHOT, TIMES)
    assert "`sec`.`cloudtrail_events` VERSION AS OF 7" in statement
    assert "`sec`.`cloudtrail_events_quarantine` VERSION AS OF 2" in statement


def test_a_runs_rows_are_those_of_its_times_to_the_microsecond_and_in_no_time_zone():
    # 1_790_000_000 s is 2026-09-21T14:13:20Z.
    assert read_at(TIMES) == (
        "(ingested_at BETWEEN TIMESTAMP '2026-09-21 14:13:20.000007+00:00' "
        "AND TIMESTAMP '2026-09-21 14:13:21.500000+00:00'"
        " OR ingested_at BETWEEN TIMESTAMP '2026-09-21 14:13:30.000000+00:00' "
        "AND TIMESTAMP '2026-09-21 14:13:30.000000+00:00')"
    )


def facts(kind="events", **changed):
    """What is known before the first statement, of a run of which everything is asked."""
    return {
        "snapshot": vars(replace(SNAPSHOT, kind=kind)),
        "times": TIMES,
        "newest": TIMES,
        "begun": [(0, 3)],
        "open_times": [*TIMES, (1_780_000_000_000_000, 1_780_000_000_000_000)],
        "open_newest": TIMES,
        "before": [(SNAPSHOT.table, 3), (SNAPSHOT.quarantine_table, 2)],
        "unknown_since": 1_790_000_000_000_007,
    } | changed


NOTHING_OPEN = {"open_times": [], "open_newest": [], "begun": [], "before": []}
STATEMENTS = {
    name: sql
    for kind in ("events", "insights")
    for asked in (statements_of, queries_of)
    for name, sql in asked(facts(kind), {}).items()
}


def test_what_is_asked_of_a_run_is_asked_by_name_and_of_its_batches():
    assert set(STATEMENTS) == {
        *("newest_batches", "together", "compare"),
        *("counts", "files", "run", "reasons", "drift"),
        *("newest_file", "new_insights", "episodes", "reloaded", "known", "open_files"),
    }
    nothing_new = facts(**NOTHING_OPEN, times=[], newest=[], unknown_since=None)
    assert list(queries_of(nothing_new, {})) == ["counts", "newest_file"]


def test_one_statement_asks_for_everything_of_an_ordinary_run():
    ordinary = facts(newest=[], open_newest=[], before=[])
    (together,) = statements_of(ordinary, {}).values()
    assert all(query in together for query in queries_of(ordinary, {}).values())


def test_rows_of_queries_that_were_asked_together_are_those_of_each_in_its_order():
    rows = [
        {"query": "drift", "found": '{"field":"b","records":12345678901234567890,"place":2}'},
        {"query": "counts", "found": '{"rate":0.10,"hour":null,"names":"[\\"a\\"]"}'},
        {"query": "drift", "found": '{"field":"a","records":3,"place":1}'},
    ]
    assert split_answer(rows) == {
        "drift": [{"field": "a", "records": "3"}, {"field": "b", "records": "12345678901234567890"}],
        "counts": [{"rate": "0.10", "hour": None, "names": '["a"]'}],
    }


def test_batches_that_other_runs_left_open_are_asked_of_only_if_there_are_any():
    ours = facts(open_times=TIMES, newest=[], open_newest=[], before=[])
    assert "files" in queries_of(ours, {})
    assert "open_files" not in queries_of(ours, {})


@pytest.mark.parametrize(("unbalanced", "files"), [("0", True), ("1", False)])
def test_of_a_streams_newest_batch_nothing_more_is_asked_until_it_balances(unbalanced, files):
    stream = facts(**NOTHING_OPEN | {"open_newest": TIMES}, times=[], unknown_since=None)
    answers = answers_of(stream, [{"rows": [{"unbalanced": unbalanced}]}])
    assert list(answers) == ["newest_batches"]
    assert ("files" in queries_of(stream, answers)) is files


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_no_statement_formats_or_cuts_a_time_in_the_sessions_time_zone(statement):
    zoned = r"DATE_FORMAT|DATE_TRUNC|TRUNC\(|TO_DATE|CURRENT_|NOW\(|HOUR\(|AS DATE|FROM_UNIXTIME"
    assert re.search(zoned, statement, re.IGNORECASE) is None
    literals = re.findall(r"TIMESTAMP '[^']*'", statement)
    assert all(literal.endswith("+00:00'") for literal in literals)


def test_a_moment_of_an_answer_is_utc_text_and_everything_else_as_it_came():
    row = {"newest_event": "1790000000", "hour": None, "region": "us-east-1", "files": "3"}
    assert with_moments(row) == row | {"newest_event": "2026-09-21T14:13:20Z"}
