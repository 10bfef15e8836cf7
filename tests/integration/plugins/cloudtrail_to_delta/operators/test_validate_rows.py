"""Counts by SQL on real Delta files: they agree, or the task says why not."""

import re
from datetime import UTC, datetime

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from deltalake import DeltaTable

from cloudtrail_to_delta.errors import CloudTrailError, CountMismatchError, IncompleteError
from cloudtrail_to_delta.operators.notify import NotifyOperator
from cloudtrail_to_delta.operators.preflight import PreflightOperator
from cloudtrail_to_delta.operators.validate import ValidateRowsOperator
from cloudtrail_to_delta.records.outcome import Outcome
from cloudtrail_to_delta.records.table_event import TableEvent
from cloudtrail_to_delta.tables.assets import table_asset
from sandbox.aws.seed import LAKE_BUCKET
from sandbox.receiver import receiving
from tests.integration.plugins.cloudtrail_to_delta.conftest import (
    NOTHING_SKIPPED,
    SUCCEEDS,
    finished,
    form_values,
    request_dicts,
    run_to_end,
    submit,
    task_context,
)
from tests.integration.plugins.cloudtrail_to_delta.operators.conftest import LONG_AGO, NOW, rows

OTHER_RUN = "(cloudtrail_ingest, another)"


def validate(name, run_id, pushed=None, preflight=NOTHING_SKIPPED, **changed):
    params = form_values(events_table=name, **changed)
    operator = ValidateRowsOperator(
        task_id="validate_rows",
        kind="events",
        requests=request_dicts(params),
        run_id=run_id,
        preflight=preflight,
        aws_conn_id="aws_default",
        databricks_conn_id="databricks_default",
        warehouse_id=params["warehouse_id"],
        poll_seconds=1,
    )
    context = task_context(params=params)
    context["ti"].pushed = {} if pushed is None else pushed
    return run_to_end(operator, context)


def notify(outcome, monkeypatch, **changed):
    """Tell what the validation found; the messages that came, and the XCom `alerts`."""
    with receiving() as receiver:
        monkeypatch.setenv("AIRFLOW_CONN_SECURITY", receiver.connection())
        context = task_context(params=form_values(alert_conn_ids=["security"], **changed))
        NotifyOperator(task_id="notify", validations=[outcome, None]).execute(context)
        return [message["message"] for message in receiver.messages], context["ti"].pushed["alerts"]


@pytest.fixture(params=["America/New_York", "Asia/Kolkata"])
def zones(request, databricks):
    """The time zone of the SQL sessions: behind UTC, and ahead of it by no whole number of hours."""
    databricks.set_sql_time_zone(request.param)
    yield
    databricks.set_sql_time_zone("America/New_York")


in_every_time_zone = pytest.mark.usefixtures("zones")


@pytest.fixture(autouse=True)
def airflow(supervisor):
    """What Airflow remembers of the tables."""
    return supervisor


@pytest.fixture(scope="module")
def runs():
    """Run ids by name, so that one fake run serves several tests."""
    return {}


@pytest.fixture
def run_id(stage, connections, runs):
    """A Databricks run that succeeded, of the DAG run `tables`."""
    if "run" not in runs:
        runs["run"] = finished(submit(stage(SUCCEEDS), "tables")[0])
    return runs["run"]


@in_every_time_zone
def test_counts_that_agree_are_returned_with_what_the_run_added(write, run_id, named):
    kept = rows("a", [0, 1], records=3) + rows("b", [0], records=1)
    bad = rows("a", [2], records=3, reason="no_event_time")
    bad += rows("c", [None], records=0, reason="truncated_gzip")
    write("agrees", kept, bad)
    named("agrees")
    outcome = validate("agrees", run_id)
    assert outcome["row_count"] == outcome["log_rows"] == 3
    assert outcome["quarantined"] == 2
    assert (outcome["run_files"], outcome["run_records"]) == (3, 4)
    assert (outcome["run_rows"], outcome["run_quarantined"], outcome["run_removed"]) == (3, 2, 0)
    assert outcome["reasons"] == {"no_event_time": 1, "truncated_gzip": 1}
    assert (outcome["odd_fields"], outcome["schema_drift"]) == (0, [])
    assert outcome["newest_event"] == outcome["newest_file"] == "2026-11-22T12:00:00Z"
    assert 0 <= outcome["databricks_seconds"] < 600


def utc(moment):
    """A moment as an outcome has it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def key_of(region, name):
    """A log file of a region."""
    return f"s3://b/AWSLogs/111122223333/CloudTrail/{region}/2026/11/22/{name}"


@in_every_time_zone
def test_what_a_run_delivered_is_recorded_by_region_and_hour_with_examples_of_the_quarantine(
    write, run_id, named
):
    east, west = (key_of(region, "a") for region in ("us-east-1", "eu-west-1"))
    bad = rows(east, [2], records=3, reason="no_event_time")
    bad += rows(key_of("eu-west-1", "b"), [None], records=0, reason="truncated_gzip")
    write("described", rows(east, [0, 1], records=3) + rows(west, [0], records=1), bad)
    named("described")
    pushed = {}
    outcome = validate("described", run_id, pushed=pushed)
    noon = "2026-11-22T12:00:00Z"
    assert outcome["known"] == {
        "newest_event": noon,
        "newest_delivery": noon,
        "regions": {"eu-west-1": noon, "us-east-1": noon},
    }
    assert outcome["reasons"] == {"no_event_time": 1, "truncated_gzip": 1}
    details = pushed["details"]
    assert details["hours"] == [[noon, 3, 3]]
    assert details["regions"] == {"eu-west-1": [2, 1], "us-east-1": [1, 2]}
    why = "as the test has it"
    assert details["examples"]["no_event_time"] == [{"log_file": east, "record_index": 2, "detail": why}]
    (whole,) = details["examples"]["truncated_gzip"]
    assert (whole["log_file"], whole["record_index"]) == (key_of("eu-west-1", "b"), None)


def test_a_record_that_is_in_neither_table_fails_the_task_and_names_its_file(write, run_id, named):
    write("lost", rows("a", [0, 1], records=2) + rows("b", [0], records=2))
    named("lost")
    with pytest.raises(CountMismatchError, match=r"1 of 2 log files do not balance.*'b'"):
        validate("lost", run_id)


def test_a_record_that_was_written_twice_fails_the_task(write, run_id, named):
    write("twice", rows("a", [0, 1, 1], records=2))
    named("twice")
    with pytest.raises(CountMismatchError, match="1 of 1 log files do not balance"):
        validate("twice", run_id)


@in_every_time_zone
def test_duplicates_that_were_removed_and_odd_fields_are_part_of_the_outcome(write, run_id, named):
    kept = rows("a", [0, 1], records=3)
    kept[1] |= {"raw": '{"eventID":"x","brandNew":7}', "unknown_fields": ["brandNew"]}
    at = write("removed", kept, rows("a", [2], records=3, reason="duplicate"))
    named("removed")
    outcome = validate("removed", run_id)
    assert (outcome["run_records"], outcome["run_rows"], outcome["run_removed"]) == (3, 2, 1)
    assert (outcome["quarantined"], outcome["removed"], outcome["run_quarantined"]) == (1, 1, 0)
    (odd,) = outcome["schema_drift"]
    assert odd.pop("first_seen") == utc(at)
    assert odd == {
        "field": "brandNew",
        "problem": "unknown_field",
        "records": 1,
        "example": '"brandNew":7}',
    }


@in_every_time_zone
def test_drift_and_quarantine_of_a_run_are_told_and_the_silence_before_it(write, run_id, named, monkeypatch):
    kept = rows("a", [0, 1], records=4)
    kept[1] |= {"raw": '{"eventID":"x","brandNew":"c0ntent"}', "unknown_fields": ["brandNew"]}
    write("told", kept, rows("a", [2, 3], records=4, reason="no_event_time"))
    named("told")
    messages, done = notify(validate("told", run_id), monkeypatch)
    assert [one["event"] for one in done] == ["quarantine", "schema_drift", "no_new_files"]
    quarantine, drift, silence = messages
    assert "Why:         2 in told_quarantine with the reason no_event_time" in quarantine
    assert "Why:         1 records with 'brandNew' (unknown_field)" in drift
    assert "Why:         the newest log file in told was delivered" in silence
    assert "c0ntent" not in "".join(messages) + str(done)


@in_every_time_zone
def test_a_run_with_nothing_new_finds_the_newest_file_of_the_last_days(write, run_id, named, monkeypatch):
    today = datetime.now(UTC)
    old = [row | {"date": today.date(), "delivered_at": today} for row in rows("a", [0], records=1)]
    write("quiet", old + rows("b", [0], records=1), run=OTHER_RUN, at=LONG_AGO)
    named("quiet")
    outcome = validate("quiet", run_id)
    assert (outcome["run_files"], outcome["newest_file"]) == (0, utc(today))
    assert notify(outcome, monkeypatch)[0] == []


def test_a_run_that_read_old_files_alone_is_no_silence_of_a_table_that_has_new_ones(
    write, run_id, named, monkeypatch
):
    long_ago, today = datetime(2026, 1, 1, tzinfo=UTC), datetime.now(UTC)
    recent = {"date": today.date(), "delivered_at": today}
    write("widened", [row | recent for row in rows("a", [0], records=1)], run=OTHER_RUN, at=LONG_AGO)
    write("widened", [row | {"delivered_at": long_ago} for row in rows("b", [0], records=1)])
    named("widened")
    outcome = validate("widened", run_id)
    assert (outcome["run_files"], outcome["newest_file"]) == (1, f"{today:%Y-%m-%dT%H:%M:%SZ}")
    assert notify(outcome, monkeypatch)[0] == []


def test_files_that_were_read_again_after_their_checkpoint_was_lost_are_named(write, run_id, named):
    write("again", rows("a", [0, 1], records=2), run=OTHER_RUN, at=LONG_AGO)
    write("again", rows("a", [0, 1], records=2), stream="another", batch=0)
    named("again")
    with pytest.raises(CountMismatchError, match="1 log files have more rows in 'again' than records"):
        validate("again", run_id)


def test_fewer_rows_than_the_minimum_fail_the_task(write, run_id, named):
    write("few", rows("a", [0], records=1))
    named("few")
    with pytest.raises(CountMismatchError, match="has 1 rows, fewer than param minimum_rows=2"):
        validate("few", run_id, minimum_rows=2)


def test_a_replayed_batch_is_checked_whole_although_its_halves_were_written_at_different_times(
    write, run_id, named
):
    write("replayed", rows("a", [0, 1], records=3), run=OTHER_RUN, at=LONG_AGO, batch=4)
    write("replayed", None, rows("a", [2], records=3, reason="no_event_time"), batch=4)
    named("replayed")
    assert validate("replayed", run_id)["run_rows"] == 2


def test_batches_of_earlier_runs_are_not_read_again_and_one_statement_asks_for_everything(
    write, run_id, named, databricks
):
    write("history", rows("old", [0], records=1), run=OTHER_RUN, at=LONG_AGO)
    write("history", rows("a", [0], records=1))
    named("history")
    databricks.forget_requests()
    outcome = validate("history", run_id)
    assert databricks.statements() == 1
    assert (outcome["row_count"], outcome["run_rows"], outcome["run_files"]) == (2, 1, 1)


@in_every_time_zone
def test_a_run_counts_its_own_rows_alone_however_close_others_are(write, run_id, named):
    write("close", rows("before", [0], records=1), run=OTHER_RUN)
    write("close", rows("a", [0, 1], records=2))
    write("close", rows("after", [0], records=1), run=OTHER_RUN)
    write("close", rows("b", [0], records=1))
    named("close")
    outcome = validate("close", run_id)
    assert (outcome["row_count"], outcome["run_rows"], outcome["run_files"]) == (5, 3, 2)


def test_a_run_that_is_validated_again_after_others_still_counts_its_own_rows(write, run_id, named):
    write("cleared", rows("a", [0, 1], records=2))
    named("cleared")
    first = validate("cleared", run_id)
    write("cleared", rows("b", [0], records=1), run=OTHER_RUN)
    again = validate("cleared", run_id)
    figures = ("run_files", "run_records", "run_rows", "run_quarantined", "newest_event")
    assert [again[name] for name in figures] == [first[name] for name in figures]


def test_a_run_of_an_earlier_release_is_identified_by_time_and_the_log_says_so(
    write, stage, named, databricks, capfd
):
    wheel = {"package_name": "cloudtrail_jobs", "entry_point": "cloudtrail-ingest"}
    task = {
        "task_key": "ingest",
        "existing_cluster_id": "sandbox-cluster",
        "libraries": [{"whl": stage(SUCCEEDS)}],
        "python_wheel_task": wheel | {"named_parameters": {"kind": "events"}},
    }
    run_id = finished(databricks.submit(task))
    write("earlier", rows("old", [0], records=1), run="", at=LONG_AGO)
    write("earlier", rows("a", [0, 1], records=2), run="")
    write("earlier", rows("of a marked run", [0], records=1), run=OTHER_RUN)
    named("earlier")
    outcome = validate("earlier", run_id)
    assert (outcome["row_count"], outcome["run_rows"], outcome["run_files"]) == (4, 2, 1)
    assert f"The micro-batches of Databricks run {run_id} are identified by time" in "".join(
        capfd.readouterr()
    )


@in_every_time_zone
def test_what_is_known_of_a_table_is_what_its_runs_have_found_in_any_order(write, run_id, named, airflow):
    asset = table_asset("known", "s3://cloudtrail-lake/delta/known")
    newest, earlier = "2026-11-25T09:00:00Z", "2026-11-20T00:00:00Z"
    # The table's events: of a run that delivered more, then of an older one whose report was cleared.
    airflow.add(asset, {"version": 1, "newest_event": newest, "regions": {"eu-west-1": newest}})
    airflow.add(asset, {"version": 1, "newest_event": None, "regions": {"eu-west-1": earlier}})
    airflow.add(table_asset("known", "s3://another/place"), {"regions": {"sa-east-1": newest}})
    write("known", rows(key_of("us-east-1", "a"), [0], records=1))
    named("known")
    assert validate("known", run_id)["known"] == {
        "newest_event": newest,
        "newest_delivery": newest,
        "regions": {"eu-west-1": newest, "us-east-1": utc(NOW)},
    }


@in_every_time_zone
def test_of_a_table_without_a_memory_the_table_itself_is_asked(write, run_id, named):
    west, east = (rows(key_of(region, region), [0], records=1) for region in ("eu-west-1", "us-east-1"))
    write("asked", west, run=OTHER_RUN, at=LONG_AGO)
    write("asked", east)
    named("asked")
    known = validate("asked", run_id)["known"]
    assert known["regions"] == {"eu-west-1": utc(NOW), "us-east-1": utc(NOW)}


def remember(airflow, name, outcome):
    """What `report` leaves after a validation."""
    event = TableEvent.of_outcome(Outcome.from_dict(outcome)).to_dict()
    airflow.add(table_asset(name, f"s3://cloudtrail-lake/delta/{name}"), event)


def test_what_a_run_lost_stays_open_in_later_runs_until_its_log_files_balance(write, run_id, named, airflow):
    # The run that wrote this has failed or died: nobody has validated it.
    write("open", rows("a", [0], records=2), run=OTHER_RUN, at=LONG_AGO)
    write("open", rows("b", [0], records=1))
    named("open")
    for _ in range(2):
        with pytest.raises(IncompleteError, match=r"1 of 2 log files do not balance.*: 'a'"):
            validate("open", run_id)
    write("open", None, rows("a", [1], records=2, reason="no_event_time"), run=OTHER_RUN, batch=0)
    outcome = validate("open", run_id)
    assert (outcome["run_files"], outcome["validated"]["version"]) == (1, outcome["version"])
    remember(airflow, "open", outcome)
    # What was validated is not read again, and what came later is, though its run is another one.
    write("open", rows("c", [0], records=2), run=OTHER_RUN)
    write("open", rows("d", [0], records=1))
    with pytest.raises(IncompleteError, match=r"1 of 3 log files do not balance.*: 'c'"):
        validate("open", run_id)


def test_rows_that_somebody_else_deletes_are_a_mismatch_until_they_are_restored_or_accepted(
    write, run_id, named, airflow, lake_options
):
    write("deleted", rows("a", [0, 1], records=2) + rows("b", [0], records=1))
    named("deleted")
    remember(airflow, "deleted", validate("deleted", run_id))
    table = DeltaTable("s3://cloudtrail-lake/delta/deleted", storage_options=lake_options)
    table.delete("log_file = 'a' AND record_index = 1")
    write("deleted", rows("c", [0], records=1))
    with pytest.raises(IncompleteError) as refused:
        validate("deleted", run_id)
    assert "DELETE made version 2 of 'deleted'" in refused.value.summary
    assert "since then 1 log files do not balance: 'a'" in refused.value.summary
    (code,) = re.findall("accept_mismatch=([0-9a-f]{12})", refused.value.summary)
    (remark,) = validate("deleted", run_id, accept_mismatch=code)["remarks"]
    assert remark.startswith(f"accepted by accept_mismatch={code}: 1 log files do not balance")
    assert "somebody other than the job changed rows: DELETE made version 2" in remark
    with pytest.raises(IncompleteError):
        validate("deleted", run_id, accept_mismatch="0" * 12)
    table.update_incremental()
    table.restore(1)
    with pytest.raises(IncompleteError, match=r"RESTORE made version 4 .* 1 log files do not balance: 'c'"):
        validate("deleted", run_id)
    write("deleted", rows("c", [0], records=1))
    assert validate("deleted", run_id)["remarks"] == []


def test_a_continuous_stream_that_has_just_begun_is_neither_failed_nor_called_silent(
    write, run_id, named, monkeypatch
):
    write("begun", [], run=OTHER_RUN, at=LONG_AGO)
    named("begun")
    outcome = validate("begun", run_id, trigger="continuous")
    assert (outcome["pending"], outcome["row_count"], outcome["run_files"]) == (True, 0, 0)
    assert notify(outcome, monkeypatch, trigger="continuous")[0] == []


def test_of_a_continuous_stream_the_newest_batch_is_checked_once_both_its_commits_are_there(
    write, run_id, named
):
    write("streaming", rows("a", [0], records=1))
    # Its rows are in the table, its defects not yet in the quarantine.
    write("streaming", rows("b", [0], records=2))
    named("streaming")
    outcome = validate("streaming", run_id, trigger="continuous")
    assert (outcome["pending"], outcome["row_count"], outcome["run_files"]) == (False, 2, 1)
    write("streaming", None, rows("b", [1], records=2, reason="no_event_time"), batch=1)
    outcome = validate("streaming", run_id, trigger="continuous")
    assert (outcome["run_files"], outcome["run_records"], outcome["run_quarantined"]) == (2, 3, 1)


def test_a_run_with_nothing_new_is_validated_by_its_totals(write, run_id, named):
    write("idle", rows("a", [0], records=1), run=OTHER_RUN, at=LONG_AGO)
    named("idle")
    outcome = validate("idle", run_id)
    assert (outcome["row_count"], outcome["run_files"], outcome["newest_event"]) == (1, 0, None)


def preflight_of(params):
    """What preflight finds idle, and the params of its run."""
    operator = PreflightOperator(
        task_id="preflight",
        requests=request_dicts(params),
        aws_conn_id="aws_default",
        databricks_conn_id="databricks_default",
    )
    return operator.idle_kinds(task_context(params=params), {})


def test_without_a_new_log_file_nothing_starts_and_the_last_run_still_says_how_fresh_the_table_is(
    write, run_id, named, airflow, aws, databricks, monkeypatch
):
    quiet = {"kinds": ["events"], "prefix": "quiet", "account": "111122223333"}
    params = form_values(events_table="idle_trail", **quiet)
    defects = [*rows("a", [2], records=4, reason="duplicate"), *rows("a", [3], records=4, reason="expired")]
    write("idle_trail", rows("a", [0, 1], records=4), defects)
    named("idle_trail")
    s3 = aws.client("s3")
    s3.put_object(Bucket=LAKE_BUCKET, Key="checkpoints/idle_trail/streams/2026-11/offsets/0", Body=b"")
    assert preflight_of(params) == {}
    first = validate("idle_trail", run_id, **quiet)
    remember(airflow, "idle_trail", first)
    idle = preflight_of(params)
    assert idle["events"].startswith("No log file of events was written since ")
    databricks.forget_requests()
    outcome = validate("idle_trail", None, preflight={"idle_kinds": idle}, **quiet)
    assert databricks.requests() == []
    same = ("version", "row_count", "log_rows", "quarantined", "removed", "deleted", "known", "validated")
    assert {name: outcome[name] for name in same} == {name: first[name] for name in same}
    assert (outcome["quarantined"], outcome["removed"], outcome["deleted"]) == (2, 1, 1)
    assert (outcome["idle"], outcome["run_files"], outcome["remarks"]) == (True, 0, [idle["events"]])
    messages, _ = notify(outcome, monkeypatch)
    assert ["no log file" in one or "was delivered" in one for one in messages] == [True]
    # Somebody else's commit, and a new log file, are reasons to run.
    write("idle_trail", rows("b", [0], records=1), run=OTHER_RUN)
    assert preflight_of(params) == {}
    remember(airflow, "idle_trail", validate("idle_trail", run_id, **quiet))
    assert preflight_of(params) != {}
    folder = f"quiet/AWSLogs/{params['account']}/CloudTrail/us-east-1/{datetime.now(UTC):%Y/%m/%d}"
    s3.put_object(Bucket=params["bucket"], Key=f"{folder}/new.json.gz", Body=b"")
    assert preflight_of(params) == {}


@pytest.mark.parametrize("preflight", [NOTHING_SKIPPED, None], ids=["after preflight", "without preflight"])
def test_a_kind_that_was_not_submitted_is_skipped(connections, preflight):
    # A run that only tests alerts skips preflight too.
    with pytest.raises(AirflowSkipException, match="No Databricks run was submitted for events"):
        validate("nowhere", None, preflight=preflight)


def test_a_table_that_is_not_there_is_an_error_with_the_services_words(run_id):
    with pytest.raises(CloudTrailError):
        validate("nowhere", run_id)
