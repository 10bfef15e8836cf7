"""A check whether the policies of bucket, key and topic let CloudTrail deliver a trail's files.

AWS CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail": CreateTrail and UpdateTrail refuse a
bucket, topic or key whose policy does not grant CloudTrail access. The policy must name the service. The
request has only the trail's ARN and account, so a condition on anything else fails.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.aws.simulator.conditions import conditions_hold
from sandbox.aws.simulator.documents import Statement, parse
from sandbox.aws.simulator.errors import SimulationError
from sandbox.aws.simulator.patterns import Context, action_matches, value_matches

SERVICE = "cloudtrail.amazonaws.com"

# Action, resource, and the request's context in addition to its source.
Call = tuple[str, str, dict[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Delivery:
    """A trail's delivery: the account, the trail, and the folders below the prefix."""

    trail_arn: str
    account: str
    folders: tuple[str, ...]

    def lacks_in_bucket(self, policy: str, *, bucket_arn: str, prefix: str) -> str:
        """Return the first call that a bucket's policy does not allow, or an empty text."""
        root = f"{bucket_arn}/{prefix}/" if prefix else f"{bucket_arn}/"
        acl: dict[str, tuple[str, ...]] = {"s3:x-amz-acl": ("bucket-owner-full-control",)}
        calls: list[Call] = [("s3:GetBucketAcl", bucket_arn, {})]
        calls += [
            ("s3:PutObject", f"{root}AWSLogs/{folder}/CloudTrail/file.json.gz", acl)
            for folder in self.folders
        ]
        return self._first_denied(policy, calls)

    def lacks_in_topic(self, policy: str, *, topic_arn: str) -> str:
        """Return the same for a topic's policy."""
        return self._first_denied(policy, [("sns:Publish", topic_arn, {})])

    def lacks_in_key(self, policy: str, *, key_arn: str, bucket_key: bool = False) -> str:
        """Return the same for a key's policy; a bucket with an S3 Bucket Key also needs `kms:Decrypt`.

        Source: AWS CloudTrail User Guide, "Configure AWS KMS key policies for CloudTrail".
        """
        context: dict[str, tuple[str, ...]] = {"kms:encryptioncontext:aws:cloudtrail:arn": (self.trail_arn,)}
        calls: list[Call] = [("kms:GenerateDataKey", key_arn, context), ("kms:DescribeKey", key_arn, {})]
        calls += [("kms:Decrypt", key_arn, {})] if bucket_key else []
        return self._first_denied(policy, calls)

    def _first_denied(self, policy: str, calls: Iterable[Call]) -> str:
        try:
            document = parse(policy, source_id="policy", source_type="Resource Policy", needs_principal=True)
        except SimulationError as error:
            return str(error)
        source = {"aws:sourcearn": (self.trail_arn,), "aws:sourceaccount": (self.account,)}
        for action, resource, context in calls:
            matching = [
                statement
                for statement in document.statements
                if _names_service(statement) and _fits(statement, action, resource, source | context)
            ]
            if not matching or not all(statement.allows for statement in matching):
                return f"{action} on {resource}"
        return ""


def _names_service(statement: Statement) -> bool:
    principal = statement.body.get("Principal")
    if isinstance(principal, str):
        return principal == "*"
    named = (principal or {}).get("Service", [])
    return SERVICE in (named if isinstance(named, list) else [named])


def _fits(statement: Statement, action: str, resource: str, context: Context) -> bool:
    return (
        any(action_matches(pattern, action) for pattern in statement.values("Action"))
        and any(value_matches(pattern, resource, context) for pattern in statement.values("Resource"))
        and conditions_hold(statement, context)
    )
