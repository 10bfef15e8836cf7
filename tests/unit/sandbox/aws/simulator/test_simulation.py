"""The simulator's API: what a call answers, what it refuses, and how results come in pages."""

import json
from dataclasses import replace
from typing import Any

import pytest

from sandbox.aws.simulator.documents import parse
from sandbox.aws.simulator.errors import InvalidInputError, ValidationError
from sandbox.aws.simulator.principals import principal_from_arn
from sandbox.aws.simulator.simulation import Attached, simulate

ROLE = principal_from_arn("arn:aws:iam::123456789012:role/service/reader")
USER = principal_from_arn("arn:aws:iam::123456789012:user/ann")
LOGS = "arn:aws:s3:::logs/a"
LAKE = "arn:aws:s3:::lake/a"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(effect: str, action: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


READS_LOGS = policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::logs/*"))
NOTHING = Attached(identity=())


def attached(text: str, boundary: str | None = None) -> Attached:
    limits = parse(boundary, source_id="limits", source_type="IAM Policy") if boundary else None
    return Attached(identity=(parse(text, source_id="s3", source_type="IAM Policy"),), boundary=limits)


def results(parameters: dict[str, Any], policies: Attached = NOTHING, source: Any = ROLE) -> Any:
    return simulate({"ActionNames": ["s3:GetObject"], **parameters}, source, policies)["EvaluationResults"]


def test_each_action_has_one_result_and_each_resource_its_own_decision_in_it():
    both = results(
        {"ResourceArns": [LOGS, LAKE], "ActionNames": ["s3:GetObject", "s3:PutObject"]}, attached(READS_LOGS)
    )
    assert [(r["EvalActionName"], r["EvalDecision"]) for r in both] == [
        ("s3:GetObject", "implicitDeny"),
        ("s3:PutObject", "implicitDeny"),
    ]
    specific = {r["EvalResourceName"]: r["EvalResourceDecision"] for r in both[0]["ResourceSpecificResults"]}
    assert specific == {LOGS: "allowed", LAKE: "implicitDeny"}


def test_the_top_level_names_the_kind_of_resource_and_not_the_one_asked_for():
    names = ["s3:GetObject", "s3:ListBucket", "kms:Decrypt", "glue:GetTable"]
    listed = [r["EvalResourceName"] for r in results({"ActionNames": names, "ResourceArns": [LOGS]})]
    assert listed == [
        "arn:${Partition}:s3:::${BucketName}/${KeyName}",
        "arn:${Partition}:s3:::${BucketName}",
        "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}",
        "*",
    ]


def test_the_most_restrictive_decision_is_on_top_with_the_statements_that_made_it():
    text = policy(statement("Allow", "s3:*", "*"), statement("Deny", "s3:*", "arn:aws:s3:::lake/*"))
    (result,) = results({"ResourceArns": [LOGS, LAKE]}, attached(text))
    assert result["EvalDecision"] == "explicitDeny"
    assert len(result["MatchedStatements"]) == 2  # the Allow for everything matches too
    assert result["MatchedStatements"] == result["ResourceSpecificResults"][1]["MatchedStatements"]


def test_without_resources_everything_is_asked_and_nothing_is_specific():
    (result,) = results({}, attached(policy(statement("Allow", "s3:GetObject", "*"))))
    assert (result["EvalResourceName"], result["EvalDecision"]) == ("*", "allowed")
    assert "ResourceSpecificResults" not in result
    assert results({}, attached(READS_LOGS))[0]["EvalDecision"] == "implicitDeny"


def test_a_boundary_is_reported_and_one_given_with_the_call_replaces_it():
    limited = attached(READS_LOGS, boundary=policy(statement("Allow", "kms:*", "*")))
    (result,) = results({"ResourceArns": [LOGS]}, limited)
    assert result["EvalDecision"] == "implicitDeny"
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    wider = {"PermissionsBoundaryPolicyInputList": [policy(statement("Allow", "s3:*", "*"))]}
    (result,) = results({"ResourceArns": [LOGS], **wider}, limited)
    assert result["EvalDecision"] == "allowed"
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": True}


def test_a_boundary_and_service_control_policies_are_left_out_on_request():
    limits = policy(statement("Allow", "kms:*", "*"))
    organization = ((parse(limits, source_id="scp", source_type="IAM Policy"),),)
    limited = replace(attached(READS_LOGS, boundary=limits), organization=organization)

    def without(*kinds: str) -> str:
        excluded = {"PolicyExclusionList": [{"PolicyType": kind} for kind in kinds]}
        (result,) = results({"ResourceArns": [LOGS], **excluded}, limited)
        return str(result["EvalDecision"])

    assert without("scp") == without("permission-boundary") == "implicitDeny"
    assert without("scp", "permission-boundary", "rcp") == "allowed"


def test_policies_given_with_the_call_count_beside_the_attached_ones_and_are_named_by_number():
    (result,) = results(
        {"ResourceArns": [LOGS], "PolicyInputList": [policy(statement("Deny", "sqs:*", "*")), READS_LOGS]}
    )
    (matched,) = result["MatchedStatements"]
    assert (matched["SourcePolicyId"], matched["SourcePolicyType"]) == ("PolicyInputList.2", "IAM Policy")


def test_the_caller_is_in_the_context_and_a_given_entry_wins_over_it():
    own = attached(
        policy(statement("Allow", "s3:*", "*", Condition={"ArnEquals": {"aws:PrincipalArn": USER.arn}}))
    )
    assert results({}, own, USER)[0]["EvalDecision"] == "allowed"
    assert results({}, own, ROLE)[0]["EvalDecision"] == "implicitDeny"
    given = {"ContextEntries": [{"ContextKeyName": "AWS:principalARN", "ContextKeyValues": [USER.arn]}]}
    assert results(given, own, ROLE)[0]["EvalDecision"] == "allowed"


def test_a_users_name_is_in_the_context_and_a_roles_is_not():
    home = attached(policy(statement("Allow", "s3:*", "arn:aws:s3:::logs/${aws:username}")))
    asked = {"ResourceArns": ["arn:aws:s3:::logs/ann"]}
    (for_user,), (for_role,) = results(asked, home, USER), results(asked, home, ROLE)
    assert (for_user["EvalDecision"], for_user["MissingContextValues"]) == ("allowed", [])
    assert (for_role["EvalDecision"], for_role["MissingContextValues"]) == ("implicitDeny", ["aws:username"])


BUCKET_POLICY = policy(
    {**statement("Allow", "s3:GetObject", "arn:aws:s3:::logs/*"), "Principal": {"AWS": USER.arn}}
)


def test_a_resource_policy_is_simulated_for_a_user_also_for_one_with_a_roles_policies():
    asked = {"ResourceArns": [LOGS], "ResourcePolicy": BUCKET_POLICY}
    (result,) = results(asked, source=USER)
    assert result["EvalDecision"] == "allowed"
    (matched,) = result["MatchedStatements"]
    assert (matched["SourcePolicyId"], matched["SourcePolicyType"]) == ("ResourcePolicy", "Resource Policy")
    assert results({**asked, "CallerArn": USER.arn}, source=ROLE)[0]["EvalDecision"] == "allowed"


def test_across_accounts_each_kind_of_policy_has_its_decision():
    foreign = "arn:aws:iam::999999999999:root"
    asked = {"ResourceArns": [LOGS], "ResourcePolicy": BUCKET_POLICY, "ResourceOwner": foreign}
    (result,) = results(asked, source=USER)
    assert result["EvalDecision"] == "implicitDeny"
    assert result["EvalDecisionDetails"] == {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"}
    assert results(asked, attached(READS_LOGS), USER)[0]["EvalDecision"] == "allowed"


REFUSED = [
    ({"ActionNames": ["GetObject"]}, "Invalid Input Action: GetObject"),
    ({"ActionNames": ["s3:Get*"]}, "no wildcards"),
    ({"ResourceArns": ["logs"]}, "ResourceNames are not in a valid ARN format: logs."),
    ({"ResourceArns": ["*", LOGS]}, r"ResourceNames are not in a valid ARN format: \*."),
    ({"ResourceOwner": "123456789012"}, "'123456789012' is not a valid as a Resource Owner."),
    ({"PolicyInputList": ["{"]}, "PolicyInputList.1"),
    ({"PermissionsBoundaryPolicyInputList": [READS_LOGS] * 2}, "Only one permissions boundary"),
    ({"ContextEntries": [{"ContextKeyName": "aws:a"}]}, "Invalid context entry"),
    ({"CallerArn": "arn:aws:sts::1:assumed-role/a/b"}, "Caller must be an IAM user, role or group"),
    (
        {"ResourcePolicy": BUCKET_POLICY, "ResourceArns": [LOGS]},
        "Caller must be an IAM user in this context.",
    ),
    ({"ResourcePolicy": BUCKET_POLICY, "CallerArn": USER.arn}, r"Invalid Entity Arn: \*"),
    ({"ActionNames": ["sqs:ListQueues", "s3:GetObject"], "ResourceArns": [LOGS]}, "different authorization"),
    ({"PolicyExclusionList": [{"PolicyType": "inline"}]}, "excludes only the policy types"),
    ({"ResourceHandlingOption": "EC2-VPC-EBS"}, "does not simulate ResourceHandlingOption"),
]


@pytest.mark.parametrize(("parameters", "message"), REFUSED, ids=[str(case[1]) for case in REFUSED])
def test_a_call_that_aws_refuses_is_refused(parameters, message):
    with pytest.raises(InvalidInputError, match=message):
        results(parameters)


def test_actions_without_a_resource_can_be_asked_together_when_no_resource_is_given():
    both = results(
        {"ActionNames": ["sqs:ListQueues", "s3:GetObject"]}, attached(policy(statement("Allow", "*", "*")))
    )
    assert [result["EvalDecision"] for result in both] == ["allowed", "allowed"]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sts::123456789012:assumed-role/reader/session",
        "arn:aws:iam::123456789012:instance-profile/reader",
        "arn:aws:iam::123456789012:policy/reader",
        "arn:aws:iam::123456789012:root",
        "not an ARN, but long enough",
    ],
)
def test_an_arn_of_something_else_is_no_principal(arn):
    with pytest.raises(InvalidInputError, match="does not clearly define entity type and name"):
        principal_from_arn(arn)


def test_a_principal_is_told_by_kind_and_by_name_without_the_path():
    assert (ROLE.kind, ROLE.name, ROLE.account) == ("role", "reader", "123456789012")
    with pytest.raises(ValidationError, match="policySourceArn"):
        principal_from_arn("short")


def test_results_come_in_pages_that_follow_from_the_marker():
    names = [f"s3:Operation{number}" for number in range(250)]
    page = simulate({"ActionNames": names}, ROLE, NOTHING)
    assert (len(page["EvaluationResults"]), page["IsTruncated"]) == (100, True)
    seen = page["EvaluationResults"]
    while page["IsTruncated"]:
        page = simulate({"ActionNames": names, "MaxItems": 75, "Marker": page["Marker"]}, ROLE, NOTHING)
        seen += page["EvaluationResults"]
    assert "Marker" not in page
    assert [result["EvalActionName"] for result in seen] == names


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"MaxItems": 0}, "maxItems"), ({"MaxItems": 1001}, "maxItems"), ({"Marker": "?"}, "Invalid Marker")],
)
def test_paging_parameters_have_bounds(parameters, message):
    with pytest.raises(ValidationError, match=message):
        results(parameters)


def test_no_action_is_an_error():
    with pytest.raises(ValidationError, match="actionNames"):
        results({"ActionNames": []})
