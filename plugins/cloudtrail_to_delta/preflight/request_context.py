"""The context keys of the requests that the cluster will send, as far as they are known before it runs.

Sources: IAM User Guide, "AWS global condition context keys"; Service Authorization Reference, "Condition keys
for Amazon S3" and "for AWS KMS"; CloudTrail User Guide, "Configure AWS KMS key policies for CloudTrail".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cloudtrail_to_delta.iam.reader import DECRYPT_LOGS, LIST, Access, s3_service

if TYPE_CHECKING:
    from mypy_boto3_iam.literals import ContextKeyTypeEnumType
    from mypy_boto3_iam.type_defs import ContextEntryTypeDef

TRAIL_KEY = "kms:EncryptionContext:aws:cloudtrail:arn"
# No request of the pipeline has these. Services set them when they act by themselves, and users have names.
_NEVER = frozenset(
    {"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "aws:username"}
)
_NEVER_STARTS = ("aws:requesttag/", "aws:tagkeys")
# Only listings have these; policies often limit them to a prefix. Source: Service Authorization Reference.
_OF_LISTS = frozenset({"s3:prefix", "s3:delimiter", "s3:max-keys"})
_NUMBERS = frozenset({"s3:TlsVersion"})


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What is known about the cluster's requests besides the role, the action and the resource.

    Attributes:
        region: where the cluster runs and the buckets are.
        bucket_regions: the regions of buckets elsewhere.
        organization: the ID of the trail's organization, if the logs are those of an organization.
        log_account: the account whose trail wrote the logs, if it is one account.
        own: the ARNs of the buckets that belong to the role's account.
    """

    region: str = ""
    bucket_regions: Mapping[str, str] = field(default_factory=dict)
    organization: str = ""
    log_account: str = ""
    own: frozenset[str] = frozenset()


def context_of(
    access: Access, role: str, known: Circumstances, *, trail: bool = True
) -> dict[str, tuple[str, ...]]:
    """Return the context keys of one access and their values.

    The trail's name is not known. With `trail`, the context of a log file's key has the ARN of some trail of
    the right account: key policies usually name the trails of an account as `trail/*`.
    """
    _, partition, service, region, account, name = f"{access.resource_arn}:::::".split(":", 5)
    bucket = name.partition("/")[0]
    own = role.split(":")[4]
    if service == "s3":
        region = known.bucket_regions.get(bucket, known.region)
        account = own if f"arn:{partition}:s3:::{bucket}" in known.own else ""
    elif service in ("iam", "sts"):
        region = known.region
    keys = {
        "aws:SecureTransport": "true",
        "aws:PrincipalArn": role,
        "aws:PrincipalAccount": own,
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalOrgID": known.organization,
        "aws:RequestedRegion": region,
        "aws:ResourceAccount": account,
        "aws:ResourceOrgID": known.organization if account == own else "",
        **_of_service(access, service, partition, region=region, account=account, own=own),
    }
    if access.statement == DECRYPT_LOGS and trail:
        keys[TRAIL_KEY] = f"arn:{partition}:cloudtrail:{region}:{known.log_account or own}:trail/trail"
    return {key: (value,) for key, value in keys.items() if value}


def _of_service(
    access: Access, service: str, partition: str, *, region: str, account: str, own: str
) -> dict[str, str]:
    domain = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    if service == "s3":
        return {
            "s3:ResourceAccount": account,
            "s3:TlsVersion": "1.2",
            "s3:signatureversion": "AWS4-HMAC-SHA256",
            "s3:prefix": access.list_prefix if access.action == LIST else "",
        }
    if service == "kms":
        # S3 calls KMS on the role's behalf, and key permissions are often limited to that.
        return {"kms:ViaService": s3_service(region, partition), "kms:CallerAccount": own}
    return {"iam:PassedToService": f"ec2.{domain}"} if access.action == "iam:PassRole" else {}


def entries(context: Mapping[str, tuple[str, ...]]) -> "list[ContextEntryTypeDef]":
    """Return a context as `ContextEntries` of a simulation."""
    return [
        {
            "ContextKeyName": key,
            "ContextKeyType": _type(key, values),
            "ContextKeyValues": list(values),
        }
        for key, values in context.items()
    ]


def _type(key: str, values: tuple[str, ...]) -> "ContextKeyTypeEnumType":
    if key in _NUMBERS:
        return "numeric"
    return "boolean" if set(values) <= {"true", "false"} else "string"


def known_keys(context: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return a context with lower-case keys, and without values those that no request has."""
    return dict.fromkeys(_NEVER, ()) | {key.lower(): values for key, values in context.items()}


def may_decide(key: str, action: str) -> bool:
    """Return whether a key that is missing in the context may decide on an action.

    IAM names every key of the role's policies as missing, also those of other services and actions.
    """
    name = key.lower()
    if name in _NEVER or name.startswith(_NEVER_STARTS) or (name in _OF_LISTS and action != LIST):
        return False
    return name.partition(":")[0] in ("aws", action.partition(":")[0])
