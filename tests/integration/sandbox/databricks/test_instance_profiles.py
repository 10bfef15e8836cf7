"""Instance profiles through the SDK: registered after a dry run, listed, edited, removed."""

import json

import pytest
from databricks.sdk.errors import InvalidParameterValue, ResourceAlreadyExists, ResourceDoesNotExist

ACCOUNT = "123456789012"
ARN = f"arn:aws:iam::{ACCOUNT}:instance-profile/logs"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture
def profiles(databricks):
    api = databricks.sdk().instance_profiles
    yield api
    if ARN in {one.instance_profile_arn for one in api.list()}:
        api.remove(ARN)


def in_iam(aws):
    """The profile as IAM knows it, with a role."""
    aws.reset()
    iam = aws.client("iam")
    iam.create_role(RoleName="logs", AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName="logs")
    iam.add_role_to_instance_profile(InstanceProfileName="logs", RoleName="logs")
    return iam


def test_a_profile_is_registered_edited_and_removed(profiles, aws):
    in_iam(aws)
    profiles.add(ARN)
    with pytest.raises(ResourceAlreadyExists, match="already been registered"):
        profiles.add(ARN)
    role = f"arn:aws:iam::{ACCOUNT}:role/logs"
    profiles.edit(ARN, iam_role_arn=role)
    assert {one.instance_profile_arn: one.iam_role_arn for one in profiles.list()}[ARN] == role
    profiles.remove(ARN)
    for call in (profiles.remove, profiles.edit):
        with pytest.raises(ResourceDoesNotExist, match="is not registered"):
            call(ARN)


def test_a_profile_that_aws_does_not_have_or_that_has_no_role_is_refused_unless_validation_is_skipped(
    profiles, aws
):
    aws.reset()
    with pytest.raises(InvalidParameterValue, match=r"Verification .* failed.*Invalid IAM Instance"):
        profiles.add(ARN)
    aws.client("iam").create_instance_profile(InstanceProfileName="logs")
    with pytest.raises(InvalidParameterValue, match="Invalid IAM Instance Profile ARN"):
        profiles.add(ARN)
    profiles.add(ARN, skip_validation=True)
    assert ARN in {one.instance_profile_arn for one in profiles.list()}
    with pytest.raises(InvalidParameterValue, match="Invalid instance profile ARN: logs"):
        profiles.add("logs", skip_validation=True)


def test_a_deployment_role_has_to_be_allowed_to_pass_the_profiles_role(stand_in, aws):
    iam = in_iam(aws)
    deployment = iam.create_role(RoleName="deployment", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    one = stand_in("--deployment-role", deployment, aws_endpoint=aws.endpoint).start()
    with pytest.raises(InvalidParameterValue, match="not authorized to perform: iam:PassRole on resource"):
        one.sdk().instance_profiles.add(ARN)
    allowed = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/logs"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="deployment", PolicyName="pass", PolicyDocument=document)
    one.sdk().instance_profiles.add(ARN)
