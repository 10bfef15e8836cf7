"""What was there before the set-up: a role with a path, an old bucket, settings that nobody takes back."""

import json
from dataclasses import replace

import pytest

from cloudtrail_to_delta.operators.setup import ingest_params_of
from cloudtrail_to_delta.setup.allowed import ROLES_VARIABLE
from cloudtrail_to_delta.setup.aws.bucket import BucketInOtherRegionError
from cloudtrail_to_delta.setup.aws.roles import EC2_TRUST, NOBODY
from cloudtrail_to_delta.setup.build import reader_document
from cloudtrail_to_delta.setup.refusals import ImpossibleChangeError, SetupRefusedError
from cloudtrail_to_delta.setup.resources import TAG
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import BUCKET, LOGS, PRODUCTION

READER = "cloudtrail-reader"
DEPLOYMENT = f"arn:aws:iam::{LOGS}:role/databricks"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


@pytest.fixture
def with_path(world):
    """The reader role and its profile as somebody made them below a path; the role's ARN."""
    iam = world.client("iam")
    role = iam.create_role(RoleName=READER, Path="/data/", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    iam.create_instance_profile(InstanceProfileName=READER, Path="/profiles/")
    iam.add_role_to_instance_profile(InstanceProfileName=READER, RoleName=READER)
    return role["Arn"]


def test_an_adopted_role_with_a_path_is_named_by_its_own_arn_everywhere(world, with_path):
    world.client("iam").create_role(RoleName="databricks", AssumeRolePolicyDocument=json.dumps(TRUST))
    request = world.request(kms_key="new", deployment_role_arn=DEPLOYMENT)
    world.apply(request)
    policy = world.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"]
    kms = world.client("kms")
    key_id = kms.describe_key(KeyId="alias/cloudtrail-logs")["KeyMetadata"]["KeyId"]
    key = kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
    passed = world.client("iam").get_role_policy(
        RoleName="databricks", PolicyName="cloudtrail-setup-cloudtrail"
    )
    for document in (policy, key, json.dumps(passed["PolicyDocument"])):
        assert with_path in document
        assert f":role/{READER}" not in document
    assert world.plan(request).writes == ()
    found = request.located(world.clouds(request))
    params = ingest_params_of(found)
    assert params["reader_role_arn"] == with_path
    assert params["instance_profile_arn"] == f"arn:aws:iam::{LOGS}:instance-profile/profiles/{READER}"


def test_a_storage_credentials_role_with_a_path_assumes_itself_by_its_own_arn(world, with_path):
    request = world.request(reader="storage_credential", databricks_compute="none").located(
        world.clouds(world.request())
    )
    (own,) = [one for one in reader_document(request)["Statement"] if one["Sid"] == "AssumeSelf"]
    assert own["Resource"] == [with_path]


@pytest.mark.parametrize("reader", ["instance_profile", "storage_credential"])
def test_a_role_of_others_is_not_changed_unless_an_operator_lists_it(world, monkeypatch, reader):
    iam = world.owner("iam")
    for name in (READER, "databricks"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(NOBODY))
    request = world.request(
        reader=reader,
        databricks_compute="none",
        deployment_role_arn=DEPLOYMENT,
        actions=["role"],
        change_adopted=["role"],
    )
    monkeypatch.setenv(f"AIRFLOW_VAR_{ROLES_VARIABLE.upper()}", "arn:aws:iam::111122223333:role/another")
    before = iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    plan = world.plan(request)
    assert plan.writes == ()
    assert f"add arn:aws:iam::{LOGS}:role/{READER} to the Airflow Variable {ROLES_VARIABLE}" in plan.render()
    # A plan that somebody has edited, or one from before the list was shortened, changes nothing either.
    verbs = [replace(one, verb="create", after=one.left) if one.left else one for one in plan.changes]
    with pytest.raises(SetupRefusedError, match="was not changed: the role is not this set-up's"):
        world.apply(request, replace(plan, changes=tuple(verbs)))
    assert iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"] == before
    assert iam.list_instance_profiles()["InstanceProfiles"] == []


def test_a_new_role_that_iam_does_not_show_yet_is_not_an_error(world, aws):
    # An earlier try has created it; the next try does not see it.
    request = world.request(actions=["role"])
    plan = world.plan(request)
    (role,) = [change.after for change in plan.changes if change.resource == f"role {READER} in {LOGS}"]
    world.owner("iam").create_role(
        RoleName=READER,
        AssumeRolePolicyDocument=json.dumps(EC2_TRUST),
        Description=role["description"],
        Tags=[{"Key": TAG, "Value": request.name}],
    )
    reads = 3  # where its ARN is looked up, for the comparison with the plan, and before the write
    aws.fault(action="GetRole", code="NoSuchEntity", status=404, times=reads)
    world.apply_action(request, plan, "role")
    assert world.plan(request).writes == ()


def test_a_role_that_is_not_there_has_no_path(world):
    request = world.request()
    assert request.located(world.clouds(request)).reader_role_arn == f"arn:aws:iam::{LOGS}:role/{READER}"


def test_the_bucket_of_another_account_is_refused_with_a_name_that_is_free(world):
    world.owner("s3", PRODUCTION).create_bucket(Bucket=BUCKET)
    with pytest.raises(SetupRefusedError, match=f"choose another name, such as {BUCKET}-{LOGS}"):
        world.plan(world.request())
    s3 = world.owner("s3")
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.get_bucket_policy(Bucket=BUCKET, ExpectedBucketOwner=LOGS)


def test_an_old_irish_bucket_is_in_ireland(world):
    s3 = world.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "EU"})
    assert s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] == "EU"
    with pytest.raises(BucketInOtherRegionError, match="is in region eu-west-1, not in us-east-1"):
        world.plan(world.request())


def test_the_old_versions_of_a_bucket_that_keeps_them_expire_as_the_log_files_do(world):
    s3 = world.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    request = world.request(versioning=False, expire_days=400, change_adopted=["bucket"])
    plan = world.plan(request)
    assert "it keeps its versioning" in plan.render()
    world.apply(request, plan)
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert rule["Expiration"] == {"Days": 400}
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 400}


def test_an_adopted_bucket_with_a_bucket_key_is_shown_and_the_trail_can_encrypt(world):
    kms, s3 = world.client("kms"), world.client("s3")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=BUCKET)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    request = world.request(kms_key=key, trail_accounts=[LOGS])
    plan = world.plan(request)
    assert '"bucket_key": true' in plan.render()
    # The sandbox refuses a trail whose key policy has no kms:Decrypt.
    world.apply(request, plan)
    assert world.plan(request).writes == ()


def test_insights_on_data_events_of_an_adopted_trail_are_a_difference_that_stays(world):
    request = world.request(trail_accounts=[LOGS], insights=["ApiErrorRateInsight"])
    world.apply(request)
    client = world.client("cloudtrail")
    arn = client.get_trail(Name="cloudtrail")["Trail"]["TrailARN"]
    both = {"InsightType": "ApiErrorRateInsight", "EventCategories": ["Management", "Data"]}
    client.put_insight_selectors(TrailName=arn, InsightSelectors=[both])
    client.remove_tags(ResourceId=arn, TagsList=[{"Key": "cloudtrail-setup", "Value": "cloudtrail"}])
    plan = world.plan(request)
    assert plan.writes == ()
    assert [change.changed for change in plan.changes if change.action == "trail"] == [["insights"]]


def test_a_role_without_room_for_another_inline_policy_stops_the_plan(world):
    iam = world.client("iam")
    iam.create_role(RoleName=READER, AssumeRolePolicyDocument=json.dumps(TRUST))
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/" + "x" * 9_700}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=READER, PolicyName="other", PolicyDocument=policy)
    with pytest.raises(ImpossibleChangeError, match="limit 10240; other: 9"):
        world.plan(world.request())
    with pytest.raises(iam.exceptions.LimitExceededException, match="Maximum policy size of 10240"):
        iam.put_role_policy(RoleName=READER, PolicyName="more", PolicyDocument=policy)
