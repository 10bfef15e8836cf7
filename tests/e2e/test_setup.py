"""The set-up by the real scheduler: from nothing by one approval, and what later runs make of it."""

import boto3
import pytest

from sandbox import setup
from sandbox.sample_logs.spec import ACCOUNTS

ROLE = f"arn:aws:iam::123456789012:role/{setup.READER}"


@pytest.fixture(scope="module")
def first_run(sandbox):
    """From nothing, by one approval."""
    return setup.run(sandbox.airflow)


def states(sandbox, run):
    return {task["task_id"]: task["state"] for task in sandbox.airflow.task_instances(run)}


def test_a_person_was_shown_every_setting_and_approved_once(sandbox, first_run):
    question = sandbox.airflow.question(first_run, setup.APPROVAL)
    assert question["chosen_options"] == [setup.APPROVE]
    assert "```diff" in question["body"]
    for account in ACCOUNTS:
        assert f"trail: trail cloudtrail in {account} will be made" in question["body"]
    assert '+          "aws:SourceArn": [' in question["body"]
    assert "The plan was approved by" in sandbox.airflow.xcom(first_run, "report")["summary"]


def test_each_account_has_a_trail_that_delivers_into_the_bucket_of_the_ingest(sandbox, first_run):
    assert states(sandbox, first_run)["verify"] == "success"
    sts = sandbox.aws.client("sts")
    for account in ACCOUNTS:
        role = f"arn:aws:iam::{account}:role/{setup.ROLE}"
        key = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        cloudtrail = boto3.client(
            "cloudtrail",
            endpoint_url=sandbox.aws.endpoint,
            region_name="us-east-1",
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )
        trails = cloudtrail.describe_trails()["trailList"]
        assert [trail["S3BucketName"] for trail in trails] == [setup.BUCKET]


def test_the_report_has_the_params_that_the_ingest_takes(sandbox, first_run):
    params = sandbox.airflow.xcom(first_run, "report")["ingest_params"]
    assert params["reader_role_arn"] == ROLE
    assert params["bucket"] == setup.BUCKET


def test_a_second_run_plans_nothing_and_asks_nobody(sandbox, first_run):
    run = setup.run(sandbox.airflow)
    found = states(sandbox, run)
    assert found["approve"] == "success"
    assert {state for task, state in found.items() if task.startswith(("apply.", "remove."))} == {"skipped"}
    assert "Nothing to do" in sandbox.airflow.xcom(run, "report")["summary"]
    assert "nobody: there is nothing to do" in sandbox.airflow.xcom(run, "report")["summary"]


def test_a_rejected_plan_changes_nothing(sandbox, first_run):
    run = sandbox.airflow.trigger(setup.DAG, setup.params() | {"expire_days": 30})
    sandbox.airflow.wait_for_task(run, setup.APPROVAL, "awaiting_input")
    sandbox.airflow.respond(run, setup.APPROVAL, "Reject")
    assert sandbox.airflow.wait(run) == "success"
    found = states(sandbox, run)
    assert {state for task, state in found.items() if task.startswith(("apply.", "remove."))} == {"skipped"}
    assert "rejected, nothing was changed, by" in sandbox.airflow.xcom(run, "report")["summary"]
    s3 = sandbox.aws.client("s3")
    with pytest.raises(Exception, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=setup.BUCKET)
