"""Discovery by notifications, and the role that starts clusters, over HTTP."""

import json

import pytest

from cloudtrail_to_delta.iam.notifications import notification_access
from cloudtrail_to_delta.iam.reader import reader_policy
from cloudtrail_to_delta.params.request import resolve_requests
from sandbox.aws.seed import ACCOUNT, LOGS_BUCKET
from tests.integration.plugins.cloudtrail_to_delta.preflight.test_encryption import of

ASKED = {"kinds": ["events"], "discovery": "notifications"}
DEPLOYMENT = f"arn:aws:iam::{ACCOUNT}:role/databricks-deployment"


@pytest.fixture
def notified(account):
    """The reader role may do what notifications take; its account."""
    needed = notification_access(resolve_requests(account.params(**ASKED)), account=ACCOUNT)
    account.iam.put_role_policy(
        RoleName=account.seeded.reader_role_arn.rpartition("/")[2],
        PolicyName="notifications",
        PolicyDocument=json.dumps(reader_policy(needed)),
    )
    return account


def filtered(prefix):
    rule = {"Name": "prefix", "Value": prefix}
    return {"Filter": {"Key": {"FilterRules": [rule]}}} if prefix else {}


def notify(account, *prefixes, name="others"):
    """Notifications of new objects below these prefixes, to queues."""
    sqs = account.aws.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    account.s3.put_bucket_notification_configuration(
        Bucket=LOGS_BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "Id": f"n{number}",
                    "QueueArn": arn,
                    "Events": ["s3:ObjectCreated:*"],
                    **filtered(prefix),
                }
                for number, prefix in enumerate(prefixes)
            ]
        },
    )


def test_what_notifications_take_is_asked_for_only_when_they_are_chosen(account):
    assert not [s for s in of(account.preflight(), "iam_simulation") if s.startswith(("sns:", "sqs:"))]
    (lacking,) = account.preflight(**ASKED).failed
    for action in ("s3:PutBucketNotification", "sns:CreateTopic", "sqs:CreateQueue", "sqs:ListQueues"):
        assert f'"{action}"' in lacking.remedy


def test_with_the_guides_policy_and_no_other_notification_it_passes(notified):
    notify(notified, "reports/", "AWSLogs/999999999999/")
    report = notified.preflight(**ASKED)
    assert not report.failed, report.render()
    assert of(report, "notifications")[LOGS_BUCKET].detail == "2 of 100 notifications in use, none overlaps"


@pytest.mark.parametrize("prefix", ["", "AWSLogs/", "AWSLogs/111122223333/CloudTrail/us-east-1/"])
def test_a_notification_that_overlaps_fails_and_is_named(notified, prefix):
    notify(notified, prefix)
    (finding,) = notified.preflight(**ASKED).failed
    assert (finding.check, finding.subject) == ("notifications", LOGS_BUCKET)
    assert "queue" in finding.detail or "others" in finding.detail
    assert "overlaps" in finding.detail


def test_auto_loaders_own_notification_is_no_obstacle(notified):
    notify(notified, "AWSLogs/111122223333/CloudTrail/", name="databricks-auto-ingest-1")
    assert not notified.preflight(**ASKED).failed


def test_the_notification_of_another_stream_above_or_below_is_in_the_way(notified):
    notify(notified, "AWSLogs/", name="databricks-auto-ingest-1")
    (finding,) = notified.preflight(**ASKED).failed
    assert "databricks-auto-ingest-1 covers 'AWSLogs/'" in finding.detail


def test_two_kinds_whose_notifications_would_overlap_fail(notified):
    notified.deliver("insights", account="444455556666")
    wide = f"s3://{LOGS_BUCKET}/AWSLogs/*/CloudTrail-Insight/*/*"
    report = notified.preflight(discovery="notifications", insights_logs_path=wide)
    finding = of(report, "notifications", "failed")[LOGS_BUCKET]
    assert "needs notifications for 'AWSLogs/' and 'AWSLogs/111122223333/CloudTrail/'" in finding.detail


def test_a_full_bucket_fails_with_the_limit(notified):
    notify(notified, *(f"reports/{number}/" for number in range(100)))
    (finding,) = notified.preflight(**ASKED).failed
    assert "has 100 notifications, and S3 allows 100 per bucket" in finding.detail


def test_the_deployment_role_has_to_pass_the_reader_role(account):
    name = DEPLOYMENT.rpartition("/")[2]
    account.iam.create_role(RoleName=name, AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[]}')
    reader = account.seeded.reader_role_arn
    (finding,) = account.preflight(deployment_role_arn=DEPLOYMENT).failed
    assert finding.subject == f"iam:PassRole on {reader}"
    assert DEPLOYMENT in finding.remedy
    statement = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": reader,
        "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    }
    account.iam.put_role_policy(
        RoleName=name,
        PolicyName="pass",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    assert not account.preflight(deployment_role_arn=DEPLOYMENT).failed
