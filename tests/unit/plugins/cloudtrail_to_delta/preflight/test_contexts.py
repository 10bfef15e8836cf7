"""A table of contexts in which real accounts work, or may work: preflight never says `failed` about them.

IAM is the sandbox's simulator, in this process. Each case shows what exists in an account and the status of
the finding. The last cases are accounts that do not work: they fail.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters

from cloudtrail_to_delta.iam.reader import DECRYPT_LOGS, READ_LOGS, Access
from cloudtrail_to_delta.preflight.request_context import Circumstances
from cloudtrail_to_delta.preflight.resource_policies import ResourcePolicy
from cloudtrail_to_delta.preflight.simulation import decide_access
from cloudtrail_to_delta.preflight.simulator import simulate
from sandbox.aws.simulator.documents import parse
from sandbox.aws.simulator.principals import principal_from_arn
from sandbox.aws.simulator.simulation import Attached
from sandbox.aws.simulator.simulation import simulate as answer

ACCOUNT, OTHER, ORGANIZATION = "111122223333", "999988887777", "o-a1b2c3d4e5"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
BUCKET = "arn:aws:s3:::audit"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"
READ = Access(action="s3:GetObject", resource_arn=f"{BUCKET}/AWSLogs/*", purpose="read", statement=READ_LOGS)
DECRYPT = Access(action="kms:Decrypt", resource_arn=KEY, purpose="decrypt", statement=DECRYPT_LOGS)
KNOWN = Circumstances(region="eu-west-1", organization=ORGANIZATION, log_account=ACCOUNT)


def one(effect: str, action: Any = "*", principal: Any = None, **more: Any) -> dict[str, Any]:
    named = {} if principal is None else {"Principal": principal}
    actions = {} if "NotAction" in more else {"Action": action}
    return {"Sid": "This", "Effect": effect, "Resource": "*", **actions, **named, **more}


def when(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


IAM_MODEL = botocore.session.get_session().get_service_model("iam")
PARAMETERS = IAM_MODEL.operation_model("SimulatePrincipalPolicy").input_shape
ALL = one("Allow")
NOTHING = one("Allow", "sts:GetCallerIdentity")


@dataclass
class Iam:
    """The calls of IAM that preflight makes, answered by the sandbox's simulator."""

    identity: list[dict[str, Any]]
    boundary: list[dict[str, Any]] | None = None
    organization: list[dict[str, Any]] = field(default_factory=list)
    boundary_is_readable: bool = True

    def get_paginator(self, _: str) -> "Iam":
        return self

    def paginate(self, **request: Any) -> Any:
        validate_parameters(request, PARAMETERS)
        return [answer(request, principal_from_arn(request["PolicySourceArn"]), self._attached())]

    def _attached(self) -> Attached:
        levels = [[one("Allow")], self.organization] if self.organization else []
        return Attached(
            identity=(document(self.identity, "identity"),),
            boundary=document(self.boundary, "limits") if self.boundary else None,
            organization=tuple((document([ALL, *level], "scp"),) for level in levels),
        )

    def get_role(self, **_: Any) -> Any:
        return {"Role": {"PermissionsBoundary": {"PermissionsBoundaryArn": f"{ROLE}-limits"}}}

    def get_policy(self, **_: Any) -> Any:
        if not self.boundary_is_readable:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetPolicy")
        return {"Policy": {"DefaultVersionId": "v1"}}

    def get_policy_version(self, **_: Any) -> Any:
        return {"PolicyVersion": {"Document": {"Statement": self.boundary}}}


def document(statements: list[dict[str, Any]], name: str) -> Any:
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return parse(text, source_id=name, source_type="IAM Policy")


REGION_LOCK = one(
    "Deny",
    NotAction=["iam:*", "organizations:*", "sts:*"],
    Condition={
        "StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]},
        "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/AWSControlTowerExecution"},
    },
)
PERIMETER = one("Deny", **when("StringNotEqualsIfExists", "aws:ResourceOrgID", "${aws:PrincipalOrgID}"))
ONLY_ENDPOINT = one("Deny", "s3:*", "*", **when("StringNotEquals", "aws:SourceVpce", "vpce-1a2b3c4d"))
# Source: CloudTrail User Guide, "Default KMS key policy created in CloudTrail console".
CONSOLE_KEY = [
    one("Allow", "kms:*", {"AWS": f"arn:aws:iam::{ACCOUNT}:role/admin"}),
    one(
        "Allow",
        "kms:GenerateDataKey*",
        {"Service": "cloudtrail.amazonaws.com"},
        **when("StringEquals", "aws:SourceArn", f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/audit"),
    ),
    one(
        "Allow",
        ["kms:Decrypt", "kms:ReEncryptFrom"],
        {"AWS": "*"},
        Condition={
            "StringEquals": {"kms:CallerAccount": ACCOUNT},
            "StringLike": {
                "kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"
            },
        },
    ),
]
# Source: AWS KMS Developer Guide, "AWS managed keys"; GetKeyPolicy of alias/aws/s3.
MANAGED_KEY = [
    one(
        "Allow",
        ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        {"AWS": "*"},
        Condition={
            "StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:ViaService": "s3.eu-west-1.amazonaws.com"}
        },
    )
]
OF_ONE_TRAIL = one(
    "Allow",
    "kms:Decrypt",
    {"AWS": "*"},
    **when("StringEquals", "kms:EncryptionContext:aws:cloudtrail:arn", f"arn:aws:cloudtrail:::{ACCOUNT}"),
)
ANY_TRAIL = one("Allow", "kms:Decrypt", **when("Null", "kms:EncryptionContext:aws:cloudtrail:arn", "false"))
IN_VPC = when("StringEquals", "aws:SourceVpc", "vpc-1")

WORKS = {
    "Control Tower's region lock": (READ, Iam([ALL], organization=[REGION_LOCK]), None, "ok"),
    "a region lock that leaves out this region": (
        READ,
        Iam([ALL], organization=[one("Deny", **when("StringNotEquals", "aws:RequestedRegion", "us-east-1"))]),
        None,
        "warning",
    ),
    "a data perimeter around the organization": (READ, Iam([ALL], organization=[PERIMETER]), [], "ok"),
    "the same with another owner of the bucket": (
        READ,
        Iam([ALL], organization=[PERIMETER]),
        None,
        "warning",
    ),
    "an organization that admits one network": (
        READ,
        Iam([ALL], organization=[one("Deny", **when("NotIpAddress", "aws:SourceIp", "10.0.0.0/8"))]),
        None,
        "warning",
    ),
    "a role limited to a region": (
        READ,
        Iam([one("Allow", "s3:*", **when("StringEquals", "aws:RequestedRegion", "eu-west-1"))]),
        None,
        "ok",
    ),
    "a role limited to the buckets of its account": (
        READ,
        Iam([one("Allow", "s3:*", **when("StringEquals", "aws:ResourceAccount", ACCOUNT))]),
        [],
        "ok",
    ),
    "the same for a bucket of another account": (
        READ,
        Iam([one("Allow", "s3:*", **when("StringEquals", "aws:ResourceAccount", OTHER))]),
        None,
        "warning",
    ),
    "a role limited to a VPC": (READ, Iam([one("Allow", "s3:*", **IN_VPC)]), None, "warning"),
    "a role that is denied elsewhere than in a VPC": (
        READ,
        Iam([ALL, one("Deny", **when("StringNotEquals", "aws:SourceVpc", "vpc-1"))]),
        None,
        "warning",
    ),
    "a bucket open to one VPC endpoint": (READ, Iam([ALL]), [ONLY_ENDPOINT], "warning"),
    "a bucket that grants the role access in a VPC": (
        READ,
        Iam([NOTHING]),
        [one("Allow", "s3:*", {"AWS": ROLE}, **IN_VPC)],
        "warning",
    ),
    "a bucket that denies plain HTTP and old TLS": (
        READ,
        Iam([ALL]),
        [
            one("Deny", "s3:*", "*", **when("Bool", "aws:SecureTransport", "false")),
            one("Deny", "s3:*", "*", **when("NumericLessThan", "s3:TlsVersion", "1.2")),
        ],
        "ok",
    ),
    "a bucket that only the organization may use": (
        READ,
        Iam([ALL]),
        [one("Deny", "s3:*", "*", **when("StringNotEquals", "aws:PrincipalOrgID", ORGANIZATION))],
        "ok",
    ),
    "a bucket whose policy cannot be read": (READ, Iam([NOTHING]), "unread", "warning"),
    # The policies of another account's bucket and key cannot be read from the reader's account.
    "a reader of another account's bucket": (READ, Iam([one("Allow", "s3:GetObject")]), "unread", "ok"),
    "a reader with another account's key": (DECRYPT, Iam([one("Allow", "kms:Decrypt")]), "unread", "ok"),
    "a reader of another account that admits one network": (
        READ,
        Iam([ALL], organization=[one("Deny", **when("NotIpAddress", "aws:SourceIp", "10.0.0.0/8"))]),
        "unread",
        "warning",
    ),
    "a boundary limited to a VPC": (
        READ,
        Iam([ALL], boundary=[one("Allow", "s3:*", **IN_VPC)]),
        [],
        "warning",
    ),
    "a boundary that cannot be read": (
        READ,
        Iam([ALL], boundary=[NOTHING], boundary_is_readable=False),
        [],
        "warning",
    ),
    "the key that CloudTrail's console makes": (DECRYPT, Iam([NOTHING]), CONSOLE_KEY, "ok"),
    "a role that may decrypt the logs of every trail": (
        DECRYPT,
        Iam([ANY_TRAIL]),
        [one("Allow", "kms:*", ROOT)],
        "ok",
    ),
    "a key that serves one trail": (DECRYPT, Iam([NOTHING]), [OF_ONE_TRAIL], "warning"),
    "a key whose policy cannot be read": (DECRYPT, Iam([NOTHING]), "unread", "warning"),
    "the key aws/s3": (DECRYPT, Iam([NOTHING]), MANAGED_KEY, "ok"),
    "a key that only S3 may use": (
        DECRYPT,
        Iam([one("Allow", "kms:*", **when("StringLike", "kms:ViaService", "s3.*.amazonaws.com"))]),
        [one("Allow", "kms:*", ROOT)],
        "ok",
    ),
}
FAILS = {
    "nothing allows it": (READ, Iam([NOTHING]), [], "failed"),
    "a condition of another service is no excuse": (
        READ,
        Iam([one("Allow", "sts:*", **when("StringEquals", "sts:ExternalId", "x"))]),
        [],
        "failed",
    ),
    "the role is denied": (READ, Iam([ALL, one("Deny", "s3:GetObject")]), [], "failed"),
    "the bucket denies": (READ, Iam([ALL]), [one("Deny", "s3:*", "*")], "failed"),
    "the bucket denies, also beside an endpoint": (
        READ,
        Iam([ALL]),
        [ONLY_ENDPOINT, one("Deny", "s3:GetObject", "*")],
        "failed",
    ),
    "the bucket admits another organization only": (
        READ,
        Iam([ALL]),
        [one("Deny", "s3:*", "*", **when("StringNotEquals", "aws:PrincipalOrgID", "o-zzzzzzzzzz"))],
        "failed",
    ),
    "the boundary does not allow it": (READ, Iam([ALL], boundary=[NOTHING]), [], "failed"),
    "the boundary denies it, also with a grant in a VPC": (
        READ,
        Iam([ALL], boundary=[one("Allow", "s3:*", **IN_VPC), one("Deny", "s3:GetObject")]),
        [],
        "failed",
    ),
    "neither the organization nor the role allows it": (
        READ,
        Iam([NOTHING], organization=[one("Deny", "s3:*")]),
        [],
        "failed",
    ),
    "the key does not know the account": (
        DECRYPT,
        Iam([ALL]),
        [one("Allow", "kms:*", {"AWS": f"arn:aws:iam::{ACCOUNT}:role/admin"})],
        "failed",
    ),
    "the key leaves it to a role that may not": (
        DECRYPT,
        Iam([NOTHING]),
        [one("Allow", "kms:*", ROOT)],
        "failed",
    ),
}


@pytest.mark.parametrize(
    ("access", "iam", "policy", "status"), [*WORKS.values(), *FAILS.values()], ids=[*WORKS, *FAILS]
)
def test_an_account_that_works_never_fails_and_one_that_does_not_work_does(access, iam, policy, status):
    arn = access.resource_arn.partition("/AWSLogs")[0]
    policies = {}
    if policy is not None:
        unread = policy == "unread"
        policies = {arn: ResourcePolicy("it", () if unread else tuple(policy), unread=unread)}
    decision = simulate(iam, ROLE, [access], policies, KNOWN)[access]
    finding = decide_access(access, decision, role=ROLE)
    assert finding.status == status, finding
    assert status == "ok" or finding.remedy


def test_the_statement_and_the_key_of_an_undecided_denial_are_named():
    policies = {BUCKET: ResourcePolicy("bucket audit", (ONLY_ENDPOINT,))}
    decision = simulate(Iam([ALL]), ROLE, [READ], policies, KNOWN)[READ]
    detail = decide_access(READ, decision, role=ROLE).detail
    assert "the policy of bucket audit, statement This unless aws:SourceVpce matches" in detail
