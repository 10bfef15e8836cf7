"""The decision on counts: what agrees passes, each disagreement is named."""

from cloudtrail.balance import Snapshot, find_batches, find_mismatches

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
        "table 'sec.cloudtrail_events' at version 7 has 99 rows by COUNT(*) but 100 by its Delta log"
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


def test_files_that_were_read_twice_are_named_with_the_param_that_prevents_it():
    found = mismatches(balance=BALANCED | {"unbalanced": 2, "doubled": 2, "example": "s3://b/a.json.gz"})
    assert "2 log files have more rows in 'sec.cloudtrail_events' than records" in found[1]
    assert "duplicates=remove" in found[1]


def test_every_disagreement_is_reported_at_once():
    unbalanced = BALANCED | {"unbalanced": 1}
    assert len(mismatches(row_count=5, quarantined=9, minimum_rows=10, balance=unbalanced)) == 4


def test_the_window_of_a_run_begins_a_margin_before_the_run_and_names_its_time_zone():
    # 1_790_000_000 s is 2026-09-21T14:13:20Z; the margin is five minutes.
    assert "TIMESTAMP '2026-09-21 14:08:20+00:00'" in find_batches(SNAPSHOT)


def test_a_statement_reads_both_tables_at_the_versions_whose_logs_were_counted():
    statement = find_batches(SNAPSHOT)
    assert "`sec`.`cloudtrail_events` VERSION AS OF 7" in statement
    assert "`sec`.`cloudtrail_events_quarantine` VERSION AS OF 2" in statement


def test_each_stream_of_a_run_has_its_own_range_and_its_first_batch_is_taken_whole():
    condition = SNAPSHOT.of_batches([(3, 3), (202611000000, 202611000002)])
    since = "TIMESTAMP '2026-09-21 14:08:20+00:00'"
    assert condition == (
        f"(batch_id BETWEEN 3 AND 3 AND (ingested_at >= {since} OR batch_id = 3)"
        " OR batch_id BETWEEN 202611000000 AND 202611000002"
        f" AND (ingested_at >= {since} OR batch_id = 202611000000))"
    )
