"""Each call of a service fails once, in each way: the task continues, or fails in words and a retry ends it.

Nothing is submitted twice. The set-up's writes fail once each in setup/test_interrupted.py and, those in
Databricks, in setup/databricks/test_interrupted.py.
"""

import uuid

import pytest
from airflow.providers.databricks.exceptions import DatabricksApiError
from airflow.sdk.exceptions import TaskDeferred

from cloudtrail_to_delta.alerts.compose import Message
from cloudtrail_to_delta.alerts.targets import deliver
from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.operators.stage import StageWheelOperator
from cloudtrail_to_delta.operators.submit import SubmitIngestOperator
from cloudtrail_to_delta.operators.wait import WaitForIngestRunOperator
from cloudtrail_to_delta.runs.wheel import FOLDER_VARIABLE
from cloudtrail_to_delta.sensors.delta_log import DeltaLogSensor
from tests.integration.plugins.cloudtrail_to_delta.conftest import (
    NOTHING_SKIPPED,
    SUCCEEDS,
    WAITS,
    finished,
    form_values,
    request_dicts,
    submit,
    task_context,
)

CALLS = {
    "submit": ("POST", "/api/2.2/jobs/runs/submit"),
    "list": ("GET", "/api/2.2/jobs/runs/list"),
    "get": ("GET", "/api/2.2/jobs/runs/get"),
}
DATABRICKS = {
    "429": {"action": "respond", "status": 429},
    "503": {"action": "respond", "status": 503},
    "a time-out": {"action": "respond", "status": 504},
    "no answer": {"action": "disconnect"},
    "a lost answer": {"action": "lose_answer"},
}
AWS = {
    "429": {"code": "SlowDown", "status": 503},
    "503": {"code": "ServiceUnavailable", "status": 503},
    "no answer": {"cut": "request"},
    "a lost answer": {"cut": "answer"},
}
EXPIRED = {"code": "ExpiredToken", "status": 400}
RENEW = "credentials of AWS connection 'aws_default': renew or correct them, then clear this task"


@pytest.fixture
def fail(databricks):
    """Lets the next call of Databricks fail."""

    def fail_once(call, fault):
        method, path = CALLS[call]
        asked = DATABRICKS[fault] | {"method": method, "path": path}
        assert databricks.call("POST", "/sandbox/faults", json=asked).ok

    yield fail_once
    assert databricks.call("DELETE", "/sandbox/faults").ok


@pytest.fixture
def clear(aws):
    """No fault outlives its test."""
    yield
    aws.clear_faults()


@pytest.mark.parametrize("fault", DATABRICKS)
@pytest.mark.parametrize("call", CALLS)
def test_a_call_of_the_jobs_api_that_fails_submits_one_run(stage, connections, fail, call, fault):
    dag_run = f"{call} {fault} {uuid.uuid4()}"
    operator = SubmitIngestOperator(
        task_id="submit",
        kind="events",
        requests=request_dicts(form_values()),
        preflight=NOTHING_SKIPPED,
        wheel=stage(WAITS),
        databricks_conn_id="databricks_default",
        databricks_retry_delay=0.01,
    )
    fail(call, fault)
    run_id = operator.execute(task_context(params=form_values(), run_id=dag_run))
    mine = [run["run_id"] for run in IngestHook().active_ingest_runs() if dag_run in run["run_name"]]
    assert mine == [run_id]
    IngestHook().cancel_run(run_id)
    finished(run_id)


def test_a_run_whose_state_cannot_be_read_once_is_waited_for(stage, connections, fail):
    run_id = finished(submit(stage(SUCCEEDS), f"waited for {uuid.uuid4()}")[0])
    operator = WaitForIngestRunOperator(
        task_id="wait_for_run",
        run_id=run_id,
        databricks_conn_id="databricks_default",
        stream_trigger="available_now",
    )
    for fault in ("503", "a lost answer"):
        fail("get", fault)
        operator.execute(task_context(params=form_values()))


def test_credentials_that_databricks_refuses_are_named(stage, connections, databricks, monkeypatch):
    monkeypatch.setenv(
        "AIRFLOW_CONN_EXPIRED",
        f'{{"conn_type": "databricks", "schema": "http", "host": "{databricks.host}", '
        f'"port": {databricks.port}, "password": "dapi-expired"}}',
    )
    with pytest.raises(DatabricksApiError, match="credentials of connection 'expired': renew or correct"):
        IngestHook("expired").find_run(1)


@pytest.fixture
def staged(connections, clear, monkeypatch, tmp_path):
    """Stages a wheel that is not there yet; returns its path and its content."""
    monkeypatch.setenv(f"AIRFLOW_VAR_{FOLDER_VARIABLE.upper()}", str(tmp_path))
    content = uuid.uuid4().bytes
    (tmp_path / "cloudtrail_jobs-1-py3-none-any.whl").write_bytes(content)
    params = form_values() | {"preflight_only": False}
    operator = StageWheelOperator(
        task_id="stage_code", requests=request_dicts(params), aws_conn_id="aws_default"
    )
    return lambda: (operator.execute(task_context(params=params)), content)


def content_of(aws, path):
    bucket, _, key = path.removeprefix("s3://").partition("/")
    return aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


@pytest.mark.parametrize("fault", AWS)
def test_a_wheel_whose_upload_fails_once_is_there(aws, staged, fault):
    aws.fault(service="s3", action="PutObject", times=1, **AWS[fault])
    path, content = staged()
    assert content_of(aws, path) == content


def test_an_upload_with_expired_credentials_names_the_connection_and_a_retry_uploads(aws, staged):
    aws.fault(service="s3", action="PutObject", times=1, **EXPIRED)
    with pytest.raises(CloudTrailError, match=RENEW):
        staged()
    path, content = staged()
    assert content_of(aws, path) == content


@pytest.fixture
def watched(stage, connections, clear):
    """A sensor of a table without a commit, whose run has succeeded."""
    run_id = finished(submit(stage(SUCCEEDS), f"watched {uuid.uuid4()}")[0])
    params = form_values(events_table=f"nothing_{uuid.uuid4().hex}")
    return lambda: DeltaLogSensor(
        task_id="wait_for_delta_log",
        kind="events",
        requests=request_dicts(params),
        run_id=run_id,
        aws_conn_id="aws_default",
        databricks_conn_id="databricks_default",
        timeout_minutes=1,
    ).execute(task_context(params=params))


def test_a_log_that_cannot_be_listed_once_is_looked_at_again(aws, watched):
    for fault in AWS.values():
        aws.fault(service="s3", action="ListObjectsV2", times=1, **fault)
        with pytest.raises(TaskDeferred):
            watched()
    # Only this one needs a person.
    aws.fault(service="s3", action="ListObjectsV2", times=1, **EXPIRED)
    with pytest.raises(CloudTrailError, match=RENEW):
        watched()


@pytest.fixture
def topic(aws, connections, clear):
    """A topic, and what it has delivered."""
    sns, sqs = aws.client("sns"), aws.client("sqs")
    arn = sns.create_topic(Name=f"faults-{uuid.uuid4()}")["TopicArn"]
    queue = sqs.create_queue(QueueName=f"faults-{uuid.uuid4()}")["QueueUrl"]
    about = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=about["QueueArn"])
    return arn, lambda: len(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []))


@pytest.mark.parametrize("fault", AWS)
def test_an_alert_whose_topic_fails_once_arrives(aws, topic, fault):
    arn, delivered = topic
    aws.fault(service="sns", action="Publish", times=1, **AWS[fault])
    (delivery,) = deliver(Message(title="t", body="b"), {"alert_topic_arn": arn})
    assert delivery.ok
    # Nobody knows whether a message without an answer has arrived. Twice is better than not at all.
    assert delivered() == (2 if fault == "a lost answer" else 1)


def test_an_alert_with_expired_credentials_is_a_delivery_that_failed(aws, topic):
    arn, delivered = topic
    aws.fault(service="sns", action="Publish", times=1, **EXPIRED)
    (delivery,) = deliver(Message(title="t", body="b"), {"alert_topic_arn": arn})
    assert "ExpiredToken" in delivery.error
    assert delivered() == 0
