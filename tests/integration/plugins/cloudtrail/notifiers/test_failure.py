"""The alert: received by a queue behind a real topic, complete, and silent without a topic."""

import json

import pytest

from cloudtrail.errors import DatabricksRunError
from cloudtrail.notifiers.failure import FailureNotifier
from tests.integration.plugins.cloudtrail.conftest import TaskInstance, form_values


@pytest.fixture
def topic(aws):
    """A topic whose messages can be read: `receive()` gives those that came."""
    sns, sqs = aws.client("sns"), aws.client("sqs")
    arn = sns.create_topic(Name="notifier-tests")["TopicArn"]
    queue = sqs.create_queue(QueueName="notifier-tests")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)

    def receive():
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

    yield arn, receive
    sqs.delete_queue(QueueUrl=queue)
    sns.delete_topic(TopicArn=arn)


def fail(task_id, *, params, exception=None, pages=None):
    """Call the notifier as Airflow does after a task's last try."""
    context = {
        "params": params,
        "ti": TaskInstance(task_id=task_id, pushed=pages or {}),
        "exception": exception,
    }
    FailureNotifier()(context)


def test_an_alert_names_account_task_reason_run_page_and_what_to_do(topic, connections):
    arn, receive = topic
    error = DatabricksRunError("Databricks run 7 ended as FAILED: ValueError: no such region")
    params = form_values(alert_topic_arn=arn, account="111122223333")
    fail("events.wait_for_run", params=params, exception=error, pages={"run_page_url": "http://dbx/runs/7"})
    (message,) = receive()
    assert message["Subject"].startswith("CloudTrail ingest: events.wait_for_run failed for 111122223333")
    for part in (
        "Account:     111122223333 in bucket 'cloudtrail-logs'",
        "cloudtrail_ingest.events.wait_for_run (DAG run manual__1, try 1)",
        "ValueError: no such region",
        "Databricks:  http://dbx/runs/7",
        "What to do:  The Databricks run ended without success",
        "Task log:    http://airflow/log",
    ):
        assert part in message["Message"]


def test_a_task_before_the_submit_has_no_run_page(topic, connections):
    arn, receive = topic
    fail("preflight", params=form_values(alert_topic_arn=arn), exception=ValueError("denied"))
    (message,) = receive()
    assert "no run was submitted" in message["Message"]
    assert "every account in bucket" in message["Message"]


def test_a_long_error_is_cut_so_that_sns_takes_it(topic, connections):
    arn, receive = topic
    fail("preflight", params=form_values(alert_topic_arn=arn), exception=ValueError("x" * 400_000))
    (message,) = receive()
    assert len(message["Message"]) < 5_000


@pytest.mark.parametrize("nothing", [None, ""])
def test_without_a_topic_nothing_is_sent_and_no_connection_is_needed(nothing):
    fail("preflight", params=form_values(alert_topic_arn=nothing), exception=ValueError("denied"))
