"""Removal takes away what carries the tag, and nothing else."""

import json

import pytest

from cloudtrail_to_delta.setup.deployment_role import named
from cloudtrail_to_delta.setup.refusals import permission_for
from cloudtrail_to_delta.setup.resources import TAG
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import BUCKET, LOGS, PRODUCTION, STAGING

EVERYTHING = {"kms_key": "new", "sns_topic": "cloudtrail-files"}
DEPLOYMENT = f"arn:aws:iam::{LOGS}:role/databricks"


def removal(world, **changed):
    return world.request(mode="remove", **changed)


def test_everything_that_was_made_is_gone_and_a_second_removal_plans_nothing(world):
    request = world.request(**EVERYTHING)
    world.apply(request)
    world.apply(removal(world, **EVERYTHING))
    assert set(world.state(request).values()) == {None}
    assert world.plan(removal(world, **EVERYTHING)).writes == ()


def test_a_bucket_with_objects_and_the_key_they_need_are_kept_without_the_tag(world):
    request = world.request(**EVERYTHING)
    world.apply(request)
    s3 = world.client("s3")
    s3.put_object(Bucket=BUCKET, Key=f"AWSLogs/{LOGS}/CloudTrail/file", Body=b"x")
    plan = world.plan(removal(world, **EVERYTHING))
    assert "it holds objects" in plan.render()
    world.apply(removal(world, **EVERYTHING), plan)
    left = {name: found for name, found in world.state(request).items() if found}
    assert {name: owner for name, (_, owner) in left.items()} == {
        f"key alias/cloudtrail-logs in {LOGS}": "",
        f"bucket {BUCKET}": "",
        "policy of key alias/cloudtrail-logs": "",
    }
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1


def test_a_bucket_that_holds_only_old_versions_is_not_empty_either(world):
    world.apply(world.request())
    s3 = world.client("s3")
    s3.put_object(Bucket=BUCKET, Key="AWSLogs/file", Body=b"x")
    s3.delete_object(Bucket=BUCKET, Key="AWSLogs/file")
    plan = world.plan(removal(world))
    (bucket,) = [change for change in plan.changes if change.resource == f"bucket {BUCKET}"]
    assert bucket.verb == "release"


def test_the_other_tags_of_a_released_bucket_stay(world):
    world.apply(world.request())
    s3 = world.client("s3")
    s3.put_object(Bucket=BUCKET, Key="AWSLogs/file", Body=b"x")
    tags = [{"Key": TAG, "Value": "cloudtrail"}, {"Key": "team", "Value": "security"}]
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": tags})
    world.apply(removal(world))
    assert s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"] == tags[1:]


def test_what_was_there_before_stays_and_loses_only_the_statements_that_no_trail_needs(world):
    s3, iam = world.client("s3"), world.client("iam")
    s3.create_bucket(Bucket=BUCKET)
    other = {
        "Sid": "Backup",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{STAGING}:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
    }
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [other]}))
    iam.create_role(RoleName="databricks", AssumeRolePolicyDocument="{}")
    request = {"deployment_role_arn": DEPLOYMENT}
    world.apply(world.request(**request))
    assert iam.list_role_policies(RoleName="databricks")["PolicyNames"] == ["cloudtrail-setup-cloudtrail"]
    client = world.client("cloudtrail", PRODUCTION)
    arn = client.get_trail(Name="cloudtrail")["Trail"]["TrailARN"]
    client.remove_tags(ResourceId=arn, TagsList=[{"Key": TAG, "Value": "cloudtrail"}])

    world.apply(removal(world, **request))

    first, *kept = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert first == other
    assert [one["Action"] for one in kept] == ["s3:GetBucketAcl", "s3:PutObject"]
    # The adopted trail still delivers: UpdateTrail checks the bucket's policy.
    assert {one["Condition"]["StringEquals"]["aws:SourceArn"] for one in kept} == {arn}
    client.update_trail(Name=arn, S3BucketName=BUCKET)
    assert iam.list_role_policies(RoleName="databricks")["PolicyNames"] == []
    assert [trail["TrailARN"] for trail in client.describe_trails()["trailList"]] == [arn]
    assert world.client("cloudtrail", STAGING).describe_trails()["trailList"] == []
    assert world.plan(removal(world, **request)).writes == ()


OTHER = {
    "bucket": "other-logs",
    "reader_role": "other-reader",
    "trail": "other-trail",
    "trail_accounts": [LOGS],
}


def everything_tagged(world):
    """Service and name of what carries the tag, asked of each service, in the accounts of the tests."""
    found = set()
    for account in (LOGS, PRODUCTION, STAGING):
        client = world.client("cloudtrail", account)
        for trail in client.describe_trails()["trailList"]:
            (tags,) = client.list_tags(ResourceIdList=[trail["TrailARN"]])["ResourceTagList"]
            found |= {("trail", trail["Name"], account) for one in tags["TagsList"] if one["Key"] == TAG}
        for role in world.client("iam", account).list_roles()["Roles"]:
            tags = world.client("iam", account).list_role_tags(RoleName=role["RoleName"])["Tags"]
            found |= {("role", role["RoleName"], account) for one in tags if one["Key"] == TAG}
    s3 = world.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        try:
            tags = s3.get_bucket_tagging(Bucket=bucket["Name"])["TagSet"]
        except s3.exceptions.ClientError:
            continue
        found |= {("bucket", bucket["Name"], LOGS) for one in tags if one["Key"] == TAG}
    return found


def test_a_removal_with_other_params_finds_by_its_tag_what_the_set_up_made(world):
    iam = world.client("iam")
    iam.create_role(RoleName="databricks", AssumeRolePolicyDocument="{}")
    world.apply(world.request(**EVERYTHING, deployment_role_arn=DEPLOYMENT))
    assert len(everything_tagged(world)) == 5
    plan = world.plan(removal(world, **OTHER))
    assert {change.resource for change in plan.writes} == {
        f"bucket {BUCKET}",
        f"policy of bucket {BUCKET}",
        f"key alias/cloudtrail-logs in {LOGS}",
        "policy of key alias/cloudtrail-logs",
        f"topic cloudtrail-files in {LOGS}",
        "policy of topic cloudtrail-files",
        f"role cloudtrail-reader in {LOGS}",
        f"policy of role cloudtrail-reader in {LOGS}",
        f"instance profile cloudtrail-reader in {LOGS}",
        f"policy of role databricks in {LOGS}",
        f"trail cloudtrail in {LOGS}",
        f"trail cloudtrail in {PRODUCTION}",
        f"trail cloudtrail in {STAGING}",
    }
    by_tag = "found by its tag: the params do not mention it"
    assert {change.resource for change in plan.writes if not change.note.endswith(by_tag)} == set()
    world.apply(removal(world, **OTHER), plan)
    assert everything_tagged(world) == set()
    assert iam.list_role_policies(RoleName="databricks")["PolicyNames"] == []
    assert world.plan(removal(world, **OTHER)).writes == ()


def test_a_removal_keeps_what_a_trail_in_an_account_needs_that_it_cannot_ask(world):
    world.apply(world.request(**EVERYTHING))
    without = {"accounts": {LOGS: "aws_default", PRODUCTION: "aws_default"}, "bucket_account": LOGS}
    plan = world.plan(removal(world, **EVERYTHING, **without))
    kept = {change.resource for change in plan.writes if "CloudTrail still delivers" in change.note}
    assert kept == {
        f"bucket {BUCKET}",
        f"key alias/cloudtrail-logs in {LOGS}",
        f"topic cloudtrail-files in {LOGS}",
    }
    world.apply(removal(world, **EVERYTHING, **without), plan)
    trail = f"arn:aws:cloudtrail:us-east-1:{STAGING}:trail/cloudtrail"
    world.client("cloudtrail", STAGING).update_trail(Name=trail, S3BucketName=BUCKET)
    assert everything_tagged(world) == {("trail", "cloudtrail", STAGING)}


def test_a_removal_of_one_action_leaves_what_the_others_made(world):
    world.apply(world.request())
    world.apply(removal(world, **OTHER, actions=["role"]))
    assert {kind for kind, _, _ in everything_tagged(world)} == {"bucket", "trail"}


def test_a_set_up_of_another_name_is_left_alone(world):
    world.apply(world.request(name="other", **OTHER))
    before = everything_tagged(world)
    assert world.plan(removal(world)).writes == ()
    world.apply(removal(world))
    assert everything_tagged(world) == before != set()


def test_a_key_that_another_bucket_of_ours_needs_is_kept(world):
    world.apply(world.request(**EVERYTHING))
    world.client("s3").put_object(Bucket=BUCKET, Key="AWSLogs/file", Body=b"x")
    plan = world.plan(removal(world, **OTHER))
    verbs = {change.resource: (change.verb, change.note) for change in plan.changes}
    verb, note = verbs[f"key alias/cloudtrail-logs in {LOGS}"]
    assert verb == "release"
    assert f"it is needed to read the log files in bucket {BUCKET}" in note
    assert verbs[f"bucket {BUCKET}"][0] == "release"
    world.apply(removal(world, **OTHER), plan)
    assert BUCKET not in str(everything_tagged(world))
    with pytest.raises(world.client("s3").exceptions.ClientError, match="NoSuchBucketPolicy"):
        world.client("s3").get_bucket_policy(Bucket=BUCKET)


def test_the_documented_permissions_are_those_that_the_calls_need(world):
    options = EVERYTHING | {"deployment_role_arn": DEPLOYMENT, "expire_days": 30, "versioning": True}
    options["insights"] = ["ApiCallRateInsight"]
    request = world.request(**options)
    iam = world.client("iam")
    iam.create_role(RoleName="databricks", AssumeRolePolicyDocument="{}")
    calls = world.clouds(request).calls
    calls.clear()
    world.apply(request)
    s3 = world.client("s3")
    s3.put_object(Bucket=BUCKET, Key="AWSLogs/file", Body=b"x")
    world.apply(removal(world, **options))
    made = {permission_for(*call.split(":")) for call in calls} - {"s3:PutObject"}
    # Source: AWS STS API, GetCallerIdentity: no permissions are required.
    made -= {"sts:GetCallerIdentity"}
    rarely = {
        # Only where something is changed, not made, or where the bucket is empty.
        *("cloudtrail:UpdateTrail", "iam:UpdateAssumeRolePolicy", "kms:DeleteAlias"),
        *("kms:ScheduleKeyDeletion", "s3:DeleteBucket", "sns:UntagResource"),
        # Only with params or a bucket of test_companies.py.
        *("s3:GetBucketObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration", "s3:UntagResource"),
        *("iam:PutRolePermissionsBoundary", "organizations:DescribeOrganization"),
        *("organizations:ListAWSServiceAccessForOrganization", "organizations:ListDelegatedAdministrators"),
    }
    assert made - named() == set()
    assert named() - made == rarely
