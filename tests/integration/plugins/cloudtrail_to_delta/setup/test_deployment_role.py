"""A set-up and its removal, by identities that may do what docs/permissions.md says and nothing else."""

import json

import pytest

from cloudtrail_to_delta.setup.deployment_role import setup_policy
from cloudtrail_to_delta.setup.refusals import SetupRefusedError
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import BUCKET, LOGS, PRODUCTION, SETUP_ROLE

EVERYTHING = {
    "kms_key": "new",
    "sns_topic": "cloudtrail-files",
    "insights": ["ApiCallRateInsight"],
    "expire_days": 400,
    "deployment_role_arn": f"arn:aws:iam::{LOGS}:role/databricks",
}
IDENTITY = f"arn:aws:iam::{LOGS}:role/{SETUP_ROLE}"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture
def deployment(world):
    """The role of the deployment, which is there before the set-up."""
    world.owner("iam").create_role(RoleName="databricks", AssumeRolePolicyDocument=TRUST)


@pytest.mark.parametrize("with_objects", [True, False])
def test_the_documented_policies_are_enough_to_set_up_and_to_remove_everything(
    world, deployment, with_objects
):
    request = world.request(**EVERYTHING)
    world.limit(request)
    world.apply(request)
    assert world.plan(request).writes == ()
    if with_objects:
        world.owner("s3").put_object(Bucket=BUCKET, Key="AWSLogs/file", Body=b"x")
    removal = world.request(**EVERYTHING, mode="remove")
    world.apply(removal)
    assert world.plan(removal).writes == ()
    judged = world.aws.judged(IDENTITY)
    assert {"s3:TagResource", "kms:TagResource", "iam:TagRole", "iam:PassRole"} <= judged


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("s3:PutBucketPolicy", "Allow s3:PutBucketPolicy"),
        ("iam:GetRole", "Allow iam:GetRole"),
        ("cloudtrail:CreateTrail", "Allow cloudtrail:CreateTrail"),
    ],
)
def test_a_right_that_is_missing_is_named(world, deployment, action, words):
    world.limit(world.request(**EVERYTHING), without=action)
    with pytest.raises(SetupRefusedError, match=words):
        world.apply(world.request(**EVERYTHING))


def test_without_a_key_and_a_topic_no_right_is_on_either(world):
    policy = json.dumps(setup_policy(world.request(), LOGS))
    assert "kms:" not in policy
    assert "cloudtrail-files" not in policy


def test_no_right_reaches_beyond_what_the_params_name(world):
    request = world.request(**EVERYTHING)
    allowed = {LOGS: {"*"}, PRODUCTION: {"*"}}
    for account in allowed:
        for statement in setup_policy(request, account)["Statement"]:
            reads = {"GetAccountAuthorizationDetails", "GetResources", "ListKeys", "CreateKey"}
            reads |= {"Unsubscribe", "TagResource"}
            if statement["Resource"] == ["*"]:
                assert {one.partition(":")[2] for one in statement["Action"]} <= reads
    assert "s3:" not in json.dumps(setup_policy(request, PRODUCTION))
