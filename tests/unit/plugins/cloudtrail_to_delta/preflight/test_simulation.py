"""The IAM check: which calls are planned, and what follows from each of IAM's decisions."""

import json

import boto3
import pytest
from botocore.stub import Stubber

from cloudtrail_to_delta.iam.reader import Access, required_access
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.request_context import Circumstances
from cloudtrail_to_delta.preflight.simulation import check_access, decide_access
from cloudtrail_to_delta.preflight.simulator import Decision, plan_calls, simulate

ROLE = "arn:aws:iam::111122223333:role/reader"


def access(action="s3:GetObject", resource="arn:aws:s3:::audit/AWSLogs/*", **more):
    return Access(action=action, resource_arn=resource, purpose="read the logs", statement="ReadLogs", **more)


def listing(prefix, *, conditional=True):
    return access("s3:ListBucket", "arn:aws:s3:::audit", list_prefix=prefix, conditional=conditional)


def test_every_access_is_asked_for_once_and_nothing_that_is_not_needed():
    requests = {
        kind: IngestRequest(
            kind=kind,
            logs_path=f"s3://audit/AWSLogs/*/{folder}/*/*",
            delta_path=f"s3://lake/delta/{kind}",
            checkpoint_path=f"s3://lake/checkpoints/{kind}",
            table=kind,
            region="us-east-1",
        )
        for kind, folder in (("events", "CloudTrail"), ("insights", "CloudTrail-Insight"))
    }
    needed = required_access(requests, code_root="s3://lake/code")
    calls = [call for call, _ in plan_calls(needed, ROLE, Circumstances())]
    asked = [
        (a, r, call.context.get("s3:prefix", ("",))[0])
        for call in calls
        for a in call.actions
        for r in call.resources
    ]
    assert len(asked) == len(set(asked))
    assert set(asked) == {(n.action, n.resource_arn, n.list_prefix) for n in needed}
    assert len(calls) <= 11


def test_a_call_never_has_more_resources_than_a_batch():
    accesses = [access(resource=f"arn:aws:s3:::audit/{number}/*") for number in range(60)]
    calls = plan_calls(accesses, ROLE, Circumstances())
    assert [len(call.resources) for call, _ in calls] == [25, 25, 10]


def test_what_is_allowed_is_ok_and_by_what():
    finding = decide_access(
        access(), Decision(verdict="allowed", statements=("s3, lines 4 to 9",)), role=ROLE
    )
    assert finding.status == "ok"
    assert finding.subject == "s3:GetObject on arn:aws:s3:::audit/AWSLogs/*"
    assert finding.detail == "allowed by s3, lines 4 to 9: read the logs"


def test_what_nothing_allows_fails_with_the_statement_that_would_allow_it():
    finding = decide_access(access(), Decision(verdict="implicitDeny"), role=ROLE)
    assert finding.status == "failed"
    assert finding.detail == "no statement allows it; needed to read the logs"
    before, _, statement = finding.remedy.partition(": {")
    assert before == f"Add to the policy of {ROLE}"
    assert json.loads("{" + statement) == {
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": ["arn:aws:s3:::audit/AWSLogs/*"],
    }


def test_a_listing_that_nothing_allows_is_mended_for_its_prefix_only_where_that_suffices():
    denied = Decision(verdict="implicitDeny")
    finding = decide_access(listing("AWSLogs/"), denied, role=ROLE)
    assert finding.subject == "s3:ListBucket on arn:aws:s3:::audit for AWSLogs/"
    assert '"s3:prefix": ["AWSLogs/*", "AWSLogs"]' in finding.remedy
    assert "s3:prefix" not in decide_access(listing("delta/", conditional=False), denied, role=ROLE).remedy


def test_what_is_denied_explicitly_names_the_deny_and_proposes_no_allow():
    decision = Decision(verdict="explicitDeny", statements=("guard, lines 2 to 6",))
    finding = decide_access(access(), decision, role=ROLE)
    assert finding.status == "failed"
    assert finding.detail.startswith("explicitly denied by guard, lines 2 to 6")
    assert finding.remedy == "Narrow or remove that Deny statement: no Allow overrides it."


@pytest.mark.parametrize(
    ("decision", "said", "remedy"),
    [
        (
            Decision(verdict="explicitDeny", boundary_denies=True),
            "explicitly denied by the role's permissions boundary",
            "no Allow overrides it",
        ),
        (
            Decision(verdict="implicitDeny", boundary_denies=True),
            "permissions boundary",
            "Add to the permissions",
        ),
        (
            Decision(verdict="implicitDeny", organization_denies=True),
            "and a service control policy of the organization denies it too",
            f"Add to the policy of {ROLE}",
        ),
    ],
)
def test_a_boundary_or_an_organization_that_does_not_allow_is_named(decision, said, remedy):
    finding = decide_access(access(), decision, role=ROLE)
    assert finding.status == "failed"
    assert said in finding.detail
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (Decision(verdict="implicitDeny", undecided=("aws:SourceVpc",)), "unless aws:SourceVpc matches"),
        (Decision(verdict="explicitDeny", undecided=("aws:SourceVpc",)), "unless aws:SourceVpc matches"),
        (Decision(verdict="allowed", organization_denies=True), "all other policies allow it"),
        (Decision(verdict="", organization_denies=True), "denied by a service control policy"),
        (Decision(verdict="implicitDeny", unread="the policy of bucket a"), "could not be read"),
    ],
)
def test_a_denial_that_a_real_request_may_not_meet_is_a_warning(decision, said):
    finding = decide_access(access(), decision, role=ROLE)
    assert finding.status == "warning"
    assert said in finding.detail
    assert finding.remedy


def answered(**more):
    """One result of IAM's, in its own form: EvaluationResult of the API reference."""
    return {
        "EvalActionName": "s3:GetObject",
        "EvalResourceName": "arn:${Partition}:s3:::${BucketName}/${KeyName}",
        "EvalDecision": "allowed",
        "ResourceSpecificResults": [
            {
                "EvalResourceName": access().resource_arn,
                "EvalResourceDecision": "allowed",
                "MatchedStatements": [{"SourcePolicyId": "s3"}],
                **more,
            }
        ],
    }


def ask(*pages, calls=1):
    """The decision that follows from these pages of an answer of IAM's, or of one answer per call."""
    iam = boto3.client("iam", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(iam) as stubber:
        for number, page in enumerate(pages, start=1):
            last = number == len(pages) or calls > 1
            answer = {"EvaluationResults": page, "IsTruncated": not last} | (
                {} if last else {"Marker": str(number)}
            )
            stubber.add_response("simulate_principal_policy", answer)
        return simulate(iam, ROLE, [access()])[access()]


def test_every_page_of_an_answer_is_read():
    other = answered() | {"EvalActionName": "s3:PutObject"}
    assert ask([other], [other], [answered()]).verdict == "allowed"


@pytest.mark.parametrize(
    ("partition", "region", "service"),
    [
        ("aws", "eu-west-1", "s3.eu-west-1.amazonaws.com"),
        ("aws-us-gov", "us-gov-west-1", "s3.us-gov-west-1.amazonaws.com"),
        ("aws-cn", "cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_key_is_asked_for_as_s3_of_its_partition_asks(partition, region, service):
    iam = boto3.client("iam", region_name=region, aws_access_key_id="x", aws_secret_access_key="x")
    sent = []
    iam.meta.events.register("before-parameter-build.iam", lambda params, **_: sent.append(dict(params)))
    key = access("kms:Decrypt", f"arn:{partition}:kms:{region}:111122223333:key/1")
    with Stubber(iam) as stubber:
        stubber.add_response("simulate_principal_policy", {"EvaluationResults": [], "IsTruncated": False})
        simulate(iam, f"arn:{partition}:iam::111122223333:role/reader", [key])
    entries = {one["ContextKeyName"]: one["ContextKeyValues"] for one in sent[0]["ContextEntries"]}
    assert entries["kms:ViaService"] == [service]


def test_service_control_policies_are_taken_as_aws_reports_them():
    denied = {"EvalResourceDecision": "implicitDeny", "MatchedStatements": []}
    result = answered(**denied) | {"OrganizationsDecisionDetail": {"AllowedByOrganizations": False}}
    # The second answer is the one without these policies.
    finding = decide_access(access(), ask([result], [answered()], calls=2), role=ROLE)
    assert (finding.status, "all other policies allow it" in finding.detail) == ("warning", True)
    finding = decide_access(access(), ask([result], [answered(**denied)], calls=2), role=ROLE)
    assert finding.status == "failed"
    assert json.loads("{" + finding.remedy.partition(": {")[2])["Action"] == ["s3:GetObject"]


def test_no_decision_is_not_a_pass():
    assert decide_access(access(), None, role=ROLE).status == "failed"


def test_off_asks_nothing_and_says_so():
    (finding,) = check_access(None, "", [access()], mode="off")
    assert (finding.status, finding.subject) == ("skipped", "reader role")
    assert "iam_simulation is 'off'" in finding.detail
