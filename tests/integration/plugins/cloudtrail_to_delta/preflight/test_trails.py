"""The trails that deliver into the log bucket, at their last attempt."""

import json

import pytest

from cloudtrail_to_delta.preflight.trails import check_trails
from sandbox.aws.seed import LOGS_BUCKET
from tests.unit.plugins.cloudtrail_to_delta.setup.memory_aws import statement_of_others

ARN = "arn:aws:cloudtrail:us-east-1:123456789012:trail/cloudtrail"


@pytest.fixture
def trail(aws):
    """CloudTrail with a trail that delivers into the log bucket, and S3."""
    aws.reset()
    s3, cloudtrail = aws.client("s3"), aws.client("cloudtrail")
    s3.put_bucket_policy(Bucket=LOGS_BUCKET, Policy=statement_of_others(LOGS_BUCKET, ARN, "o-a1b2c3d4e5"))
    cloudtrail.create_trail(Name="cloudtrail", S3BucketName=LOGS_BUCKET)
    cloudtrail.start_logging(Name=ARN)
    return cloudtrail, s3


def found(cloudtrail):
    (finding,) = check_trails(cloudtrail, {LOGS_BUCKET})
    return finding


def test_a_delivery_that_is_refused_and_a_trail_that_is_stopped_are_warnings(trail):
    cloudtrail, s3 = trail
    assert found(cloudtrail).status == "ok"
    s3.put_bucket_policy(Bucket=LOGS_BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": []}))
    warning = found(cloudtrail)
    assert (warning.subject, warning.status) == (ARN, "warning")
    assert warning.detail == "its latest delivery of a log file failed: AccessDenied"
    cloudtrail.stop_logging(Name="cloudtrail")
    assert "logging is stopped" in found(cloudtrail).detail


def test_trails_elsewhere_are_no_pass(trail):
    (finding,) = check_trails(trail[0], {"another-bucket"})
    assert (finding.status, finding.subject) == ("skipped", "trails to another-bucket")
