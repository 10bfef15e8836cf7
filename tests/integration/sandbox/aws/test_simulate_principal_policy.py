"""SimulatePrincipalPolicy as boto3 sees it, on policies held by the sandbox's IAM."""

import json

import pytest
from botocore.exceptions import ClientError
from requests import HTTPError

from sandbox.aws.seed import DENIED_ROLE, READER_ROLE

LOG = "arn:aws:s3:::cloudtrail-logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/05/a.json.gz"
TABLE = "arn:aws:s3:::cloudtrail-lake/delta/events/part-0.parquet"
TRUST = '{"Version":"2012-10-17","Statement":[]}'


def document(effect, action, resource="*"):
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def decisions(iam, arn, actions, *resources, **more):
    answer = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=actions, ResourceArns=list(resources), **more
    )
    return {
        (result["EvalActionName"], specific["EvalResourceName"]): specific["EvalResourceDecision"]
        for result in answer["EvaluationResults"]
        for specific in result["ResourceSpecificResults"]
    }


def test_the_seeded_reader_reads_logs_and_writes_the_lake_and_not_the_other_way_round(aws):
    seeded = aws.reset()
    actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    assert decisions(aws.client("iam"), seeded.reader_role_arn, actions, LOG, TABLE) == {
        ("s3:GetObject", LOG): "allowed",
        ("s3:PutObject", LOG): "implicitDeny",
        ("s3:DeleteObject", LOG): "implicitDeny",
        ("s3:GetObject", TABLE): "allowed",
        ("s3:PutObject", TABLE): "allowed",
        ("s3:DeleteObject", TABLE): "allowed",
    }
    buckets = ("arn:aws:s3:::cloudtrail-logs", "arn:aws:s3:::cloudtrail-lake")
    listing = decisions(aws.client("iam"), seeded.reader_role_arn, ["s3:ListBucket"], *buckets)
    assert set(listing.values()) == {"allowed"}


def test_the_denied_reader_lacks_the_logs_and_is_refused_deletion_by_a_statement_that_is_named(aws):
    seeded = aws.reset()
    iam = aws.client("iam")
    assert decisions(iam, seeded.denied_role_arn, ["s3:GetObject"], LOG) == {
        ("s3:GetObject", LOG): "implicitDeny"
    }
    answer = iam.simulate_principal_policy(
        PolicySourceArn=seeded.denied_role_arn, ActionNames=["s3:DeleteObject"], ResourceArns=[TABLE]
    )
    (result,) = answer["EvaluationResults"]
    assert result["EvalDecision"] == "explicitDeny"
    # The Allow that matches beside the Deny is listed too.
    _, matched = result["MatchedStatements"]
    assert matched["SourcePolicyId"] == f"role_{DENIED_ROLE}_s3"
    assert matched["StartPosition"]["Line"] < matched["EndPosition"]["Line"]


def test_a_user_has_its_own_policies_and_those_of_its_groups_inline_and_attached(aws):
    aws.reset()
    iam = aws.client("iam")
    arn = iam.create_user(UserName="ann")["User"]["Arn"]
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=document("Allow", "s3:GetObject"))
    iam.put_group_policy(
        GroupName="readers", PolicyName="shared", PolicyDocument=document("Allow", "s3:PutObject")
    )
    managed = iam.create_policy(PolicyName="lists", PolicyDocument=document("Allow", "s3:ListBucket"))[
        "Policy"
    ]
    iam.attach_group_policy(GroupName="readers", PolicyArn=managed["Arn"])
    attached = iam.create_policy(PolicyName="deletes", PolicyDocument=document("Allow", "s3:DeleteObject"))
    iam.attach_user_policy(UserName="ann", PolicyArn=attached["Policy"]["Arn"])
    actions = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject", "s3:GetBucketAcl"]
    answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions)
    sources = {
        result["EvalActionName"]: [matched["SourcePolicyId"] for matched in result["MatchedStatements"]]
        for result in answer["EvaluationResults"]
    }
    assert sources == {
        "s3:GetObject": ["user_ann_own"],
        "s3:PutObject": ["group_readers_shared"],
        "s3:ListBucket": ["lists"],
        "s3:DeleteObject": ["deletes"],
        "s3:GetBucketAcl": [],
    }


def test_a_managed_policy_counts_in_its_default_version_and_a_boundary_limits_the_role(aws):
    aws.reset()
    iam = aws.client("iam")
    boundary = iam.create_policy(PolicyName="limits", PolicyDocument=document("Allow", "kms:*"))["Policy"][
        "Arn"
    ]
    managed = iam.create_policy(PolicyName="wide", PolicyDocument=document("Allow", "kms:*"))["Policy"]["Arn"]
    role = iam.create_role(
        RoleName="limited", Path="/team/", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=boundary
    )["Role"]["Arn"]
    iam.attach_role_policy(RoleName="limited", PolicyArn=managed)
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    assert decisions(iam, role, ["kms:Decrypt"], key) == {("kms:Decrypt", key): "allowed"}
    iam.create_policy_version(PolicyArn=managed, PolicyDocument=document("Allow", "*"), SetAsDefault=True)
    answer = iam.simulate_principal_policy(
        PolicySourceArn=role, ActionNames=["s3:GetObject"], ResourceArns=[LOG]
    )
    (result,) = answer["EvaluationResults"]
    assert result["EvalDecision"] == "implicitDeny"
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    iam.delete_role_permissions_boundary(RoleName="limited")
    assert decisions(iam, role, ["s3:GetObject"], LOG) == {("s3:GetObject", LOG): "allowed"}


def test_context_entries_and_a_resource_policy_reach_the_decision(aws):
    aws.reset()
    iam = aws.client("iam")
    arn = iam.create_user(UserName="ann")["User"]["Arn"]
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "s3:GetObject", "Resource": LOG},
            {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": LOG, "Condition": insecure},
        ],
    }

    def over(secure):
        entry = {
            "ContextKeyName": "aws:SecureTransport",
            "ContextKeyValues": [secure],
            "ContextKeyType": "boolean",
        }
        return decisions(
            iam, arn, ["s3:GetObject"], LOG, ResourcePolicy=json.dumps(policy), ContextEntries=[entry]
        )

    assert over("true") == {("s3:GetObject", LOG): "allowed"}
    assert over("false") == {("s3:GetObject", LOG): "explicitDeny"}


def test_the_paginator_brings_every_result_once(aws):
    seeded = aws.reset()
    actions = [f"s3:Operation{number}" for number in range(23)]
    pages = list(
        aws.client("iam")
        .get_paginator("simulate_principal_policy")
        .paginate(
            PolicySourceArn=seeded.reader_role_arn, ActionNames=actions, PaginationConfig={"PageSize": 10}
        )
    )
    assert [len(page["EvaluationResults"]) for page in pages] == [10, 10, 3]
    assert [result["EvalActionName"] for page in pages for result in page["EvaluationResults"]] == actions


ACCOUNT = "arn:aws:iam::123456789012"
ERRORS = [
    ("NoSuchEntity", 404, f"{ACCOUNT}:role/nobody", "The role with name nobody cannot be found."),
    ("NoSuchEntity", 404, f"{ACCOUNT}:role/path/{READER_ROLE}", "cannot be found"),
    ("NoSuchEntity", 404, f"{ACCOUNT}:user/nobody", "The user with name nobody cannot be found."),
    ("NoSuchEntity", 404, f"{ACCOUNT}:group/nobody", "The group with name nobody cannot be found."),
    ("InvalidInput", 400, f"{ACCOUNT}:instance-profile/{READER_ROLE}", "does not clearly define entity type"),
    (
        "InvalidInput",
        400,
        f"arn:aws:sts::123456789012:assumed-role/{READER_ROLE}/s",
        "does not clearly define",
    ),
    ("AccessDenied", 403, "arn:aws:iam::999999999999:role/theirs", "not authorized to perform"),
]


@pytest.mark.parametrize(("code", "status", "arn", "message"), ERRORS, ids=[case[2] for case in ERRORS])
def test_a_principal_that_cannot_be_simulated_is_refused_by_the_services_own_error(
    aws, code, status, arn, message
):
    aws.reset()
    with pytest.raises(ClientError, match=message) as refused:
        aws.client("iam").simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject"])
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_caller_that_does_not_exist_is_refused_unless_the_rule_is_off(aws):
    seeded = aws.reset()
    iam = aws.client("iam")
    asked = {"PolicySourceArn": seeded.reader_role_arn, "ActionNames": ["s3:GetObject"]}
    asked |= {"CallerArn": f"{ACCOUNT}:user/nobody"}
    with pytest.raises(iam.exceptions.NoSuchEntityException, match="user with name nobody"):
        iam.simulate_principal_policy(**asked)
    aws.rules(unknown_callers=False)
    assert iam.simulate_principal_policy(**asked)["EvaluationResults"]
    with pytest.raises(HTTPError):
        aws.rules(no_such_rule=True)
    aws.reset()
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.simulate_principal_policy(**asked)


def test_a_bad_resource_or_marker_is_refused_by_the_services_own_error(aws):
    seeded = aws.reset()
    iam = aws.client("iam")
    asked = {"PolicySourceArn": seeded.reader_role_arn, "ActionNames": ["s3:GetObject"]}
    with pytest.raises(
        iam.exceptions.InvalidInputException, match="not in a valid ARN format: cloudtrail-logs"
    ):
        iam.simulate_principal_policy(**asked, ResourceArns=["cloudtrail-logs"])
    with pytest.raises(ClientError, match="ValidationError"):
        iam.simulate_principal_policy(**asked, Marker="none of ours")
