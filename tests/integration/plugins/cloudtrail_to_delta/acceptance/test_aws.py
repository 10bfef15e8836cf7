"""The probe of an AWS account: it only reads, its answers identify nobody, and they can be replayed."""

import json
import re

import pytest

from cloudtrail_to_delta.acceptance.aws import probe_aws
from cloudtrail_to_delta.preflight.trails import check_trails
from sandbox.aws.replay import replayed
from sandbox.aws.seed import LOGS_BUCKET
from tests.unit.plugins.cloudtrail_to_delta.setup.memory_aws import statement_of_others

TRAIL = "arn:aws:cloudtrail:us-east-1:123456789012:trail/payments-trail"


@pytest.fixture(scope="module")
def probed(aws):
    """The probe's answers, what it asked, and what must be in none of them."""
    seeded = aws.reset()
    key = aws.client("kms").create_key(Description="of the payments team")["KeyMetadata"]["Arn"]
    policy = aws.client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    allow = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "kms:*"}
    grant = {**json.loads(policy), "Statement": [*json.loads(policy)["Statement"], allow | {"Resource": "*"}]}
    aws.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(grant))
    s3 = aws.client("s3")
    s3.put_bucket_policy(Bucket=LOGS_BUCKET, Policy=statement_of_others(LOGS_BUCKET, TRAIL, "o-a1b2c3d4e5"))
    aws.client("cloudtrail").create_trail(Name="payments-trail", S3BucketName=LOGS_BUCKET, KmsKeyId=key)
    aws.forget_requests()
    found = probe_aws(aws.client, bucket=LOGS_BUCKET, role=seeded.reader_role_arn)
    secrets = {"123456789012", LOGS_BUCKET, "cloudtrail-reader", "payments", key.rpartition("/")[2]}
    return found, {one["action"] for one in aws.requests()}, secrets | {"o-a1b2c3d4e5"}


def test_it_only_reads(probed):
    _, actions, _ = probed
    assert all(re.match("Get|Head|List|Describe|Simulate", action) for action in actions), actions
    assert {"HeadBucket", "GetEventSelectors", "GetTrailStatus", "GetKeyPolicy"} <= actions
    assert "SimulatePrincipalPolicy" in actions


def test_the_answers_identify_nobody_and_keep_what_a_stand_in_needs(probed):
    found, _, secrets = probed
    text = json.dumps(found)
    assert [secret for secret in secrets if secret in text] == []
    head, missing = found[:2]
    assert (head["status"], head["answer"]["BucketRegion"]) == (200, "us-east-1")
    assert (missing["status"], missing["error"]["Code"]) == (404, "404")
    simulated = [one for one in found if one["call"] == "iam:SimulatePrincipalPolicy"]
    decisions = simulated[0]["answer"]["EvaluationResults"]
    assert {one["EvalActionName"]: one["EvalDecision"] for one in decisions} == {
        "s3:GetObject": "allowed",
        "s3:PutObject": "implicitDeny",
    }
    assert simulated[-1]["error"]["Code"] == "NoSuchEntity"
    (policy,) = [json.loads(one["answer"]["Policy"]) for one in found if one["call"] == "s3:GetBucketPolicy"]
    assert policy["Statement"][1]["Action"] == "s3:PutObject"
    # The same name is the same substitute everywhere.
    (trail,) = [one["answer"]["trailList"][0] for one in found if one["call"] == "cloudtrail:DescribeTrails"]
    assert trail["TrailARN"] == policy["Statement"][0]["Condition"]["StringEquals"]["aws:SourceArn"]
    assert trail["S3BucketName"] == head["parameters"]["Bucket"]


def test_the_product_reads_the_replayed_answers(probed, tmp_path):
    found, _, _ = probed
    (tmp_path / "aws.json").write_text(json.dumps(found))
    bucket = found[0]["parameters"]["Bucket"]
    (finding,) = check_trails(replayed(tmp_path / "aws.json", "cloudtrail"), {bucket})
    assert finding.detail == "it does not record: logging is stopped"
    s3 = replayed(tmp_path / "aws.json", "s3")
    with pytest.raises(s3.exceptions.ClientError, match="404"):
        s3.head_object(**found[1]["parameters"])
    with pytest.raises(LookupError, match="has no answer to s3:HeadBucket"):
        s3.head_bucket(Bucket="another")
