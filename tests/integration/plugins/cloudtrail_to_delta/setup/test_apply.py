"""From nothing, or from what is there already, to trails that deliver: on the sandbox's AWS over HTTP."""

import json

import pytest

from cloudtrail_to_delta.setup.build import build_resources, reader_document
from cloudtrail_to_delta.setup.documents import normalized
from cloudtrail_to_delta.setup.refusals import SetupFailedError, SetupRefusedError, WorldChangedError
from cloudtrail_to_delta.setup.resources import TAG
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import BUCKET, LOGS, PRODUCTION, STAGING

EVERYTHING = {
    "kms_key": "new",
    "sns_topic": "cloudtrail-files",
    "insights": ["ApiCallRateInsight", "ApiErrorRateInsight"],
    "expire_days": 400,
    "prefix": "audit",
    "exclude_kms_events": True,
    "s3_data_events": ["*"],
    "lambda_data_events": ["*"],
    "network_activity_sources": ["s3.amazonaws.com"],
}


def test_from_nothing_to_everything_and_then_nothing_is_left_to_plan(world):
    request = world.request(**EVERYTHING)
    plan = world.plan(request)
    assert {change.verb for change in plan.changes} == {"create"}
    world.apply(request, plan)
    again = world.plan(request)
    assert again.writes == (), again.render()
    assert "Nothing to do" in again.render()


def test_what_is_made_carries_the_tag_and_every_option(world):
    request = world.request(**EVERYTHING)
    world.apply(request)
    tags = world.client("s3").get_bucket_tagging(Bucket=BUCKET)["TagSet"]
    assert tags == [{"Key": TAG, "Value": "cloudtrail"}]
    trail = world.client("cloudtrail", PRODUCTION).get_trail(Name="cloudtrail")["Trail"]
    assert trail["IsMultiRegionTrail"]
    assert trail["LogFileValidationEnabled"]
    assert trail["S3KeyPrefix"] == "audit"
    assert trail["SnsTopicARN"] == f"arn:aws:sns:us-east-1:{LOGS}:cloudtrail-files"
    assert trail["KmsKeyId"].startswith(f"arn:aws:kms:us-east-1:{LOGS}:key/")
    arn = trail["TrailARN"]
    assert world.client("cloudtrail", PRODUCTION).get_trail_status(Name=arn)["IsLogging"]
    selectors = world.client("cloudtrail", PRODUCTION).get_event_selectors(TrailName=arn)
    assert len(selectors["AdvancedEventSelectors"]) == 4
    # All of S3 but the log bucket: every delivery would be an event that is delivered.
    assert f"arn:aws:s3:::{BUCKET}/" in json.dumps(selectors)


def test_the_applied_reader_policy_is_the_documented_minimum(world):
    request = world.request()
    world.apply(request)
    iam = world.client("iam")
    applied = iam.get_role_policy(RoleName="cloudtrail-reader", PolicyName="cloudtrail-setup-cloudtrail")
    assert normalized(applied["PolicyDocument"]) == normalized(reader_document(request))
    role = iam.get_instance_profile(InstanceProfileName="cloudtrail-reader")["InstanceProfile"]["Roles"][0]
    assert role["RoleName"] == "cloudtrail-reader"


def test_an_organization_has_one_trail_and_a_folder_of_its_own_in_the_policy(world):
    organizations = world.client("organizations", PRODUCTION)
    organizations.create_organization(FeatureSet="ALL")
    organizations.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    request = world.request(organization="o-a1b2c3d4e5", trail_accounts=[PRODUCTION])
    world.apply(request)
    trail = world.client("cloudtrail", PRODUCTION).get_trail(Name="cloudtrail")["Trail"]
    assert trail["IsOrganizationTrail"]
    assert world.client("cloudtrail", STAGING).describe_trails()["trailList"] == []
    policy = world.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"]
    assert f"arn:aws:s3:::{BUCKET}/AWSLogs/o-a1b2c3d4e5/*" in policy
    assert world.plan(request).writes == ()


def test_the_statements_of_others_stay_in_the_policy_of_an_adopted_bucket(world):
    s3 = world.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    other = {
        "Sid": "Backup",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{STAGING}:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
    }
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [other]}))
    request = world.request()
    world.apply(request)
    statements = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert statements[0] == other
    assert {one["Sid"].removeprefix("CloudTrailSetupCloudtrail") for one in statements[1:]} == {
        "CheckAcl",
        "Deliver",
        "ListLogs",
        "ReadLogs",
    }


def test_an_adopted_trail_is_shown_with_its_differences_and_changed_only_where_that_is_asked_for(world):
    request = world.request()
    world.apply(request)
    client = world.client("cloudtrail", STAGING)
    arn = client.get_trail(Name="cloudtrail")["Trail"]["TrailARN"]
    client.remove_tags(ResourceId=arn, TagsList=[{"Key": TAG, "Value": "cloudtrail"}])
    client.update_trail(Name=arn, EnableLogFileValidation=False)

    plan = world.plan(request)
    (adopted,) = [change for change in plan.changes if change.verb == "adopt"]
    assert adopted.resource == f"trail cloudtrail in {STAGING}"
    assert plan.writes == ()
    assert '+  "log_file_validation": true' in plan.render()

    asked = world.request(change_adopted=["trail"])
    world.apply(asked)
    assert client.get_trail(Name=arn)["Trail"]["LogFileValidationEnabled"]
    assert client.list_tags(ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"] == []


def test_a_change_between_plan_and_apply_is_refused_before_anything_is_written(world):
    request = world.request()
    world.apply(request)
    changed = world.request(log_file_validation=False)
    plan = world.plan(changed)
    assert len(plan.writes) == 3
    world.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(WorldChangedError, match=r"bucket org-logs: versioning changed[\s\S]*-  .versioning"):
        world.apply(changed, plan)
    trail = world.client("cloudtrail").get_trail(Name="cloudtrail")["Trail"]
    assert trail["LogFileValidationEnabled"]


def test_a_bucket_that_somebody_else_makes_meanwhile_is_not_taken_over(world):
    request = world.request()
    plan = world.plan(request)
    world.client("s3").create_bucket(Bucket=BUCKET)
    with pytest.raises(WorldChangedError, match="somebody else has created it"):
        world.apply(request, plan)


def test_a_refused_call_is_named_with_its_permission_and_what_was_done_before(world):
    request = world.request()
    world.aws.fault(action="PutBucketEncryption", code="AccessDenied", status=403)
    world.aws.fault(action="PutBucketVersioning", code="AccessDenied", status=403)
    with pytest.raises(SetupRefusedError) as caught:
        world.apply(request)
    message = str(caught.value)
    assert "AWS refused s3:PutBucketVersioning on bucket org-logs" in message
    assert "Allow s3:PutBucketVersioning on it" in message
    assert "Done before the error: " in message
    assert "a part of bucket org-logs (s3:CreateBucket, s3:PutPublicAccessBlock)." in message


def test_a_principal_that_is_not_known_everywhere_yet_is_waited_for_by_trying(world):
    request = world.request()
    world.aws.fault(action="PutBucketPolicy", code="MalformedPolicy", status=400, times=2)
    world.apply(request)
    assert world.plan(request).writes == ()


def test_trying_ends_and_says_what_was_refused(world):
    request = world.request()
    world.aws.fault(action="PutBucketPolicy", code="MalformedPolicy", status=400)
    with pytest.raises(SetupFailedError, match="s3:PutBucketPolicy on policy of bucket org-logs"):
        world.apply(request)


def test_two_set_ups_share_a_bucket_and_leave_each_others_statements(world):
    first = world.request(trail_accounts=[PRODUCTION])
    world.apply(first)
    second = world.request(
        name="audit", trail="audit", trail_accounts=[STAGING], reader_role="audit-reader", account=STAGING
    )
    world.apply(second)
    assert world.plan(first).writes == ()
    assert world.plan(second).writes == ()


def test_a_connection_of_another_account_is_refused_before_anything_is_read(world):
    request = world.request(accounts={LOGS: "aws_default"}, assume_role="")
    with pytest.raises(Exception, match="belongs to account 123456789012, not 111122223333"):
        world.plan(request)


def test_the_digest_of_a_plan_changes_with_what_it_would_do(world):
    plans = [world.plan(world.request()), world.plan(world.request(versioning=False))]
    assert plans[0].digest != plans[1].digest
    assert plans[0].digest == world.plan(world.request()).digest


def test_every_resource_has_a_name_of_its_own(world):
    names = [resource.name for resource in build_resources(world.request(**EVERYTHING))]
    assert len(set(names)) == len(names)
