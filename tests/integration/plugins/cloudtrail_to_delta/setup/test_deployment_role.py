"""A set-up and its removal, by identities that may do what docs/permissions.md says and nothing else."""

import json
import re
from functools import partial

import pytest

from cloudtrail_to_delta.params.setup import ACTIONS
from cloudtrail_to_delta.setup.aws.roles import NOBODY
from cloudtrail_to_delta.setup.deployment_role import setup_policy
from cloudtrail_to_delta.setup.refusals import SetupRefusedError
from cloudtrail_to_delta.setup.resources import TAG
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import BUCKET, LOGS, PRODUCTION

EVERYTHING = {
    "accounts": {LOGS: "aws_default", PRODUCTION: "aws_default"},
    "kms_key": "new",
    "sns_topic": "cloudtrail-files",
    "insights": ["ApiCallRateInsight"],
    "expire_days": 400,
    "deployment_role_arn": f"arn:aws:iam::{LOGS}:role/databricks",
}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture
def deployment(world):
    """The role of the deployment, which is there before the set-up."""
    world.owner("iam").create_role(RoleName="databricks", AssumeRolePolicyDocument=TRUST)


# The documented actions that these runs do not need, and the tests in which they are needed.
ELSEWHERE = {
    "setup/databricks/test_auto_ingest.py": {
        *("s3:GetBucketNotification", "s3:PutBucketNotification", "sns:ListSubscriptionsByTopic"),
        *("sns:Unsubscribe", "sqs:DeleteQueue", "sqs:GetQueueUrl"),
    },
    "setup/databricks/test_verify_access.py": {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"},
    "setup/test_companies.py": {"s3:UntagResource"},
    # The connection's own user assumes the role, and the sandbox limits it in nothing.
    "e2e/test_setup.py": {"sts:AssumeRole"},
}


class Denials:
    """A set-up that starts without any permission, and gets each one when a refusal names it."""

    def __init__(self, world, request):
        self.world, self.request = world, request
        accounts = (LOGS, PRODUCTION)
        statements = [one for account in accounts for one in setup_policy(request, account)["Statement"]]
        self.documented = {action for one in statements for action in one["Action"]}
        self.allowed = set()
        world.limit(request, to=self.allowed.__contains__)

    def until_allowed(self, step):
        """Repeat a step, as a person clears its task, until nothing is refused any more."""
        while True:
            try:
                return step()
            except SetupRefusedError as error:
                refused = str(error)
            (action,) = re.findall(r" Allow (\S+) on it ", refused)
            assert action in self.documented - self.allowed, refused
            self.allowed.add(action)
            self.world.limit(self.request, to=self.allowed.__contains__)

    def apply(self, request):
        plan = self.until_allowed(lambda: self.world.plan(request))
        for action in ACTIONS if plan.mode == "apply" else reversed(ACTIONS):
            self.until_allowed(partial(self.world.apply_action, request, plan, action))
        return plan


def test_the_set_up_fails_without_any_one_of_the_documented_permissions_and_names_it(world, deployment):
    # Each action is allowed only after a refusal has stopped the run and named it: without that action, the
    # run fails. In the end the documented permissions are enough, and none is left that no call needs.
    request = world.request(**EVERYTHING)
    assert set(request.trail_accounts) == {LOGS, PRODUCTION}
    limited = Denials(world, request)
    limited.apply(request)
    assert world.plan(request).writes == ()

    # Somebody changes existing resources.
    owner = world.owner("iam")
    owner.update_assume_role_policy(RoleName="cloudtrail-reader", PolicyDocument=json.dumps(NOBODY))
    for account in request.trail_accounts:
        world.owner("cloudtrail", account).update_trail(Name="cloudtrail", IsMultiRegionTrail=False)
    assert {one.verb for one in limited.apply(request).writes} == {"change"}

    # A removal that has to keep the bucket, its key and its topic, and one that does not.
    s3, kms, sns = world.owner("s3"), world.owner("kms"), world.owner("sns")
    trails = world.owner("cloudtrail", PRODUCTION)
    arn = trails.get_trail(Name="cloudtrail")["Trail"]["TrailARN"]
    tags = [{"Key": TAG, "Value": request.name}]
    trails.remove_tags(ResourceId=arn, TagsList=tags)
    version = s3.put_object(Bucket=BUCKET, Key="AWSLogs/file", Body=b"x")["VersionId"]
    removal = world.request(**EVERYTHING, mode="remove")
    limited.apply(removal)
    s3.delete_object(Bucket=BUCKET, Key="AWSLogs/file", VersionId=version)
    trails.add_tags(ResourceId=arn, TagsList=tags)
    sns.tag_resource(ResourceArn=request.topic_arn, Tags=tags)
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": tags})
    key = kms.describe_key(KeyId="alias/cloudtrail-logs")["KeyMetadata"]["KeyId"]
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": TAG, "TagValue": request.name}])
    limited.apply(removal)
    assert world.plan(removal).writes == ()
    assert set(world.state(request).values()) == {None}
    assert limited.documented - limited.allowed == set().union(*ELSEWHERE.values())


def test_a_key_whose_policy_hides_its_tags_is_not_the_set_ups(world, deployment):
    policy = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{LOGS}:role/databricks"}}
    hidden = {"Version": "2012-10-17", "Statement": [policy | {"Action": "kms:*", "Resource": "*"}]}
    world.owner("kms").create_key(Policy=json.dumps(hidden), BypassPolicyLockoutSafetyCheck=True)
    request = world.request(**EVERYTHING)
    world.limit(request)
    world.apply(request)
    assert world.plan(request).writes == ()


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
            reads |= {"Unsubscribe", "TagResource", "DescribeTrails"}
            if statement["Resource"] == ["*"]:
                assert {one.partition(":")[2] for one in statement["Action"]} <= reads
    assert "s3:" not in json.dumps(setup_policy(request, PRODUCTION))
