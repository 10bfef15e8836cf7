"""The policies of buckets and keys, read and put as IAM's simulator takes them.

It evaluates a resource's policy for a user as the caller only, and lets that user have a role's policies
("as if Bob had David's policies"). So a user of the role's account is the caller, and in the copy of the
policy that is sent it stands wherever the role does. Sources: IAM API Reference, SimulatePrincipalPolicy,
`CallerArn` and `ResourcePolicy`; Amazon S3 API, GetBucketPolicy; AWS KMS API, GetKeyPolicy: both answer the
account that owns the bucket or key only, so what can be read is of the simulated account.
"""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
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
# What S3 and KMS answer about what is another account's, or may not be read.
UNREADABLE = DENIED | NOT_FOUND | {"MethodNotAllowed", "NotFoundException"}


@dataclass(frozen=True)
class ResourcePolicy:
    """The policy of `owner`, a bucket or key in words."""

    owner: str
    statements: tuple[Mapping[str, Any], ...]

    @classmethod
    def parse(cls, owner: str, text: str) -> "ResourcePolicy":
        """Of the JSON that the service gives."""
        statements = json.loads(text)["Statement"]
        return cls(owner, tuple(statements) if isinstance(statements, list) else (statements,))

    def text_for(self, role: str) -> str:
        """The policy with the role's stand-in for the role: one statement per line, from the second on."""
        lines = ",\n".join(json.dumps(_with_stand_in(statement, role)) for statement in self.statements)
        return '{"Version": "2012-10-17", "Statement": [\n' + lines + "\n]}"

    def describe(self, matched: Mapping[str, Any]) -> str:
        """A matched statement in words; empty when it is not of this policy."""
        number = self._number(matched)
        if number is None:
            return ""
        name = self.statements[number].get("Sid") or f"number {number + 1}"
        return f"the policy of {self.owner}, statement {name}"

    def undecided(self, matched: Sequence[Mapping[str, Any]], missing: Iterable[str]) -> tuple[str, ...]:
        """The missing context keys that the matched statements depend on, when each depends on some."""
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
        # A statement ends on its own line; where it starts is where the one before it ends.
        number = matched.get("EndPosition", {}).get("Line", 0) - 2
        return number if 0 <= number < len(self.statements) else None


def owner_arn(resource: str) -> str:
    """Whose policy it is that bears on a resource: an object's bucket, else itself."""
    return resource.partition("/")[0] if ":s3:::" in resource else resource


def stand_in_user(role: str) -> str:
    """The ARN of the user that is simulated in the role's place."""
    return role.replace(":role/", ":user/", 1)


def fetch_policies(
    s3: "S3Client", kms: "KMSClient", accesses: Sequence[Access], *, role: str, without: Container[str] = ()
) -> tuple[list[Finding], dict[str, ResourcePolicy]]:
    """Read the policy of every bucket and key that is accessed, but not of the buckets in `without`.

    Returns:
        a finding per bucket and key, and ARN → policy of those that have one that can be read.
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
                else kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
            )
        except ClientError as error:
            findings.append(decide_unread(owner, error, of_owner, role=role))
            continue
        policies[arn] = ResourcePolicy.parse(owner, text)
        count = len(policies[arn].statements)
        detail = f"has a policy of {count} statement{'s' if count > 1 else ''}, simulated with the role's"
        findings.append(Finding(check=CHECK, subject=owner, status="ok", detail=detail))
    return findings, policies


def decide_unread(owner: str, error: Exception, accesses: Sequence[Access], *, role: str) -> Finding:
    """What follows when there is no policy to read; an error of another sort is raised again."""
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
        detail=f"its policy may not be read ({error}), so the simulation is without it",
        remedy="Allow s3:GetBucketPolicy and kms:GetKeyPolicy to the identity of the AWS connection. If it "
        f"is another account's, see that its policy allows: {needed}",
    )


def _with_stand_in(statement: Mapping[str, Any], role: str) -> dict[str, Any]:
    copy = dict(statement)
    for element in ("Principal", "NotPrincipal"):
        named = copy.get(element)
        if isinstance(named, dict) and "AWS" in named:
            arns = named["AWS"] if isinstance(named["AWS"], list) else [named["AWS"]]
            copy[element] = named | {"AWS": [stand_in_user(role) if arn == role else arn for arn in arns]}
    return copy
