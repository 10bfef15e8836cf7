"""The alert: received by a queue behind a real topic, complete, and silent without a topic."""

import json

import pytest

from cloudtrail_to_delta.errors import (
    DatabricksRunError,
    IncompleteError,
    InvalidRequestError,
    PreflightError,
)
from cloudtrail_to_delta.notifiers.failure import FailureNotifier
from cloudtrail_to_delta.notifiers.setup import SetupFailureNotifier
from cloudtrail_to_delta.params.request import resolve_requests
from cloudtrail_to_delta.params.setup import setup_params
from cloudtrail_to_delta.records.findings import Finding, Findings
from cloudtrail_to_delta.setup.allowed import CONNECTIONS_VARIABLE
from sandbox.receiver import receiving
from tests.integration.plugins.cloudtrail_to_delta.conftest import TaskInstance, form_values


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


@pytest.fixture
def receiver(monkeypatch):
    """An HTTP server behind the Airflow connection `security`."""
    with receiving() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SECURITY", server.connection())
        yield server


def fail(task_id, *, params, exception=None, pages=None, notifier=FailureNotifier, **more):
    """Call the notifier as Airflow does after a task's last try; its XCom `alerts`."""
    ti = TaskInstance(task_id=task_id, pushed=pages or {}, **more)
    notifier()({"params": params, "ti": ti, "exception": exception})
    return ti.pushed["alerts"]


def test_an_alert_names_account_task_reason_run_page_and_what_to_do(topic, connections):
    arn, receive = topic
    error = DatabricksRunError("Databricks run 7 ended as FAILED: ValueError: no such region")
    params = form_values(alert_topic_arn=arn, account="111122223333")
    fail("events.wait_for_run", params=params, exception=error, pages={"run_page_url": "http://dbx/runs/7"})
    (message,) = receive()
    assert message["Subject"].startswith("CloudTrail ingest: events.wait_for_run failed for 111122223333")
    for part in (
        "Account:     111122223333 in bucket 'cloudtrail-logs'",
        "cloudtrail_ingest.events.wait_for_run (DAG run manual__1)",
        "ValueError: no such region",
        "Databricks:  http://dbx/runs/7",
        "What to do:  The Databricks run ended without success",
        "More:        docs/operations/wait_for_run.md#how-to-fix-it",
        "Task log:    http://airflow/log",
    ):
        assert part in message["Message"]


def test_a_task_before_the_submit_has_no_run_page(topic, connections):
    arn, receive = topic
    fail("preflight", params=form_values(alert_topic_arn=arn), exception=ValueError("denied"))
    (message,) = receive()
    assert "no run was submitted" in message["Message"]
    assert "every account in bucket" in message["Message"]


def test_an_alert_names_the_entry_that_it_is_of(receiver):
    params = form_values(alert_conn_ids=["security"], account="111122223333")
    fail("preflight", params=params, exception=ValueError("x"), dag_id="cloudtrail_ingest__payments")
    (posted,) = receiver.messages
    assert "Account:     payments (111122223333) in bucket 'cloudtrail-logs'" in posted["message"]


def test_a_mismatch_has_words_of_its_own_and_is_not_called_harmless(receiver):
    error = IncompleteError(
        "with counts", summary="2 log files do not balance (accept_mismatch=0123456789ab)"
    )
    fail("events.validate_rows", params=form_values(alert_conn_ids=["security"]), exception=error)
    (posted,) = receiver.messages
    assert posted["title"].startswith("CloudTrail ingest: log files do not balance for")
    assert "Why:         2 log files do not balance (accept_mismatch=0123456789ab)" in posted["message"]
    assert "docs/operations/unbalanced.md#how-to-fix-it" in posted["message"]
    assert "Nothing is lost" not in posted["message"]


def test_a_service_that_reads_markdown_gets_a_reason_as_it_is_and_no_mention(receiver, monkeypatch):
    webhook = {"path": f"mmost://127.0.0.1:{receiver.port}/3ccdd113474722377935511fc85d3dd4"}
    monkeypatch.setenv(
        "AIRFLOW_CONN_SECURITY", json.dumps({"conn_type": "apprise", "extra": {"config": webhook}})
    )
    reason = "field [Reset it](http://evil.example.com) of @channel"
    (done,) = fail("report", params=form_values(alert_conn_ids=["security"]), exception=ValueError(reason))
    (posted,) = receiver.messages
    assert done["status"] == "sent"
    assert "\\[Reset it\\]\\(http://evil.example.com\\)" in posted["text"]
    assert "@channel" not in posted["text"]


def test_a_fifo_topic_refuses_an_alert_as_aws_does_which_is_why_the_contract_refuses_it(aws, connections):
    topic = aws.client("sns").create_topic(Name="alerts.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    (done,) = fail("report", params=form_values(alert_topic_arn=topic), exception=ValueError("x"))
    assert done["status"] == "failed"
    assert "MessageGroupId" in done["error"]
    with pytest.raises(InvalidRequestError, match="give the ARN of a standard topic"):
        resolve_requests(form_values(alert_topic_arn=topic))


def test_what_a_task_had_told_before_it_failed_stays_in_its_xcom(receiver):
    earlier = [{"event": "insight", "status": "sent"}]
    params = form_values(alert_conn_ids=["security"])
    done = fail("notify", params=params, exception=ValueError("x"), pages={"alerts": earlier})
    assert [one["event"] for one in done] == ["insight", "task_failed"]


def test_a_set_up_alerts_with_its_own_words(topic, connections):
    arn, receive = topic
    params = {name: param.value for name, param in setup_params().items()} | {"alert_topic_arn": arn}
    error = ValueError("iam:CreateRole on role cloudtrail-reader was refused")
    fail("apply.role", params=params, exception=error, notifier=SetupFailureNotifier)
    (message,) = receive()
    assert message["Subject"].startswith("CloudTrail set-up: apply.role failed for")
    for part in (
        "iam:CreateRole on role cloudtrail-reader was refused",
        "Meaning:     The set-up stopped at this task.",
        "What to do:  A call was refused, or somebody has changed something since the plan was made.",
        "More:        docs/operations/setup.md#how-to-fix-it",
    ):
        assert part in message["Message"]


def test_a_set_up_does_not_alert_with_a_connection_that_an_operator_forbids(receiver, monkeypatch):
    params = {name: param.value for name, param in setup_params().items()}
    params |= {"alert_conn_ids": ["security", "others"], "alert_topic_arn": "arn:aws:sns:us-east-1:1:t"}
    monkeypatch.setenv(f"AIRFLOW_VAR_{CONNECTIONS_VARIABLE.upper()}", "security")
    error = ValueError("a set-up may not use the connection 'others'")
    done = fail("resolve", params=params, exception=error, notifier=SetupFailureNotifier)
    assert [(one["target"], one["status"]) for one in done] == [("security", "sent")]


def test_a_long_error_is_cut_so_that_sns_takes_it(topic, connections):
    arn, receive = topic
    fail("preflight", params=form_values(alert_topic_arn=arn), exception=ValueError("x" * 400_000))
    (message,) = receive()
    assert len(message["Message"]) < 5_000


@pytest.mark.parametrize("nothing", [None, ""])
def test_without_a_target_nothing_is_sent_and_no_connection_is_needed(nothing):
    (done,) = fail("preflight", params=form_values(alert_topic_arn=nothing), exception=ValueError("denied"))
    assert (done["event"], done["status"], done["target"]) == ("task_failed", "no_targets", "")


def test_every_target_gets_the_same_text_and_the_xcom_says_so(topic, receiver, connections):
    arn, receive = topic
    params = form_values(alert_topic_arn=arn, alert_conn_ids=["security"])
    done = fail("events.submit", params=params, exception=ValueError("refused"))
    (published,), (posted,) = receive(), receiver.messages
    assert published["Message"] == posted["message"]
    assert posted["type"] == "failure"
    assert [(one["target"], one["status"], one["error"]) for one in done] == [
        (arn, "sent", ""),
        ("security", "sent", ""),
    ]
    assert done[0]["what"] == ["refused"]


def test_each_failed_finding_of_preflight_is_told_with_its_remedy_and_no_other(receiver):
    found = (
        Finding(check="bucket", subject="s3://a", status="failed", detail="is gone.", remedy="Make it."),
        Finding(check="digests", subject="a", status="warning", detail="none.", remedy="Turn on."),
        Finding(check="table_name", subject="t", status="failed", detail="is taken."),
    )
    findings = Findings(found=found).to_list()
    params = form_values(alert_conn_ids=["security"])
    (done,) = fail(
        "preflight", params=params, exception=PreflightError("2 failed"), pages={"findings": findings}
    )
    (posted,) = receiver.messages
    assert (
        "Why:         bucket: s3://a: is gone. Make it.\n             table_name: t: is taken.\n"
        in (posted["message"])
    )
    assert "digests" not in posted["message"]
    assert (done["event"], len(done["what"])) == ("preflight_failed", 2)


@pytest.mark.parametrize("odd", [7, "a text", {"check": "bucket"}, ["a text"], [{"status": "dire"}]])
def test_findings_that_cannot_be_read_do_not_keep_the_failure_back(receiver, odd):
    params = form_values(alert_conn_ids=["security"])
    fail("preflight", params=params, exception=PreflightError("2 failed"), pages={"findings": odd})
    assert "Why:         2 failed" in receiver.messages[0]["message"]


def test_a_target_that_refuses_or_does_not_exist_is_recorded_without_its_secrets(
    receiver, monkeypatch, caplog
):
    monkeypatch.setenv("AIRFLOW_CONN_SECURITY", receiver.connection("T0Ken-of-the-channel/B4"))
    monkeypatch.setenv(
        "AIRFLOW_CONN_WRONG_TYPE", '{"conn_type": "http", "host": "h", "password": "pass-w0rd"}'
    )
    monkeypatch.setenv("AIRFLOW_CONN_NO_CONFIG", '{"conn_type": "apprise"}')
    unknown = '{"conn_type": "apprise", "extra": {"config": {"path": "slak://S3cret-token/x"}}}'
    monkeypatch.setenv("AIRFLOW_CONN_UNKNOWN", unknown)
    receiver.status = 500
    conn_ids = ["security", "wrong_type", "no_config", "unknown", "not_there"]
    done = fail("report", params=form_values(alert_conn_ids=conn_ids), exception=ValueError("x"))
    errors = {one["target"]: one["error"] for one in done if one["status"] == "failed"}
    assert "500" in errors["security"]
    assert "type 'http'" in errors["wrong_type"]
    assert "field config is empty" in errors["no_config"]
    assert "accepts none of the URLs" in errors["unknown"]
    assert "not_there" in errors["not_there"]
    for secret in ("T0Ken-of-the-channel", "S3cret-token", "pass-w0rd"):
        assert secret not in json.dumps(done)
        assert secret not in caplog.text


def test_no_secret_of_a_reason_is_sent_or_recorded(receiver, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SECURITY", receiver.connection())
    secrets = (
        "AKIAIOSFODNN7EXAMPLE",
        "dapi0123456789abcdef0123",
        "hunter2",
        "eyJhbGciOi.eyJzdWIiOiIx.c2ln",
        "p4ss",
    )
    reason = (
        f"Connection as {secrets[0]} failed: token='{secrets[1]}', password: {secrets[2]}; "
        f"Authorization: Bearer {secrets[3]}; "
        f"see https://me:{secrets[4]}@example.com/x?X-Amz-Signature={'ab' * 32}"
    )
    (done,) = fail("report", params=form_values(alert_conn_ids=["security"]), exception=ValueError(reason))
    (posted,) = receiver.messages
    for secret in (*secrets, "ab" * 32):
        assert secret not in posted["message"]
        assert secret not in json.dumps(done)
    assert "https://…@example.com/x" in posted["message"]


def test_an_event_that_was_not_asked_for_is_not_told(receiver):
    params = form_values(alert_conn_ids=["security"], alert_events=["insight"])
    assert fail("report", params=params, exception=ValueError("x")) == []
    assert receiver.messages == []
