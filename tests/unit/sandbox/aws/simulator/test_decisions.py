"""The evaluation logic of IAM as a table: what is attached, what is asked, what comes out.

Each case cites its rule in the IAM User Guide: [E] "Policy evaluation logic", [B] "Permissions boundaries
for IAM entities", [R] "Identity-based policies and resource-based policies", [X] "Cross-account policy
evaluation logic", [K] "Key policies in AWS KMS", [C] "Condition operators", [W] "Resource" and
"NotResource", [A] "Action", [P] "NotPrincipal", [V] "Version" and "Variables and tags"; AWS Organizations
User Guide, [S] "SCP evaluation".
"""

import pytest

from sandbox.aws.simulator.decisions import Policies, Request, decide
from sandbox.aws.simulator.errors import InvalidInputError
from tests.unit.sandbox.aws.simulator.made import (
    ACCOUNT,
    KEY,
    OBJECT,
    OTHER,
    USER,
    allow,
    deny,
    document,
    to,
    verdict,
    when,
)

IDENTITY = [
    ("[E] nothing allows", [], "implicitDeny"),
    ("[E] an allow", [allow()], "allowed"),
    ("[E] a deny beside the allow", [allow(), deny()], "explicitDeny"),
    ("[E] a deny before the allow", [deny(), allow()], "explicitDeny"),
    ("[E] a deny of something else", [allow(), deny("s3:PutObject")], "allowed"),
    ("[A] another action", [allow("s3:PutObject")], "implicitDeny"),
    ("[A] one of a list", [allow(["s3:PutObject", "s3:GetObject"])], "allowed"),
    ("[A] a wildcard", [allow("s3:Get*")], "allowed"),
    ("[A] one character", [allow("s3:GetObjec?")], "allowed"),
    ("[A] no case", [allow("S3:getobject")], "allowed"),
    ("[A] every action", [allow("*")], "allowed"),
    ("[A] a prefix is not a match", [allow("s3:Get")], "implicitDeny"),
    ("[A] NotAction of another", [{"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"}], "allowed"),
    ("[A] NotAction of this", [{"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}], "implicitDeny"),
    ("[W] another bucket", [allow(resource="arn:aws:s3:::lake/*")], "implicitDeny"),
    ("[W] one of a list", [allow(resource=["arn:aws:s3:::lake/*", OBJECT])], "allowed"),
    ("[W] the bucket is not its objects", [allow(resource="arn:aws:s3:::logs")], "implicitDeny"),
    ("[W] a wildcard crosses slashes", [allow(resource="arn:aws:s3:::logs/*.json.gz")], "allowed"),
    ("[W] a dot is a dot", [allow(resource="arn:aws:s3:::logs/AWSLogs/1/a.json?gzz")], "implicitDeny"),
    ("[W] the whole ARN", [allow(resource="*")], "allowed"),
    ("[W] a star that ends a segment crosses colons", [allow(resource="arn:aws:s3:*")], "allowed"),
    ("[W] one within a segment does not", [allow(resource="arn:aws:s*logs/AWSLogs/*")], "implicitDeny"),
    ("[W] two in one segment", [allow(resource="arn:aws:s3:::l*s/*/a.json.gz")], "allowed"),
    ("[W] a question mark is one character", [allow(resource="arn:aws:s3:::log?/*")], "allowed"),
    ("[W] case counts", [allow(resource="arn:aws:s3:::logs/awslogs/*")], "implicitDeny"),
    (
        "[W] NotResource of another",
        [{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::lake/*"}],
        "allowed",
    ),
    (
        "[W] NotResource of this",
        [{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::logs/*"}],
        "implicitDeny",
    ),
    (
        "[W] a deny on all but this",
        [allow(), {"Effect": "Deny", "Action": "*", "NotResource": OBJECT}],
        "allowed",
    ),
]


@pytest.mark.parametrize(("rule", "statements", "expected"), IDENTITY, ids=[case[0] for case in IDENTITY])
def test_identity_policies_decide_by_the_documented_rules(rule, statements, expected):
    assert verdict(statements) == expected


BOUNDARY = [
    ("[B] both allow", [allow()], [allow("s3:*", "*")], "allowed"),
    ("[B] the boundary does not allow", [allow()], [allow("kms:*", "*")], "implicitDeny"),
    ("[B] the boundary alone grants nothing", [], [allow("s3:*", "*")], "implicitDeny"),
    ("[B] the boundary denies", [allow()], [allow("*", "*"), deny()], "explicitDeny"),
    ("[B] a deny counts without any allow", [], [deny()], "explicitDeny"),
]


@pytest.mark.parametrize(
    ("rule", "statements", "boundary", "expected"), BOUNDARY, ids=[case[0] for case in BOUNDARY]
)
def test_a_boundary_limits_what_identity_policies_grant(rule, statements, boundary, expected):
    assert verdict(statements, boundary=boundary) == expected


ROOT = f"arn:aws:iam::{ACCOUNT}:root"
RESOURCE = [
    ("[R] the user is named", [], [to({"AWS": USER}, allow())], "allowed"),
    ("[R] one of a list", [], [to({"AWS": [ROOT, USER]}, allow())], "allowed"),
    ("[R] everybody", [], [to("*", allow())], "allowed"),
    ("[R] everybody, written as AWS", [], [to({"AWS": "*"}, allow())], "allowed"),
    ("[R] somebody else", [], [to({"AWS": f"{USER}s"}, allow())], "implicitDeny"),
    ("[R] a service", [], [to({"Service": "cloudtrail.amazonaws.com"}, allow())], "implicitDeny"),
    ("[R] the account only delegates", [], [to({"AWS": ROOT}, allow())], "implicitDeny"),
    ("[R] the account, and the user's own policy", [allow()], [to({"AWS": ACCOUNT}, allow())], "allowed"),
    ("[R] silent, and the user's own policy", [allow()], [to("*", allow("s3:PutObject"))], "allowed"),
    ("[R] a deny for everybody", [allow()], [to("*", deny())], "explicitDeny"),
    ("[R] a deny for the account", [allow()], [to({"AWS": ROOT}, deny())], "explicitDeny"),
    ("[R] a deny for somebody else", [allow()], [to({"AWS": f"{USER}s"}, deny())], "allowed"),
    ("[P] all but this user", [allow()], [{**deny(), "NotPrincipal": {"AWS": [USER, ROOT]}}], "allowed"),
    ("[P] all but him, by id", [allow()], [{**deny(), "NotPrincipal": {"AWS": [USER, ACCOUNT]}}], "allowed"),
    ("[P] without the account", [allow()], [{**deny(), "NotPrincipal": {"AWS": USER}}], "explicitDeny"),
    ("[P] the account alone", [allow()], [{**deny(), "NotPrincipal": {"AWS": ROOT}}], "explicitDeny"),
    (
        "[P] a colleague and the account",
        [allow()],
        [{**deny(), "NotPrincipal": {"AWS": [f"{USER}s", ROOT]}}],
        "explicitDeny",
    ),
    ("[P] all but another", [allow()], [{**deny(), "NotPrincipal": {"AWS": "x"}}], "explicitDeny"),
]


@pytest.mark.parametrize(
    ("rule", "statements", "resource_policy", "expected"), RESOURCE, ids=[case[0] for case in RESOURCE]
)
def test_in_one_account_a_resource_policy_grants_beside_identity_policies(
    rule, statements, resource_policy, expected
):
    assert verdict(statements, resource_policy=resource_policy) == expected


def test_an_exception_by_not_principal_does_not_help_a_principal_with_a_boundary():
    excepted = [{**deny(), "NotPrincipal": {"AWS": [USER, ROOT]}}]
    assert verdict([allow()], boundary=[allow("*", "*")], resource_policy=excepted) == "explicitDeny"


def test_not_principal_is_only_for_deny():
    with pytest.raises(InvalidInputError, match="NotPrincipal is only for Deny"):
        verdict([], resource_policy=[{**allow(), "NotPrincipal": {"AWS": f"{USER}s"}}])


def test_a_resource_policy_that_names_the_user_is_not_limited_by_the_boundary():
    named = [to({"AWS": USER}, allow())]
    assert verdict([], boundary=[allow("kms:*", "*")], resource_policy=named) == "allowed"


def test_an_explicit_deny_in_the_boundary_limits_a_resource_policy_too():
    named = [to({"AWS": USER}, allow())]
    assert verdict([], boundary=[allow("*", "*"), deny()], resource_policy=named) == "explicitDeny"


KMS = [
    ("[K] the key delegates to IAM, IAM allows", [allow("kms:*", KEY)], ROOT, "allowed"),
    ("[K] the key delegates to IAM, IAM is silent", [], ROOT, "implicitDeny"),
    ("[K] the key names the user", [], USER, "allowed"),
    ("[K] IAM allows, the key is silent", [allow("kms:*", KEY)], f"{USER}s", "implicitDeny"),
]


@pytest.mark.parametrize(("rule", "statements", "principal", "expected"), KMS, ids=[case[0] for case in KMS])
def test_the_policy_of_a_kms_key_must_take_part(rule, statements, principal, expected):
    key_policy = [to({"AWS": principal}, allow("kms:Decrypt", "*"))]
    assert verdict(statements, resource_policy=key_policy, action="kms:Decrypt", resource=KEY) == expected


CROSS = [
    ("[X] both sides", [allow()], [to({"AWS": USER}, allow())], "allowed"),
    ("[X] both sides, by account", [allow()], [to({"AWS": ROOT}, allow())], "allowed"),
    ("[X] only the resource", [], [to({"AWS": USER}, allow())], "implicitDeny"),
    (
        "[X] only the identity",
        [allow()],
        [to({"AWS": f"arn:aws:iam::{OTHER}:root"}, allow())],
        "implicitDeny",
    ),
    ("[X] the resource denies", [allow()], [to("*", deny())], "explicitDeny"),
]


@pytest.mark.parametrize(
    ("rule", "statements", "resource_policy", "expected"), CROSS, ids=[case[0] for case in CROSS]
)
def test_across_accounts_both_sides_must_grant(rule, statements, resource_policy, expected):
    assert verdict(statements, resource_policy=resource_policy, owner=OTHER) == expected


def test_a_boundary_also_limits_access_across_accounts():
    granted = [to({"AWS": USER}, allow())]
    assert (
        verdict([allow()], boundary=[allow("kms:*", "*")], resource_policy=granted, owner=OTHER)
        == "implicitDeny"
    )


ALL = allow("*", "*")
ORGANIZATION = [
    ("[S] every level allows", [[ALL], [ALL]], "allowed"),
    ("[S] a level allows only this", [[ALL], [allow("s3:Get*", "*")]], "allowed"),
    ("[S] a level allows something else", [[allow("kms:*", "*")], [ALL]], "implicitDeny"),
    ("[S] a level has nothing", [[ALL], []], "implicitDeny"),
    ("[S] a level denies", [[ALL], [ALL, deny()]], "explicitDeny"),
    ("[S] a deny of something else", [[ALL, deny("s3:PutObject")]], "allowed"),
    (
        "[S] a deny but for a region",
        [[ALL, deny(**when("StringNotEquals", "aws:RequestedRegion", "us-east-1"))]],
        "allowed",
    ),
]


@pytest.mark.parametrize(("rule", "levels", "expected"), ORGANIZATION, ids=[case[0] for case in ORGANIZATION])
def test_service_control_policies_limit_whatever_the_account_grants(rule, levels, expected):
    request = Request(
        principal=USER,
        action="s3:GetObject",
        resource=OBJECT,
        context={"aws:requestedregion": ("us-east-1",)},
        resource_account=ACCOUNT,
    )
    policies = Policies(
        identity=(document([allow()], "identity"),),
        resource=document([to({"AWS": USER}, allow())], "resource", resource=True),
        organization=tuple(tuple(document([one], "scp") for one in level) for level in levels),
    )
    decision = decide(request, policies)
    assert decision.verdict == expected
    assert decision.organization_allows is (expected == "allowed")
    # They grant nothing themselves.
    alone = Policies(identity=(), organization=policies.organization)
    assert decide(request, alone).verdict in ("implicitDeny", expected if expected != "allowed" else "")
