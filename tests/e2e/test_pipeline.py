"""The whole pipeline by the real scheduler: triggered through Airflow's REST API, tables read back by SQL."""

import pytest

from cloudtrail_to_delta.alerts.run import NOTHING_LOST
from tests.e2e.conftest import LATE_DAG
from tests.fixtures.databricks import until
from tests.fixtures.documents import PAGES, name_of, statements

DAG = "cloudtrail_ingest"
COUNT = (
    "SELECT (SELECT COUNT(*) FROM cloudtrail_events) AS events, "
    "(SELECT COUNT(*) FROM cloudtrail_insights) AS insights"
)
TIMEOUT_SECONDS = 600
# A view that only a run with digests makes; tests/integration/spark_jobs/test_digests.py asks it.
OF_DIGESTS = "cloudtrail_events_proof"


@pytest.fixture(scope="module")
def watched():
    """What the first run showed while it went on: task → state, each time that one had changed."""
    return []


@pytest.fixture(scope="module")
def first_run(sandbox, receiver, watched):
    """One DAG run with the form's defaults, every view, and somebody to tell, to its end."""
    run = sandbox.airflow.trigger(DAG, {"alert_conn_ids": ["receiver"], "extra_views": ["ocsf", "variant"]})
    tasks = {}

    def note(task):
        tasks[task["task_id"]] = task["state"]
        watched.append(dict(tasks))

    state = sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS, on_change=note)
    logs = {
        task["task_id"]: sandbox.airflow.task_log(run, task["task_id"], task["try_number"])[-2000:]
        for task in sandbox.airflow.task_instances(run)
        if task["state"] == "failed"
    }
    assert state == "success", logs
    return run


def test_every_record_of_the_log_files_is_in_the_tables(sandbox, first_run):
    events, insights = (sandbox.promised.counts(kind=kind) for kind in ("events", "insights"))
    (row,) = sandbox.sql(COUNT)
    assert row == {"events": str(events.rows), "insights": str(insights.rows)}
    reasons = sandbox.sql("SELECT reason, COUNT(*) AS n FROM cloudtrail_events_quarantine GROUP BY reason")
    assert {row["reason"]: int(row["n"]) for row in reasons} == dict(events.quarantined)


@pytest.mark.parametrize("page", [page for page in PAGES if any(statements(page))], ids=name_of)
def test_the_statements_of_the_documentation_run(sandbox, first_run, page):
    for statement in statements(page):
        if OF_DIGESTS in statement:
            continue
        rows = sandbox.sql(statement)
        if statement.endswith("WHERE NOT balanced"):
            assert rows == [], statement


def test_the_validation_of_each_kind_is_recorded(sandbox, first_run):
    for kind in ("events", "insights"):
        outcome = sandbox.airflow.xcom(first_run, f"{kind}.validate_rows")
        assert outcome["balanced"]
        assert outcome["row_count"] == outcome["log_rows"] == sandbox.promised.counts(kind=kind).rows


def test_what_a_run_found_is_told_once_also_when_it_is_told_again(sandbox, receiver, first_run):
    insight, quarantine = (
        next(message["message"] for message in receiver.messages if text in message["message"])
        for text in ("times the baseline", " in cloudtrail_events_quarantine with the reason ")
    )
    assert "More:        docs/operations/insight.md#how-to-fix-it" in insight
    assert f"Databricks:  {sandbox.databricks.host}" in quarantine
    for reason in sandbox.promised.counts("events").quarantined:
        assert (f"with the reason {reason}" in quarantine) == (reason not in NOTHING_LOST)
    told = len(receiver.messages)
    sandbox.airflow.clear(first_run, ["notify"])
    assert sandbox.airflow.wait(first_run, timeout_seconds=TIMEOUT_SECONDS) == "success"
    done = sandbox.airflow.xcom(first_run, "notify", "alerts")
    assert {one["event"] for one in done} == {"insight", "quarantine"}
    assert {(one["status"], one["state_error"]) for one in done} == {("counted", "")}
    assert len(receiver.messages) == told


def test_a_test_alert_reaches_every_target_and_nothing_else_happens(sandbox, receiver):
    run = sandbox.airflow.trigger(DAG, {"alert_conn_ids": ["receiver"], "test_alert": True})
    assert sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS) == "success"
    states = {task["task_id"]: task["state"] for task in sandbox.airflow.task_instances(run)}
    assert set(states.values()) - {states.pop("notify")} == {"skipped"}
    assert "Alert sent to receiver" in sandbox.airflow.task_log(run, "resolve")
    assert [title for title in receiver.titles() if "a test alert for every account" in title]


def test_a_test_alert_that_a_target_does_not_take_fails_and_says_why(sandbox, receiver):
    params = {"alert_conn_ids": ["receiver", "nowhere"], "test_alert": True}
    run = sandbox.airflow.trigger(DAG, params)
    assert sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS) == "failed"
    assert "nowhere: AirflowNotFoundException" in sandbox.airflow.task_log(run, "resolve")


def test_a_run_that_passes_its_deadline_is_told_as_late(sandbox, receiver):
    # A run of a paused DAG waits, and is late before it has ended.
    sandbox.airflow.pause(LATE_DAG)
    run = sandbox.airflow.trigger(LATE_DAG, {"alert_conn_ids": ["receiver"], "preflight_only": True})
    until(lambda: any("late run" in title for title in receiver.titles()), "the alert of the late run")
    sandbox.airflow.pause(LATE_DAG, paused=False)
    assert sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS) == "success"
    (late,) = [message["message"] for message in receiver.messages if "late run" in message["title"]]
    assert f"Task:        {LATE_DAG} (DAG run {run.run_id})" in late
    assert "the run should have ended by" in late


def test_the_digest_asks_the_tables_that_the_ingest_has_written(sandbox, receiver, first_run):
    days = sandbox.sql("SELECT DISTINCT date FROM cloudtrail_events ORDER BY date DESC")
    day = days[1]["date"]
    # Those of earlier tests, too: every table that a run has reported is an asset.
    names = [row["tableName"] for row in sandbox.sql("SHOW TABLES") if row["isTemporary"] == "false"]
    # Of the other kinds (tests/e2e/test_form.py) the digest asks nothing.
    asked = [name for name in names if "events" in name or "insights" in name]
    tables = [name for name in asked if f"{name}_quarantine" in names]
    count = "SELECT COUNT(*) AS n FROM {} WHERE date = '{}'"
    counts = [sandbox.sql(count.format(name, day)) for name in tables if "insights" not in name]
    events = sum(int(row["n"]) for (row,) in counts)
    sandbox.airflow.unpause("cloudtrail_digest")
    run = sandbox.airflow.trigger("cloudtrail_digest", {"day": day, "alert_conn_ids": ["receiver"]})
    assert sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS) == "success"
    digest = sandbox.airflow.xcom(run, "digest")
    assert f"# CloudTrail digest of {day}\n\n{events:,} events in {len(tables)} tables." in digest
    denied = sandbox.sql("SELECT COUNT(*) AS n FROM cloudtrail_events WHERE errorCode = 'AccessDenied'")
    assert ("## Denied calls by principal\n\n| account" in digest) == (denied != [{"n": "0"}])
    # The one that was due at night is made first, when the DAG is unpaused; it may be of the same day.
    title = f"CloudTrail digest of {day}"
    assert (title, digest) in [(message["title"], message["message"]) for message in receiver.messages]


def test_waiting_tasks_are_deferred_and_hold_no_slot(sandbox, first_run, watched):
    waiting = [seen for seen in watched if seen.get("events.wait_for_delta_log") == "deferred"]
    assert waiting
    # While both kinds wait, no task of theirs takes a worker slot. Those of other kinds skip themselves.
    both = [seen for seen in waiting if seen.get("insights.wait_for_delta_log") == "deferred"]
    theirs = [{seen[task] for task in seen if task.startswith(("events.", "insights."))} for seen in both]
    assert any(not {"running", "queued"} & states for states in theirs), both


def test_clearing_any_task_changes_no_row_and_starts_no_second_job(sandbox, first_run):
    before = sandbox.sql(COUNT)
    jobs = sandbox.airflow.xcom(first_run, "events.submit", "run_id")
    sandbox.airflow.clear(first_run, ["events.submit"], downstream=True)
    assert sandbox.airflow.wait(first_run, timeout_seconds=TIMEOUT_SECONDS) == "success"
    assert sandbox.sql(COUNT) == before
    assert sandbox.airflow.xcom(first_run, "events.submit", "run_id") == jobs


def test_a_preflight_only_run_makes_every_check_tells_what_warns_and_stops_before_anything_is_written(
    sandbox, receiver, first_run
):
    before = sandbox.sql(COUNT)
    told = len(receiver.messages)
    alerts = {"alert_conn_ids": ["receiver"], "alert_events": ["preflight_warning"]}
    run = sandbox.airflow.trigger(DAG, {"preflight_only": True} | alerts)
    assert sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS) == "success"
    states = {task["task_id"]: task["state"] for task in sandbox.airflow.task_instances(run)}
    done = {task for task, state in states.items() if state == "success"}
    assert done == {"resolve", "preflight", "report", "notify"}
    assert {state for task, state in states.items() if task not in done} == {"skipped"}
    findings = sandbox.airflow.xcom(run, "preflight", "findings")
    # The sample logs come without digest files, and the account has no trail that delivers them.
    others = {(one["check"], one["status"]) for one in findings if one["status"] != "ok"}
    assert others == {("digests", "warning"), ("trail_status", "skipped")}
    assert "nothing was ingested" in sandbox.airflow.xcom(run, "report")
    assert sandbox.sql(COUNT) == before
    (warned,) = receiver.messages[told:]
    assert warned["title"].startswith("CloudTrail ingest: preflight warnings for ")
    assert "digests: account " in warned["message"]
    assert "More:        docs/operations/preflight_warning.md#how-to-fix-it" in warned["message"]


def test_a_role_that_may_not_read_fails_the_preflight_and_alerts_before_anything_is_submitted(
    sandbox, first_run
):
    role = "arn:aws:iam::123456789012:role/cloudtrail-reader-denied"
    topic = "arn:aws:sns:us-east-1:123456789012:cloudtrail-alerts"
    run = sandbox.airflow.trigger(DAG, {"reader_role_arn": role, "alert_topic_arn": topic})
    assert sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS) == "failed"
    states = {task["task_id"]: task["state"] for task in sandbox.airflow.task_instances(run)}
    assert states["preflight"] == "failed"
    assert states["events.submit"] == "upstream_failed"
    log = sandbox.airflow.task_log(run, "preflight")
    assert "s3:GetObject" in log
    page = sandbox.airflow.page(run, "preflight", "Findings")
    assert "s3:GetObject on arn:aws:s3:::cloudtrail-logs/AWSLogs/*/CloudTrail/*" in page
    sqs = sandbox.aws.client("sqs")
    queue = sqs.get_queue_url(QueueName="cloudtrail-alerts")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert "cloudtrail_ingest.preflight" in message["Body"]
    assert "s3:GetObject" in message["Body"]
