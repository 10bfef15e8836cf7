"""What goes wrong in a run, by the real scheduler: it is seen, somebody is told, nothing is lost or twice."""

import time
from collections import Counter

import pytest

DAG = "cloudtrail_ingest"
TIMEOUT_SECONDS = 600
TOPIC = "arn:aws:sns:us-east-1:123456789012:cloudtrail-alerts"
TABLES = {
    "events_table": "trouble_events",
    "insights_table": "trouble_insights",
    "alert_topic_arn": TOPIC,
    "alert_conn_ids": ["receiver"],
}


@pytest.fixture(scope="module")
def killed_and_next(sandbox, receiver):
    """Two triggers in a row; the first run's events job is killed while it writes its first batch."""
    first = sandbox.airflow.trigger(DAG, TABLES)
    second = sandbox.airflow.trigger(DAG, TABLES)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (job := sandbox.airflow.xcom(first, "events.submit", "run_id")) is None:
        assert time.monotonic() < deadline, "the events job was never submitted"
        time.sleep(0.5)
    kill = {"action": "kill_driver", "run_id": int(job), "log": '"step": "tables"'}
    sandbox.databricks.provoke(kill)
    states = [sandbox.airflow.wait(run, timeout_seconds=TIMEOUT_SECONDS) for run in (first, second)]
    return first, second, states


def alerts(sandbox):
    sqs = sandbox.aws.client("sqs")
    queue = sqs.get_queue_url(QueueName="cloudtrail-alerts")["QueueUrl"]
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def test_a_job_that_is_killed_fails_its_run_and_the_error_is_in_the_log_and_in_the_alert(
    sandbox, killed_and_next
):
    first, _, states = killed_and_next
    assert states == ["failed", "success"]
    failed = [task for task in sandbox.airflow.task_instances(first) if task["state"] == "failed"]
    (task,) = [task for task in failed if task["task_id"].startswith("events.wait_for")]
    log = sandbox.airflow.task_log(first, task["task_id"], task["try_number"])
    assert "DatabricksRunError" in log
    (alert,) = [body for body in alerts(sandbox) if task["task_id"] in body and "Why:" in body]
    for text in (first.run_id, f"Databricks:  {sandbox.databricks.host}", "clear `submit`"):
        assert text in alert


def test_the_next_run_tells_that_it_is_ok_again(sandbox, receiver, killed_and_next):
    _, second, _ = killed_and_next
    over = [message["message"] for message in receiver.messages if "ok again" in message["title"]]
    (told,) = [message for message in over if second.run_id in message]
    assert "Ok again:    events.wait_for" in told
    assert not [
        key
        for key, value in sandbox.airflow.variables("cloudtrail_alerts.").items()
        if "task_failed" in value
    ]


def test_two_quick_triggers_leave_each_record_once_also_when_the_first_was_killed(sandbox, killed_and_next):
    promised = sandbox.promised.counts("events")
    rows = sandbox.sql("SELECT COUNT(*) AS n, COUNT(DISTINCT eventID) AS ids FROM trouble_events")
    assert rows == [{"n": str(promised.rows), "ids": str(promised.rows)}]
    reasons = sandbox.sql("SELECT reason, COUNT(*) AS n FROM trouble_events_quarantine GROUP BY reason")
    assert Counter({row["reason"]: int(row["n"]) for row in reasons}) == promised.quarantined
    unbalanced = sandbox.sql("SELECT * FROM trouble_events_files WHERE NOT balanced")
    assert unbalanced == []
