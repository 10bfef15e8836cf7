"""What companies demand of a set-up: organizations, boundaries, paths, tags, locked buckets and ABAC.

Each set-up runs as an identity that may do what docs/permissions.md says and nothing else.
"""

import json

import pytest

from cloudtrail_to_delta.setup.aws.clients import RegionNotEnabledError
from cloudtrail_to_delta.setup.refusals import ImpossibleChangeError, SetupRefusedError
from cloudtrail_to_delta.setup.resources import TAG
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import BUCKET, LOGS, STAGING

ORGANIZATION = "o-a1b2c3d4e5"
CLOUDTRAIL = "cloudtrail.amazonaws.com"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ROLE = "cloudtrail-reader"


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture
def organization(world):
    """Its client in the management account; the set-up's accounts are one new member and that account."""
    organizations = world.owner("organizations", STAGING)
    organizations.create_organization(FeatureSet="ALL")
    created = organizations.create_account(AccountName="logs", Email="logs@example.com")
    world.accounts = (created["CreateAccountStatus"]["AccountId"], STAGING)
    world.owners.clear()
    return organizations


def test_a_boundary_a_path_and_tags_that_an_organization_demands_are_on_what_is_made(world, organization):
    member = world.accounts[0]
    iam = world.owner("iam", member)
    boundary = iam.create_policy(PolicyName="b", PolicyDocument=document(EVERYTHING))["Policy"]["Arn"]
    create = {"Effect": "Deny", "Action": "iam:CreateRole"}
    rule = organization.create_policy(
        Name="roles",
        Description="",
        Type="SERVICE_CONTROL_POLICY",
        Content=document(
            create
            | {"Resource": "*", "Condition": {"StringNotEquals": {"iam:PermissionsBoundary": boundary}}},
            create | {"NotResource": f"arn:aws:iam::{member}:role/data/*"},
            create | {"Resource": "*", "Condition": {"Null": {"aws:RequestTag/team": "true"}}},
        ),
    )["Policy"]["PolicySummary"]["Id"]
    plain = {"trail_accounts": [member], "kms_key": "new", "sns_topic": "files", "object_lock_days": 30}
    world.limit(world.request(**plain))
    organization.attach_policy(PolicyId=rule, TargetId=member)
    with pytest.raises(SetupRefusedError, match="iam:CreateRole"):
        world.apply(world.request(**plain))

    demanded = plain | {"permissions_boundary": boundary, "role_path": "/data/", "tags": {"team": "audit"}}
    request = world.request(**demanded)
    world.limit(request)
    world.apply(request)
    assert world.plan(request).writes == ()
    role = iam.get_role(RoleName=ROLE)["Role"]
    assert (role["Path"], role["PermissionsBoundary"]["PermissionsBoundaryArn"]) == ("/data/", boundary)
    assert tags_of(world, request, member) == [{TAG: request.name, "team": "audit"}] * 6

    # A later run changes the tags, also those of a bucket that takes them from S3 Control alone.
    s3 = world.owner("s3", member)
    s3.put_bucket_abac(Bucket=BUCKET, AbacStatus={"Status": "Enabled"})
    changed = world.request(**demanded | {"tags": {"team": "security"}})
    world.limit(changed)
    assert {change.verb for change in world.plan(changed).writes} == {"change"}
    world.apply(changed)
    assert tags_of(world, changed, member) == [{TAG: request.name, "team": "security"}] * 6
    lock = s3.get_object_lock_configuration(Bucket=BUCKET)["ObjectLockConfiguration"]["Rule"]
    assert (lock["DefaultRetention"]["Mode"], lock["DefaultRetention"]["Days"]) == ("GOVERNANCE", 30)
    assert json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"][-1]["Effect"] == "Deny"

    s3.put_object(Bucket=BUCKET, Key="AWSLogs/file", Body=b"x")
    world.apply(world.request(**demanded, mode="remove"))
    assert s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"] == [{"Key": "team", "Value": "security"}]


def tags_of(world, request, account):
    """The tags of everything that the set-up makes in AWS."""
    iam, kms, s3 = (world.owner(service, account) for service in ("iam", "kms", "s3"))
    key = kms.describe_key(KeyId="alias/cloudtrail-logs")["KeyMetadata"]["KeyId"]
    trail = world.owner("cloudtrail", account).list_tags(ResourceIdList=request.trail_arns)
    found = [
        iam.get_role(RoleName=ROLE)["Role"]["Tags"],
        iam.get_instance_profile(InstanceProfileName=ROLE)["InstanceProfile"]["Tags"],
        s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"],
        world.owner("sns", account).list_tags_for_resource(ResourceArn=request.topic_arn)["Tags"],
        trail["ResourceTagList"][0]["TagsList"],
        [
            {"Key": one["TagKey"], "Value": one["TagValue"]}
            for one in kms.list_resource_tags(KeyId=key)["Tags"]
        ],
    ]
    return [{one["Key"]: one["Value"] for one in tags} for tags in found]


def test_a_bucket_of_others_gets_no_statement_that_could_cut_off_its_clients(world):
    world.owner("s3").create_bucket(Bucket=BUCKET)
    request = world.request(trail_accounts=[LOGS], change_adopted=["bucket"])
    world.limit(request)
    world.apply(request)
    policy = json.loads(world.owner("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])
    assert {one["Effect"] for one in policy["Statement"]} == {"Allow"}


def test_every_lack_of_an_organization_stops_the_plan_with_the_command_that_helps(world):
    organizations, cloudtrail = world.owner("organizations", STAGING), [CLOUDTRAIL]
    given = {"organization": ORGANIZATION, "trail_accounts": [LOGS]}

    def refused(**more):
        request = world.request(**given | more)
        world.limit(request)
        with pytest.raises(ImpossibleChangeError) as stopped:
            world.plan(request)
        return str(stopped.value)

    assert "it is in no organization" in refused()
    organizations.create_organization(FeatureSet="ALL")
    member = organizations.create_account(AccountName="l", Email="l@example.com")["CreateAccountStatus"]
    world.accounts = (LOGS, STAGING, member["AccountId"])
    world.owners.clear()
    of_member = {"trail_accounts": [member["AccountId"]]}
    assert f"its organization is {ORGANIZATION}" in refused(
        trail_accounts=[STAGING], organization="o-0000000000"
    )
    assert f"management account {member['AccountId']}: the organization's is {STAGING}" in refused(
        **of_member
    )
    assert f"Run in account {STAGING}: aws cloudtrail register-organization-delegated-admin" in refused(
        **of_member, management_account=STAGING
    )
    organizations.register_delegated_administrator(
        AccountId=member["AccountId"], ServicePrincipal=cloudtrail[0]
    )
    assert f"enable-aws-service-access --service-principal {CLOUDTRAIL}" in refused(trail_accounts=[STAGING])
    assert f"enable-aws-service-access --service-principal {CLOUDTRAIL}" in refused(
        **of_member, management_account=STAGING
    )
    # Nothing was made by then.
    assert world.owner("s3").list_buckets()["Buckets"] == []


def test_a_delegated_administrator_makes_keeps_and_removes_the_management_accounts_trail(world, organization):
    member = world.accounts[0]
    organization.enable_aws_service_access(ServicePrincipal=CLOUDTRAIL)
    organization.register_delegated_administrator(AccountId=member, ServicePrincipal=CLOUDTRAIL)
    params = {"organization": ORGANIZATION, "trail_accounts": [member], "management_account": STAGING}
    params |= {"kms_key": "new"}
    request = world.request(**params)
    world.limit(request)
    world.apply(request)
    (trail,) = world.owner("cloudtrail", STAGING).describe_trails()["trailList"]
    assert trail["TrailARN"] == f"arn:aws:cloudtrail:us-east-1:{STAGING}:trail/cloudtrail"
    policy = world.owner("s3", member).get_bucket_policy(Bucket=BUCKET)["Policy"]
    assert f"AWSLogs/{STAGING}/*" in policy
    assert f"AWSLogs/{ORGANIZATION}/*" in policy
    assert world.plan(request).writes == ()
    changed = world.request(**params, insights=["ApiCallRateInsight"])
    world.apply(changed)
    assert world.plan(changed).writes == ()
    world.apply(world.request(**params, mode="remove"))
    assert world.owner("cloudtrail", STAGING).describe_trails()["trailList"] == []


def test_a_region_that_an_account_has_not_enabled_stops_the_plan_with_the_command_that_enables_it(world):
    request = world.request(region="eu-south-1", trail_accounts=[LOGS, STAGING])
    world.limit(request)
    for account in (LOGS, STAGING):
        with pytest.raises(RegionNotEnabledError) as stopped:
            world.plan(request)
        assert f"account {account} has not enabled region eu-south-1" in str(stopped.value)
        assert "aws account enable-region --region-name eu-south-1" in str(stopped.value)
        enabling = world.owner("account", account)
        enabling.enable_region(RegionName="eu-south-1")
        world.made.clear()
    # The plan reads every account that has a trail.
    assert {change.verb for change in world.plan(request).writes} == {"create"}
