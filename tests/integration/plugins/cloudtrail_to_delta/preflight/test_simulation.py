"""The reader role simulated over HTTP: what its policies, a boundary and an organization let it do."""

import json

import boto3
import pytest

from cloudtrail_to_delta.iam.reader import reader_policy
from cloudtrail_to_delta.preflight.simulation import check_access
from cloudtrail_to_delta.reference.permissions import documents, example_accesses
from sandbox.aws.seed import DENIED_ROLE, LAKE_BUCKET, LOGS_BUCKET
from tests.integration.plugins.cloudtrail_to_delta.preflight.roles import (
    NOTHING,
    accesses,
    accesses_with_keys,
    failed,
    role_with,
)


def test_the_seeded_reader_may_do_all_that_is_needed(account_of_roles):
    seeded, iam = account_of_roles
    findings = check_access(iam, seeded.reader_role_arn, accesses(), mode="require")
    assert not failed(findings)
    assert len(findings) == len(accesses()) == 50


def test_the_policy_made_of_the_needs_passes_its_own_simulation(account_of_roles):
    _, iam = account_of_roles
    for number, needed in enumerate(
        (accesses_with_keys(), accesses("111122223333", regions=["us-east-1", "eu-west-1"]))
    ):
        arn = role_with(iam, f"own-{number}", reader_policy(needed))
        assert not failed(check_access(iam, arn, needed, mode="require"))


@pytest.mark.parametrize("name", ["reader-role", "reader-role-notifications", "deployment-role"])
def test_each_policy_of_the_page_of_permissions_passes_its_own_simulation(account_of_roles, name):
    _, iam = account_of_roles
    needed = example_accesses()[name]
    policy = reader_policy(needed)
    assert policy in documents().values()
    arn = role_with(iam, f"page-{name}", policy)
    assert not failed(check_access(iam, arn, needed, mode="require"))


@pytest.mark.parametrize("name", ["reader-role-notifications", "deployment-role"])
def test_without_any_action_of_the_page_what_needs_it_fails_and_nothing_else(account_of_roles, name):
    _, iam = account_of_roles
    needed = example_accesses()[name]
    policy = reader_policy(needed)
    arn = role_with(iam, f"less-{name}", policy)
    for sid, action in {(access.statement, access.action) for access in needed}:
        iam.put_role_policy(
            RoleName=arn.rpartition("/")[2],
            PolicyName="reader",
            PolicyDocument=json.dumps(without(policy, sid, action)),
        )
        bad = failed(check_access(iam, arn, needed, mode="require"))
        assert {subject.partition(" ")[0] for subject in bad} == {action}


def without(policy, sid, action):
    statements = []
    for statement in policy["Statement"]:
        actions = [a for a in statement["Action"] if statement["Sid"] != sid or a != action]
        if actions:
            statements.append(statement | {"Action": actions})
    # IAM takes no policy without a statement.
    return policy | {"Statement": statements or [NOTHING]}


@pytest.mark.parametrize(
    ("sid", "action"),
    [
        (statement["Sid"], action)
        for statement in reader_policy(accesses_with_keys())["Statement"]
        for action in statement["Action"]
    ],
)
def test_removing_any_action_from_the_policy_fails_what_needs_it_and_the_remedy_mends_it(
    account_of_roles, sid, action
):
    _, iam = account_of_roles
    needed = accesses_with_keys()
    broken = without(reader_policy(needed), sid, action)
    arn = role_with(iam, f"without-{sid}-{action.partition(':')[2]}", broken)
    findings = check_access(iam, arn, needed, mode="require")
    expected = [access for access in needed if (access.statement, access.action) == (sid, action)]
    bad = [finding for finding in findings if finding.status != "ok"]
    assert [one.status for one in bad] == ["warning" if one.advised else "failed" for one in expected]
    assert bad
    assert all(finding.detail.startswith("no statement allows it") for finding in bad)
    fixes = [json.loads("{" + finding.remedy.partition(": {")[2]) for finding in bad]
    mended = broken | {"Statement": broken["Statement"] + fixes}
    iam.put_role_policy(
        RoleName=arn.rpartition("/")[2], PolicyName="reader", PolicyDocument=json.dumps(mended)
    )
    assert not failed(check_access(iam, arn, needed, mode="require"))


def test_a_denied_role_says_what_nothing_allows_and_what_is_denied_by_which_statement(account_of_roles):
    seeded, iam = account_of_roles
    findings = check_access(iam, seeded.denied_role_arn, accesses(), mode="require")
    bad = {finding.subject: finding for finding in findings if finding.status == "failed"}
    read = bad[f"s3:GetObject on arn:aws:s3:::{LOGS_BUCKET}/AWSLogs/*/CloudTrail/*"]
    assert read.detail.startswith("no statement allows it")
    delete = bad[f"s3:DeleteObject on arn:aws:s3:::{LAKE_BUCKET}/delta/cloudtrail_events/*"]
    assert f"explicitly denied by one of role_{DENIED_ROLE}_s3, lines" in delete.detail
    assert not [s for s in bad if "s3:PutObject" in s]


def test_a_policy_limited_to_another_prefix_does_not_let_list_this_one(account_of_roles):
    _, iam = account_of_roles
    needed = accesses("111122223333")
    policy = reader_policy(accesses("444455556666"))
    arn = role_with(iam, "other-account", policy)
    subjects = failed(check_access(iam, arn, needed, mode="require"))
    assert f"s3:ListBucket on arn:aws:s3:::{LOGS_BUCKET} for AWSLogs/111122223333/CloudTrail/" in subjects
    assert f"s3:GetObject on arn:aws:s3:::{LOGS_BUCKET}/AWSLogs/111122223333/CloudTrail/*" in subjects
    assert not [s for s in subjects if LAKE_BUCKET in s]


def test_a_permissions_boundary_that_does_not_allow_is_named(account_of_roles):
    _, iam = account_of_roles
    boundary = iam.create_policy(
        PolicyName="no-delete",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Action": ["s3:Get*", "s3:Put*", "s3:List*"], "Resource": "*"}
                ],
            }
        ),
    )["Policy"]["Arn"]
    arn = role_with(iam, "bounded", reader_policy(accesses()), PermissionsBoundary=boundary)
    bad = [f for f in check_access(iam, arn, accesses(), mode="require") if f.status != "ok"]
    failures = {finding.subject.partition(" ")[0] for finding in bad if finding.status == "failed"}
    assert failures == {"s3:DeleteObject"}
    assert all("permissions boundary does not allow it" in finding.detail for finding in bad)


@pytest.fixture(scope="module")
def member(account_of_roles, aws):
    """IAM of a member account of an organization, the organization, and the account's id."""
    organizations = aws.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    created = organizations.create_account(AccountName="audit", Email="audit@example.com")
    account = created["CreateAccountStatus"]["AccountId"]
    # A role that IAM does not have there: the sandbox judges only those whose policies it knows.
    role = f"arn:aws:iam::{account}:role/of-the-test"
    credentials = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    iam = boto3.client(
        "iam",
        endpoint_url=aws.endpoint,
        region_name="us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    return iam, organizations, account


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "Action": ["s3:Get*", "s3:Put*", "s3:List*", "s3:Abort*"], "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
    ],
    ids=["left out of an Allow", "denied"],
)
def test_what_only_the_organization_does_not_allow_is_a_warning_for_its_administrators(member, statement):
    iam, organizations, account = member
    needed = accesses()
    arn = role_with(iam, f"of-{statement['Effect']}", reader_policy(needed))
    assert not failed(check_access(iam, arn, needed, mode="require"))
    policy = organizations.create_policy(
        Name=statement["Effect"],
        Description="of the test",
        Type="SERVICE_CONTROL_POLICY",
        Content=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=account)
    if statement["Effect"] == "Allow":
        organizations.detach_policy(PolicyId="p-FullAWSAccess", TargetId=account)
    found = [f for f in check_access(iam, arn, needed, mode="require") if f.status != "ok"]
    organizations.attach_policy(PolicyId="p-FullAWSAccess", TargetId=account)
    organizations.detach_policy(PolicyId=policy, TargetId=account)
    assert {(one.subject.partition(" ")[0], one.status) for one in found} == {("s3:DeleteObject", "warning")}
    assert all("service control policy" in one.detail and "administrators" in one.remedy for one in found)


def test_many_resources_take_few_calls(account_of_roles, aws):
    seeded, iam = account_of_roles
    aws.forget_requests()
    check_access(iam, seeded.reader_role_arn, accesses(), mode="require")
    calls = [r for r in aws.requests() if r["action"] == "SimulatePrincipalPolicy"]
    assert len(calls) <= 11
