"""The decision on counts: what agrees passes, each disagreement is named."""

import re
from dataclasses import replace

import pytest

from cloudtrail_to_delta.operators.validate import answers_of, statements_of
from cloudtrail_to_delta.tables.balance import (
    Snapshot,
    describe_run,
    find_mismatches,
    quarantine_reasons,
    read_at,
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
BALANCED = {
    "files": 4,
    "records": 103,
    "kept": 100,
    "quarantined": 2,
    "removed": 1,
    "unbalanced": 0,
    "doubled": 0,
    "example": None,
}


def mismatches(**changed):
    counts = {"row_count": 100, "quarantined": 3, "balance": BALANCED, "minimum_rows": 1} | changed
    return find_mismatches(SNAPSHOT, **counts)


def test_counts_that_agree_are_no_problem():
    assert mismatches() == []


def test_a_run_that_wrote_nothing_has_no_balance_to_check():
    assert mismatches(balance={}) == []


def test_rows_that_differ_between_sql_and_the_log_are_named_with_both_counts():
    assert mismatches(row_count=99) == [
        "table 'sec.cloudtrail_events' at version 7 has 99 rows by COUNT(*) but 100 in its Delta log"
    ]


def test_a_quarantine_that_differs_from_its_log_is_named():
    (problem,) = mismatches(quarantined=4)
    assert "'sec.cloudtrail_events_quarantine' at version 2 has 4 rows by COUNT(*) but 3" in problem


def test_fewer_rows_than_the_minimum_are_named_with_the_param():
    (problem,) = mismatches(minimum_rows=101)
    assert "has 100 rows, fewer than param minimum_rows=101" in problem


def test_files_that_do_not_balance_are_counted_and_one_is_named():
    unbalanced = BALANCED | {"unbalanced": 1, "records": 103, "example": "s3://b/a.json.gz"}
    (problem,) = mismatches(balance=unbalanced)
    assert "1 of 4 log files do not balance" in problem
    assert "'s3://b/a.json.gz'" in problem


def test_files_that_were_read_twice_are_named_with_the_page_that_says_how_to_restore_the_table():
    found = mismatches(balance=BALANCED | {"unbalanced": 2, "doubled": 2, "example": "s3://b/a.json.gz"})
    assert "2 log files have more rows in 'sec.cloudtrail_events' than records" in found[1]
    assert "docs/operations/validate_rows.md" in found[1]


def test_every_disagreement_is_reported_at_once():
    unbalanced = BALANCED | {"unbalanced": 1}
    assert len(mismatches(row_count=5, quarantined=9, minimum_rows=10, balance=unbalanced)) == 4


def test_a_files_second_load_is_named_though_the_runs_own_rows_balance():
    (problem,) = mismatches(balance=BALANCED | {"reloaded": 3})
    assert problem.startswith("3 log files have more rows in 'sec.cloudtrail_events' than records")


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
        "unknown_since": 1_790_000_000_000_007,
    } | changed


STATEMENTS = {
    name: sql for kind in ("events", "insights") for name, sql in statements_of(facts(kind), {}).items()
}


def test_what_is_asked_of_a_run_is_asked_by_name_and_of_its_batches():
    assert set(STATEMENTS) == {
        *("counts", "newest_batches", "files", "run", "reasons", "drift", "deliveries"),
        *("newest_file", "new_insights", "episodes", "reloaded", "known"),
    }
    nothing_new = facts(times=[], newest=[], begun=[], unknown_since=None)
    assert list(statements_of(nothing_new, {})) == ["counts", "newest_file"]


@pytest.mark.parametrize(("unbalanced", "files"), [("0", True), ("1", False)])
def test_of_a_streams_newest_batch_nothing_more_is_asked_until_it_balances(unbalanced, files):
    stream = facts(times=[], begun=[], unknown_since=None)
    answers = answers_of(stream, [{"rows": [{"row_count": "1"}]}, {"rows": [{"unbalanced": unbalanced}]}])
    assert list(answers) == ["counts", "newest_batches"]
    assert ("files" in statements_of(stream, answers)) is files


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_no_statement_formats_or_cuts_a_time_in_the_sessions_time_zone(statement):
    zoned = r"DATE_FORMAT|DATE_TRUNC|TRUNC\(|TO_DATE|CURRENT_|NOW\(|HOUR\(|AS DATE|FROM_UNIXTIME"
    assert re.search(zoned, statement, re.IGNORECASE) is None
    literals = re.findall(r"TIMESTAMP '[^']*'", statement)
    assert all(literal.endswith("+00:00'") for literal in literals)


def test_a_moment_of_an_answer_is_utc_text_and_everything_else_as_it_came():
    row = {"newest_event": "1790000000", "hour": None, "region": "us-east-1", "files": "3"}
    assert with_moments(row) == row | {"newest_event": "2026-09-21T14:13:20Z"}
