"""Read the policies of buckets and keys, and convert them to what IAM's simulator accepts.

The simulator evaluates a resource's policy only if the caller is a user, who may have a role's policies ("as
if Bob had David's policies"). So the caller is a user of the role's account, and this user replaces the role
in the copy of the policy that is sent. Sources: IAM API Reference, SimulatePrincipalPolicy, `CallerArn` and
`ResourcePolicy`; Amazon S3 API, GetBucketPolicy; AWS KMS API, GetKeyPolicy. Both policies can be read only
from the account that owns the bucket or key, so what can be read belongs to the simulated account.
"""

import json
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.hooks.aws_errors import DENIED, NOT_FOUND, error_code
from cloudtrail_to_delta.iam.reader import Access, resource_policy
from cloudtrail_to_delta.preflight.findings import Finding

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

CHECK = "resource_policy"
NO_POLICY = "NoSuchBucketPolicy"
# How S3 and KMS refuse a policy that is another account's or that the caller may not read.
UNREADABLE = DENIED | NOT_FOUND | {"MethodNotAllowed", "NotFoundException"}


@dataclass(frozen=True)
class ResourcePolicy:
    """The policy of `owner`, which describes a bucket or key."""

    owner: str
    statements: tuple[Mapping[str, Any], ...]

    @classmethod
    def parse(cls, owner: str, text: str) -> "ResourcePolicy":
        """Parse the JSON that the service returns."""
        statements = json.loads(text)["Statement"]
        return cls(owner, tuple(statements) if isinstance(statements, list) else (statements,))

    def text_for(self, role: str) -> str:
        """Return the policy with the stand-in user in place of the role.

        Each statement has one line, from the second line on.
        """
        lines = ",\n".join(json.dumps(_with_stand_in(statement, role)) for statement in self.statements)
        return '{"Version": "2012-10-17", "Statement": [\n' + lines + "\n]}"

    def describe(self, matched: Mapping[str, Any]) -> str:
        """Return the name of a matched statement; empty if it belongs to another policy."""
        number = self._number(matched)
        if number is None:
            return ""
        name = self.statements[number].get("Sid") or f"number {number + 1}"
        return f"the policy of {self.owner}, statement {name}"

    def undecided(self, matched: Sequence[Mapping[str, Any]], missing: Iterable[str]) -> tuple[str, ...]:
        """Return the missing context keys of the matched statements, if each statement depends on some."""
        lacking = {key.lower() for key in missing}
        found: set[str] = set()
        for one in matched:
            number = self._number(one)
            conditions = {} if number is None else self.statements[number].get("Condition", {})
            keys = {key for of_operator in conditions.values() for key in of_operator}
            unknown = {key for key in keys if key.lower() in lacking}
            if not unknown:
                return ()
            found |= unknown
        return tuple(sorted(found))

    def _number(self, matched: Mapping[str, Any]) -> int | None:
        if "resource" not in str(matched.get("SourcePolicyType", "")).lower():
            return None
        # A statement ends on its line; IAM's start position is where the statement before it ends.
        number = matched.get("EndPosition", {}).get("Line", 0) - 2
        return number if 0 <= number < len(self.statements) else None


def owner_arn(resource: str) -> str:
    """Return the ARN whose policy applies to a resource: an object's bucket, otherwise the resource."""
    return resource.partition("/")[0] if ":s3:::" in resource else resource


def stand_in_user(role: str) -> str:
    """Return the ARN of the user that is simulated in place of the role."""
    return role.replace(":role/", ":user/", 1)


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
        a finding for each bucket and key, and ARN → policy for the policies that could be read.
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
            continue
        policies[arn] = ResourcePolicy.parse(owner, text)
        count = len(policies[arn].statements)
        detail = f"its policy ({count} statement{'s' if count > 1 else ''}) is simulated with the role's"
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


def _with_stand_in(statement: Mapping[str, Any], role: str) -> dict[str, Any]:
    copy = dict(statement)
    for element in ("Principal", "NotPrincipal"):
        named = copy.get(element)
        if isinstance(named, dict) and "AWS" in named:
            arns = named["AWS"] if isinstance(named["AWS"], list) else [named["AWS"]]
            copy[element] = named | {"AWS": [stand_in_user(role) if arn == role else arn for arn in arns]}
    return copy
