"""Read the policies of buckets and keys, and judge what they mean for a request of the reader role.

IAM's simulator evaluates a resource's policy for users only ("Simulation of resource-based policies isn't
supported for IAM roles"), so preflight evaluates these policies itself (docs/adr/0015-permissions.md).
Sources: Amazon S3 API, GetBucketPolicy; AWS KMS API, GetKeyPolicy; IAM User Guide, "Policy evaluation logic"
and "AWS JSON policy elements: Principal". Both policies can be read only from the account that owns the
bucket or key, so what can be read belongs to the role's account.
"""

import json
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cloudtrail_to_delta.hooks.aws_errors import DENIED, NOT_FOUND, error_code
from cloudtrail_to_delta.iam.reader import Access, resource_policy
from cloudtrail_to_delta.preflight.conditions import Known, Outcome, evaluate, matches
from cloudtrail_to_delta.preflight.findings import Finding

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

CHECK = "resource_policy"
NO_POLICY = "NoSuchBucketPolicy"
# How S3 and KMS refuse a policy that is another account's or that the caller may not read.
UNREADABLE = DENIED | NOT_FOUND | {"MethodNotAllowed", "NotFoundException"}
# S3 answers 405 for the policy of another account's bucket. Source: Amazon S3 API, GetBucketPolicy.
OTHER_ACCOUNT = frozenset({"MethodNotAllowed"})


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a resource's policy means for one request.

    A statement is unclear if it depends on context keys that only a real request has.

    Attributes:
        denying: the statements that deny it.
        unclear_denying: statements that deny it unless one of their unknown keys matches → these keys.
        granting: the statements that allow it to the role itself.
        delegating: the statements that leave it to the policies of the role's account.
        unclear_granting: statements that may allow it, to the role or the account → their unknown keys.
    """

    denying: tuple[str, ...] = ()
    unclear_denying: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    granting: tuple[str, ...] = ()
    delegating: tuple[str, ...] = ()
    unclear_granting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourcePolicy:
    """The policy of `owner`, which describes a bucket or key; `unread` if it exists but could not be read."""

    owner: str
    statements: tuple[Mapping[str, Any], ...] = ()
    unread: bool = False

    @classmethod
    def parse(cls, owner: str, text: str) -> "ResourcePolicy":
        """Parse the JSON that the service returns."""
        statements = json.loads(text)["Statement"]
        return cls(owner, tuple(statements) if isinstance(statements, list) else (statements,))

    def judge(self, access: Access, role: str, context: Known, *, bounded: bool = False) -> Judgement:
        """Judge one request; `bounded` says whether the role has a permissions boundary."""
        denying, granting, delegating = list[str](), list[str](), list[str]()
        unclear_denying, unclear_granting = dict[str, tuple[str, ...]](), dict[str, tuple[str, ...]]()
        for number, statement in enumerate(self.statements, start=1):
            named = names_role(statement, role, bounded=bounded)
            found = applies(statement, access, context)
            if named == "nobody" or found is None:
                continue
            name = f"the policy of {self.owner}, statement {statement.get('Sid') or f'number {number}'}"
            if statement["Effect"] == "Deny":
                if found.missing and found.absent:
                    unclear_denying[name] = found.missing
                elif not found.missing:
                    denying.append(name)
            elif found.missing:
                unclear_granting[name] = found.missing
            else:
                (granting if named == "role" else delegating).append(name)
        return Judgement(
            denying=tuple(denying),
            unclear_denying=unclear_denying,
            granting=tuple(granting),
            delegating=tuple(delegating),
            unclear_granting=unclear_granting,
        )


def names_role(
    statement: Mapping[str, Any], role: str, *, bounded: bool
) -> Literal["role", "account", "nobody"]:
    """Return whether a statement's principal is the role itself, its account, or neither.

    NotPrincipal exempts a role only if it names the role and its account, and never a role with a permissions
    boundary. Source: IAM User Guide, "NotPrincipal", key points.
    """
    element = "NotPrincipal" if "NotPrincipal" in statement else "Principal"
    value = statement.get(element, {})
    named = set(_listed(value.get("AWS", []) if isinstance(value, dict) else value))
    _, partition, _, _, account, _ = role.split(":", 5)
    itself = bool(named & {"*", role})
    by_account = bool(named & {account, f"arn:{partition}:iam::{account}:root"})
    if element == "NotPrincipal":
        exempt = "*" in named or (itself and by_account and not bounded)
        return "nobody" if exempt else "role"
    return "role" if itself else "account" if by_account else "nobody"


def applies(statement: Mapping[str, Any], access: Access, context: Known) -> Outcome | None:
    """Return the outcome of a statement's conditions; None if the statement is not about the request."""
    if not _covers(statement, access, context):
        return None
    found = evaluate(statement.get("Condition", {}), context)
    return found if found.known else None


def _covers(statement: Mapping[str, Any], access: Access, context: Known) -> bool:
    action, resource = access.action.lower(), access.resource_arn
    actions = _listed(statement.get("Action", statement.get("NotAction", [])))
    resources = _listed(statement.get("Resource", statement.get("NotResource", [])))
    by_action = any(matches(pattern.lower(), action) for pattern in actions) != ("NotAction" in statement)
    by_resource = any(matches(pattern, resource, context) for pattern in resources)
    return by_action and by_resource != ("NotResource" in statement)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def owner_arn(resource: str) -> str:
    """Return the ARN whose policy applies to a resource: an object's bucket, otherwise the resource."""
    return resource.partition("/")[0] if ":s3:::" in resource else resource


def fetch_policies(
    s3: "S3Client",
    kms: "Callable[[str], KMSClient]",
    accesses: Sequence[Access],
    *,
    role: str,
    without: Container[str] = (),
) -> tuple[list[Finding], dict[str, ResourcePolicy]]:
    """Read the policy of every bucket and key that is accessed, except the buckets in `without`.

    `kms` returns the client for a region: each key's policy is read in the key's region.

    Returns:
        a finding for each bucket and key, and ARN → policy. A bucket without a policy has one without
        statements. Only the policies of another account's buckets and keys are left out.
    """
    from botocore.exceptions import ClientError

    findings: list[Finding] = []
    policies: dict[str, ResourcePolicy] = {}
    for arn in dict.fromkeys(owner_arn(access.resource_arn) for access in accesses):
        service, name = arn.split(":")[2] if ":" in arn else "", arn.rpartition(":")[2]
        if service not in ("s3", "kms") or name in without:
            continue
        owner = f"bucket {name}" if service == "s3" else f"key {arn}"
        of_owner = [access for access in accesses if owner_arn(access.resource_arn) == arn]
        try:
            text = (
                s3.get_bucket_policy(Bucket=name)["Policy"]
                if service == "s3"
                else kms(arn.split(":")[3]).get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
            )
        except ClientError as error:
            findings.append(decide_unread(owner, error, of_owner, role=role))
            foreign = error_code(error) in OTHER_ACCOUNT or arn.split(":")[4] not in ("", role.split(":")[4])
            if not foreign:
                policies[arn] = ResourcePolicy(owner, unread=error_code(error) != NO_POLICY)
            continue
        policies[arn] = ResourcePolicy.parse(owner, text)
        count = len(policies[arn].statements)
        detail = f"its policy ({count} statement{'s' if count > 1 else ''}) is evaluated with the role's"
        findings.append(Finding(check=CHECK, subject=owner, status="ok", detail=detail))
    return findings, policies


def decide_unread(owner: str, error: Exception, accesses: Sequence[Access], *, role: str) -> Finding:
    """Return the finding for a missing or unreadable policy; raise any other error again."""
    code = error_code(error)
    if code == NO_POLICY:
        return Finding(check=CHECK, subject=owner, status="ok", detail="has no policy")
    if code not in UNREADABLE:
        raise error
    needed = json.dumps(resource_policy(accesses, principal=role))
    return Finding(
        check=CHECK,
        subject=owner,
        status="warning",
        detail=f"its policy could not be read ({error}), so the simulation does not include it",
        remedy="Allow the identity of the AWS connection s3:GetBucketPolicy and kms:GetKeyPolicy. If the "
        f"bucket or key belongs to another account, make sure that its policy allows: {needed}",
    )
