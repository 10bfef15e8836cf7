"""Tables by SQL on real Delta files: created once, never moved; counts that agree or say why not."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from cloudtrail.errors import CloudTrailError, CountMismatchError, FatalError
from cloudtrail.operators.tables import CreateTablesOperator
from cloudtrail.operators.validate import ValidateRowsOperator
from tests.integration.plugins.cloudtrail.conftest import (
    SUCCEEDS,
    finished,
    form_values,
    request_dicts,
    run_to_end,
    submit,
    task_context,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def rows(log_file, indexes, *, records, batch=0, reason=None, at=None):
    """Rows of the table, or of the quarantine when a reason is given."""
    row = {
        "log_file": log_file,
        "log_file_records": records,
        "batch_id": batch,
        "ingested_at": at or datetime.now(UTC),
        "delivered_at": NOW,
        "date": date(2026, 11, 22),
    }
    own = {"reason": reason, "detail": "as the test has it"} if reason else {"timestamp": NOW}
    return [row | own | {"record_index": index} for index in indexes]


SHARED = [
    ("log_file", pa.string()),
    ("log_file_records", pa.int32()),
    ("record_index", pa.int32()),
    ("batch_id", pa.int64()),
    ("ingested_at", pa.timestamp("us", "UTC")),
    ("delivered_at", pa.timestamp("us", "UTC")),
    ("date", pa.date32()),
]
TABLE = pa.schema([*SHARED, ("timestamp", pa.timestamp("us", "UTC"))])
QUARANTINE = pa.schema([*SHARED, ("reason", pa.string()), ("detail", pa.string())])


@pytest.fixture
def write(aws):
    """Appends rows to a Delta table in the lake, without Spark."""
    options = {
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ALLOW_HTTP": "true",
        # One writer at a time: no lock table is needed.
        "AWS_S3_ALLOW_UNSAFE_RENAME": "true",
    }

    def append(name, kept, quarantined=()):
        for suffix, schema, content in (("", TABLE, kept), ("_quarantine", QUARANTINE, quarantined)):
            table = pa.Table.from_pylist(list(content), schema)
            path = f"s3://cloudtrail-lake/delta/{name}{suffix}"
            write_deltalake(path, table, mode="append", partition_by=["date"], storage_options=options)

    return append


def create(name, **changed):
    params = form_values(events_table=name, **changed)
    operator = CreateTablesOperator(
        task_id="create_tables",
        kind="events",
        requests=request_dicts(params),
        databricks_conn_id="databricks_default",
        warehouse_id=params["warehouse_id"],
    )
    return run_to_end(operator, task_context(params=params))


def validate(name, run_id, **changed):
    params = form_values(events_table=name, **changed)
    operator = ValidateRowsOperator(
        task_id="validate_rows",
        kind="events",
        requests=request_dicts(params),
        run_id=run_id,
        aws_conn_id="aws_default",
        databricks_conn_id="databricks_default",
        warehouse_id=params["warehouse_id"],
    )
    return run_to_end(operator, task_context(params=params))


@pytest.fixture(scope="module")
def runs():
    """Run ids by name, so that one fake run serves several tests."""
    return {}


@pytest.fixture
def run_id(stage, connections, runs):
    """A Databricks run that succeeded; its start bounds the batches that are checked."""
    if "run" not in runs:
        runs["run"] = finished(submit(stage(SUCCEEDS), "tables")[0])
    return runs["run"]


def test_both_names_are_created_and_creating_them_again_changes_nothing(write, connections):
    write("created", rows("a", [0], records=1))
    assert create("created") == ["created", "created_quarantine"]
    assert create("created") == ["created", "created_quarantine"]


def test_a_name_that_points_elsewhere_is_refused_with_both_places(write, connections):
    write("taken", rows("a", [0], records=1))
    create("taken")
    write("elsewhere", rows("a", [0], records=1))
    with pytest.raises(FatalError, match=r"'taken' points at 's3.*/taken', not at 's3.*/elsewhere'"):
        create("taken", events_delta_path="s3://cloudtrail-lake/delta/elsewhere")


def test_an_unknown_warehouse_is_named(write, connections):
    write("created", rows("a", [0], records=1))
    with pytest.raises(Exception, match="no-such-warehouse"):
        create("created", warehouse_id="no-such-warehouse")


def test_counts_that_agree_are_returned_with_what_the_run_added(write, run_id):
    kept = rows("a", [0, 1], records=3) + rows("b", [0], records=1)
    bad = rows("a", [2], records=3, reason="no_event_time")
    bad += rows("c", [None], records=0, reason="truncated_gzip")
    write("agrees", kept, bad)
    create("agrees")
    outcome = validate("agrees", run_id)
    assert outcome["row_count"] == outcome["log_rows"] == 3
    assert outcome["quarantined"] == 2
    assert (outcome["run_files"], outcome["run_records"]) == (3, 4)
    assert (outcome["run_rows"], outcome["run_quarantined"]) == (3, 1)
    assert outcome["reasons"] == {"no_event_time": 1, "truncated_gzip": 1}
    assert outcome["newest_event"] == "2026-11-22T12:00:00Z"


def test_a_record_that_is_in_neither_table_fails_the_task_and_names_its_file(write, run_id):
    write("lost", rows("a", [0, 1], records=2) + rows("b", [0], records=2))
    create("lost")
    with pytest.raises(CountMismatchError, match=r"1 of 2 log files do not balance.*'b'"):
        validate("lost", run_id)


def test_a_record_that_was_written_twice_fails_the_task(write, run_id):
    write("twice", rows("a", [0, 1, 1], records=2))
    create("twice")
    with pytest.raises(CountMismatchError, match="1 of 1 log files do not balance"):
        validate("twice", run_id)


def test_fewer_rows_than_the_minimum_fail_the_task(write, run_id):
    write("few", rows("a", [0], records=1))
    create("few")
    with pytest.raises(CountMismatchError, match="has 1 rows, fewer than param minimum_rows=2"):
        validate("few", run_id, minimum_rows=2)


def test_a_replayed_batch_is_checked_whole_although_its_halves_were_written_at_different_times(write, run_id):
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    bad = rows("a", [2], records=3, reason="no_event_time", batch=4)
    write("replayed", rows("a", [0, 1], records=3, batch=4, at=long_ago), bad)
    create("replayed")
    assert validate("replayed", run_id)["run_rows"] == 2


def test_batches_of_earlier_runs_are_not_read_again(write, run_id):
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    old_and_broken = rows("old", [0], records=9, batch=1, at=long_ago)
    write("history", old_and_broken + rows("a", [0], records=1, batch=2))
    create("history")
    outcome = validate("history", run_id)
    assert (outcome["row_count"], outcome["run_rows"], outcome["run_files"]) == (2, 1, 1)


def test_a_run_with_nothing_new_is_validated_by_its_totals(write, run_id):
    write("idle", rows("a", [0], records=1, at=datetime(2026, 1, 1, tzinfo=UTC)))
    create("idle")
    outcome = validate("idle", run_id)
    assert (outcome["row_count"], outcome["run_files"], outcome["newest_event"]) == (1, 0, None)


def test_a_table_that_is_not_there_is_an_error_with_the_services_words(run_id):
    with pytest.raises(CloudTrailError):
        validate("nowhere", run_id)
