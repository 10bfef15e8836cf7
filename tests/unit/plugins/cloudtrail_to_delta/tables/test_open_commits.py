"""What a validation checks: all since the last one that succeeded, by version, and what others changed."""

from dataclasses import replace

import pytest

from cloudtrail_jobs.deletion import Order, Target
from cloudtrail_to_delta.records.table_event import TableEvent
from cloudtrail_to_delta.records.validated import Validated, newest_validated
from cloudtrail_to_delta.tables.batches import Mark, Marks, moment_of
from cloudtrail_to_delta.tables.changes import HARMLESS, Commit, changes_of, foreign_commits
from cloudtrail_to_delta.tables.delta_log import History
from cloudtrail_to_delta.tables.mismatch import find_mismatch
from cloudtrail_to_delta.tables.open_commits import FORGOTTEN, GAP, Tables, open_commits

OURS, OTHER = "(dag, ours)", "(dag, another)"
TABLES = Tables(
    table="t",
    quarantine="q",
    table_id="1",
    quarantine_id="2",
    version=9,
    quarantine_version=4,
)
KNOWN = Validated(table_id="1", version=5, quarantine_id="2", quarantine_version=4, read_until=moment_of(50))


def batch(version, run=OURS):
    """The job's commit of a version; its rows were read at ten times the version."""
    mark = Mark(stream="s", batch=version, ingested_at=version * 10, run=run, version=version)
    return Commit(version=version, operation="WRITE", mark=mark)


def found(table, quarantine=(), known=KNOWN, *, complete=True, unfinished=False, last=99):
    marks = Marks(
        table=[one.mark for one in table if one.mark],
        quarantine=[one.mark for one in quarantine if one.mark],
        last={"s": last},
        complete=complete,
    )
    history = History(table=table, quarantine=quarantine, marks=marks)
    return open_commits(history, TABLES, known, run=OURS, unfinished=unfinished)


def change(version, operation, **more):
    return Commit(version=version, operation=operation, **more)


def test_every_batch_since_the_last_validation_is_checked_and_none_before():
    assert found([batch(9), batch(7, OTHER), batch(6, OTHER), batch(5, OTHER)]).times == [(60, 90)]
    assert found([batch(9), batch(5, OTHER)], known=None).times == [(50, 90)]
    # A run that is validated again counts, however old.
    assert found([batch(9), batch(3)]).times == [(30, 90)]


def test_a_validation_reaches_the_versions_that_it_reads():
    reached = found([batch(9)]).reached
    assert (reached.version, reached.quarantine_version, reached.read_until) == (9, 4, moment_of(90))


def test_a_batch_that_may_be_unfinished_is_apart_and_the_validation_reaches_up_to_it():
    for table, unfinished in (([batch(9), batch(8)], True), ([batch(9, OTHER), batch(8)], False)):
        open_ones = found(table, known=replace(KNOWN, version=7), unfinished=unfinished)
        assert (open_ones.times, open_ones.newest) == ([(80, 80)], [(90, 90)])
        assert (open_ones.reached.version, open_ones.reached_with_newest.version) == (8, 9)


def test_a_batch_that_the_table_did_not_have_when_it_was_read_stays_open():
    open_ones = found(
        [batch(7)],
        [replace(batch(8), version=4, mark=replace(batch(8).mark, version=4))],
        replace(KNOWN, version=6, quarantine_version=3),
        last=7,
    )
    assert (open_ones.times, open_ones.reached.quarantine_version) == ([(70, 70)], 3)


def test_what_the_logs_have_forgotten_is_checked_by_the_time_at_which_it_was_read():
    open_ones = found([batch(9), batch(8)])
    assert (open_ones.times, open_ones.remarks) == ([(51, 79), (80, 90)], [GAP])
    assert found([batch(9), batch(8)], known=None, complete=False).remarks == [FORGOTTEN]


def test_what_a_validation_leaves_survives_the_record_of_the_table():
    left = replace(KNOWN, read_until=moment_of(1_790_000_000_000_007))
    event = TableEvent.from_dict(TableEvent(kind="events", validated=left).to_dict())
    assert event.validated == left


def test_a_validation_of_a_table_that_was_created_again_is_void():
    newer = replace(KNOWN, version=7)
    ids = {"table_id": "1", "quarantine_id": "2"}
    assert newest_validated([KNOWN, None, newer, replace(KNOWN, table_id="0", version=8)], **ids) == newer
    assert newest_validated([KNOWN], table_id="0", quarantine_id="2") is None


def test_a_change_of_rows_by_others_since_then_is_named_and_compared_with_what_was_there_before():
    table = [change(8, "UPDATE"), change(7, "DELETE", user="eve@example.com"), change(5, "DELETE"), batch(6)]
    open_ones = found(table, [change(4, "TRUNCATE")], replace(KNOWN, quarantine_version=3))
    assert [one.text for one in open_ones.changes] == [
        "DELETE by eve@example.com made version 7 of 't'",
        "UPDATE made version 8 of 't'",
        "TRUNCATE made version 4 of 'q'",
    ]
    assert open_ones.before == [("t", 6), ("q", 3)]


@pytest.mark.parametrize("operation", sorted(HARMLESS))
def test_upkeep_is_no_change(operation):
    assert found([change(8, operation)]).changes == []


def test_an_approved_deletion_is_no_change_and_an_unknown_operation_is_one():
    order = Order("one", "erase", [Target("s3://lake/events")], {"by": "ana"})
    entry = {"version": 8, "operation": "WRITE", "userMetadata": order.text}
    assert found([Commit.parse(entry)]).changes == []
    assert found([Commit.parse(entry | {"userMetadata": "cloudtrail: retention"})]).changes
    assert found([change(8, "something new")]).changes


def test_what_a_restore_has_undone_is_no_change_any_more():
    restore = Commit.parse({"version": 8, "operation": "RESTORE", "operationParameters": {"version": "6"}})
    commits = [restore, change(7, "UPDATE"), change(6, "DELETE")]
    told = changes_of("t", foreign_commits(commits, after=5))
    assert [(one.operation, one.version) for one in told] == [("DELETE", 6), ("RESTORE", 8)]


BALANCED = {
    "files": 4,
    "records": 103,
    "kept": 100,
    "quarantined": 2,
    "removed": 1,
    "deleted": 0,
    "unbalanced": 0,
}
DELETE, UPDATE = (
    changes_of("t", [change(version, name)])[0] for version, name in ((7, "DELETE"), (8, "UPDATE"))
)
NOTHING = {"changed": "0", "names": "[]"}


@pytest.mark.parametrize(
    ("balance", "changes", "compared"),
    [({}, [], {}), (BALANCED, [], {}), (BALANCED, [DELETE], NOTHING)],
)
def test_files_that_balance_are_no_mismatch_nor_is_a_deletion_that_was_repaired(balance, changes, compared):
    assert find_mismatch("t", balance, changes, compared) is None


@pytest.mark.parametrize(
    ("balance", "changes", "compared", "summary"),
    [
        (
            BALANCED | {"unbalanced": 3, "missing": 1, "names": '["s3://b/a", "s3://b/c"]'},
            [],
            {},
            "3 log files do not balance in 't': 's3://b/a', 's3://b/c' and 1 more",
        ),
        (BALANCED | {"reloaded": 3}, [], {}, "3 log files have more rows in 't' than records"),
        (BALANCED, [UPDATE], NOTHING, "UPDATE made version 8 of 't'"),
        (
            BALANCED,
            [DELETE],
            {"changed": "1", "names": '["x"]'},
            "since then 1 log files do not balance: 'x'",
        ),
        (BALANCED, [DELETE], {}, "can no longer be read"),
    ],
)
def test_a_mismatch_names_its_log_files_and_changes(balance, changes, compared, summary):
    mismatch = find_mismatch("t", balance, changes, compared)
    assert summary in mismatch.summary
    assert mismatch.problems


def test_the_code_of_a_mismatch_is_of_its_files_and_not_of_what_later_runs_add():
    lost = BALANCED | {"unbalanced": 1, "names": '["a"]'}
    code = find_mismatch("t", lost, [], {}).code
    assert find_mismatch("t", lost | {"files": 9, "records": 500, "kept": 499}, [], {}).code == code
    assert find_mismatch("t", lost | {"names": '["b"]'}, [], {}).code != code
