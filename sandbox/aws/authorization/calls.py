"""The IAM actions that a request needs, and their resources.

Source: Service Authorization Reference, of each service; Amazon S3 User Guide, "Required permissions for
Amazon S3 API operations"; "Using server-side encryption with AWS KMS keys", permissions; the API references
on tags.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3.models import FakeBucket, s3_backends

from sandbox.aws.moto_kms import S3_ALIAS, managed_key
from sandbox.aws.rules import RULES
from sandbox.aws.simulator.patterns import Context

# The S3 operations whose permission has another name.
_S3 = {
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListBuckets": "ListAllMyBuckets",
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "DeleteObjects": "DeleteObject",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetBucketAbac": "GetBucketABAC",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
}
_READS = frozenset({"GetObject", "HeadObject"})
# The tags of a bucket in the API of S3 Control.
_CONTROL = "/v20180820/tags/"
_LISTS = frozenset({"ListObjects", "ListObjectsV2", "ListObjectVersions"})
# For these services, the parameter with the tags of a new resource, and the action that tagging needs.
_TAGGED = {
    "iam:CreateRole": "iam:TagRole",
    "iam:CreateInstanceProfile": "iam:TagInstanceProfile",
    "sns:CreateTopic": "sns:TagResource",
    "kms:CreateKey": "kms:TagResource",
    "cloudtrail:CreateTrail": "cloudtrail:AddTags",
}
_FREE = frozenset({"sts:GetCallerIdentity"})


@dataclass(frozen=True)
class Call:
    """One action on one resource; `policy` is the resource's policy, `owner` its account."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)
    policy: str = ""
    owner: str = ""


@dataclass(frozen=True)
class Asked:
    """A request; `operation` is its name in the API, `account` that of its credentials."""

    service: str
    operation: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    account: str
    region: str


def calls_of(asked: Asked) -> list[Call]:
    """Return all calls that must be allowed; an empty list if everybody may send the request."""
    if f"{asked.service}:{asked.operation}" in _FREE:
        return []
    if asked.path.startswith(_CONTROL):
        return [_control(asked)]
    if asked.service == "s3":
        return list(_s3(asked))
    if asked.service == "tagging":
        return [Call(f"tag:{asked.operation}", "*", owner=asked.account)]
    return list(_api(asked))


def _control(asked: Asked) -> Call:
    written = {"POST": "s3:TagResource", "DELETE": "s3:UntagResource"}
    action = written.get(asked.headers["REQUEST_METHOD"], "s3:ListTagsForResource")
    return Call(action, unquote(asked.path).removeprefix(_CONTROL), owner=asked.account)


def _s3(asked: Asked) -> Iterator[Call]:
    bucket, _, key = unquote(asked.path).lstrip("/").partition("/")
    action = f"s3:{_S3.get(asked.operation, asked.operation)}"
    if not bucket:
        yield Call(action, "*", owner=asked.account)
        return
    held = _bucket(bucket)
    own: dict[str, Any] = {"policy": _policy(held), "owner": held.account_id if held else asked.account}
    arn = f"arn:aws:s3:::{bucket}"
    query = parse_qs(asked.query, keep_blank_values=True)
    if asked.operation == "DeleteObjects":
        keys = [part.partition("</Key>")[0] for part in asked.body.decode().split("<Key>")[1:]]
        yield from (Call(action, f"{arn}/{one}", **own) for one in keys)
        return
    context = {"s3:prefix": tuple(query.get("prefix", [""]))} if asked.operation in _LISTS else {}
    yield Call(action, f"{arn}/{key}" if key else arn, context=context, **own)
    if asked.operation == "CreateBucket" and b"<Tags>" in asked.body:
        yield Call("s3:TagResource", arn, **own)
    if asked.operation == "CopyObject":
        source = unquote(asked.headers.get("HTTP_X_AMZ_COPY_SOURCE", "")).lstrip("/")
        yield Call("s3:GetObject", f"arn:aws:s3:::{source}", **own)
    if held is None:
        return
    stored = held.keys.get(key)
    if RULES.hidden_objects and asked.operation in _READS and stored is None:
        # Without this permission, S3 hides whether the object exists: it answers 403, not 404.
        yield Call("s3:ListBucket", arn, context={"s3:prefix": (key,)}, **own)
    if asked.operation == "GetObject" and stored is not None and stored.encryption == "aws:kms":
        yield from _key("kms:Decrypt", stored.kms_key_id, held, asked)
    if action == "s3:PutObject":
        encrypted = _default_key(held)
        yield from _key("kms:GenerateDataKey", encrypted, held, asked)
        if asked.operation != "PutObject":
            yield from _key("kms:Decrypt", encrypted, held, asked)


def _api(asked: Asked) -> Iterator[Call]:
    given = _parameters(asked)
    operation = "Publish" if asked.operation == "PublishBatch" else asked.operation
    action = f"{asked.service}:{operation}"
    for resource in _RESOURCES[asked.service](asked, given):
        policy = _key_policy(resource) if asked.service == "kms" else ""
        owner = resource.split(":")[4] if resource.count(":") >= 5 else ""
        yield Call(
            action, resource, context=_context(asked, given), policy=policy, owner=owner or asked.account
        )
        if action in _TAGGED and any(name.startswith("Tag") for name in given):
            tagged = resource if resource != "*" else f"arn:aws:kms:{asked.region}:{asked.account}:key/new"
            yield Call(_TAGGED[action], tagged, policy=policy, owner=asked.account)
    if action == "iam:AddRoleToInstanceProfile":
        yield Call("iam:PassRole", _entity(asked, "role", given["RoleName"]), owner=asked.account)


def _context(asked: Asked, given: Mapping[str, Any]) -> Context:
    """Return the keys of IAM's requests: the boundary that a role has or gets, and the tags of a new one."""
    if asked.service != "iam":
        return {}
    tags = {
        f"aws:requesttag/{given[name]}".lower(): (given.get(f"{name.removesuffix('Key')}Value", ""),)
        for name in given
        if name.startswith("Tags.member.") and name.endswith(".Key")
    }
    boundary = given.get("PermissionsBoundary")
    if not boundary and asked.operation in ("PutRolePolicy", "DeleteRolePolicy"):
        roles: list[Any] = list(iam_backends[asked.account]["aws"].roles.values())
        role = next((one for one in roles if one.name == given["RoleName"]), None)
        boundary = getattr(role, "permissions_boundary_arn", None)
    return tags | ({"iam:permissionsboundary": (boundary,)} if boundary else {})


def _iam(asked: Asked, given: Mapping[str, Any]) -> Iterable[str]:
    if source := given.get("PolicySourceArn"):
        return [source]
    path = str(given.get("Path", "/"))
    if profile := given.get("InstanceProfileName"):
        return [_entity(asked, "instance-profile", profile, path)]
    if role := given.get("RoleName"):
        return [_entity(asked, "role", role, path)]
    return [given.get("PolicyArn", "*")]


def _kms(asked: Asked, given: Mapping[str, Any]) -> Iterable[str]:
    place = f"arn:aws:kms:{asked.region}:{asked.account}"
    if asked.operation in ("CreateKey", "ListKeys", "ListAliases"):
        return ["*"]
    if asked.operation in ("CreateAlias", "DeleteAlias"):
        alias = str(given["AliasName"])
        key = _find_key(asked, str(given.get("TargetKeyId") or alias))
        return [f"{place}:{alias}", *([key] if key else [])]
    key = _find_key(asked, str(given.get("KeyId", "")))
    # A key that does not exist needs no permission: KMS answers that it is not found.
    return [key] if key else []


def _sns(asked: Asked, given: Mapping[str, Any]) -> Iterable[str]:
    if asked.operation == "CreateTopic":
        return [f"arn:aws:sns:{asked.region}:{asked.account}:{given['Name']}"]
    return [str(given.get("TopicArn") or given.get("TargetArn") or given.get("ResourceArn") or "*")]


def _sqs(asked: Asked, given: Mapping[str, Any]) -> Iterable[str]:
    name = str(given.get("QueueName") or given.get("QueueUrl", "")).rpartition("/")[2]
    return [f"arn:aws:sqs:{asked.region}:{asked.account}:{name}" if name else "*"]


def _trail(asked: Asked, given: Mapping[str, Any]) -> Iterable[str]:
    named = given.get("Name") or given.get("TrailName") or given.get("ResourceId")
    arns = given.get("ResourceIdList") or ([named] if named else ["*"])
    place = f"arn:aws:cloudtrail:{asked.region}:{asked.account}:trail/"
    return [arn if arn == "*" or arn.startswith("arn:") else f"{place}{arn}" for arn in arns]


def _sts(_: Asked, given: Mapping[str, Any]) -> Iterable[str]:
    return [str(given.get("RoleArn", "*"))]


_RESOURCES = {
    "iam": _iam,
    "kms": _kms,
    "sns": _sns,
    "sqs": _sqs,
    "cloudtrail": _trail,
    "sts": _sts,
    "organizations": lambda *_: ["*"],
}


def _parameters(asked: Asked) -> Mapping[str, Any]:
    if asked.headers.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    found: Mapping[str, Any] = json.loads(asked.body or b"{}")
    return found


def _entity(asked: Asked, kind: str, name: str, path: str = "/") -> str:
    """Return the ARN of a role or instance profile, with its path, or that of the call if it is new."""
    backend = iam_backends[asked.account]["aws"]
    roles: list[Any] = list(backend.roles.values())
    profiles: list[Any] = list(backend.instance_profiles.values())
    entities = roles if kind == "role" else profiles
    found = next((str(one.arn) for one in entities if one.name == name), None)
    return found or f"arn:aws:iam::{asked.account}:{kind}{path}{name}"


def _bucket(name: str) -> FakeBucket | None:
    if name not in s3_backends.bucket_accounts:
        return None
    partition, account = s3_backends.bucket_accounts[name]
    return s3_backends[account][partition].buckets.get(name)


def _policy(bucket: FakeBucket | None) -> str:
    return bucket.policy.decode() if bucket and bucket.policy else ""


def _default_key(bucket: FakeBucket) -> str | None:
    rule = (bucket.encryption or {}).get("Rule") or {}
    found: str | None = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    return found


def _key(action: str, key: str | None, bucket: FakeBucket, asked: Asked) -> Iterator[Call]:
    """Yield the KMS call that S3 makes for the caller; the key `aws/s3` is that of the bucket's account."""
    if key and RULES.managed_keys_stay_home and key.endswith(S3_ALIAS):
        key = managed_key(kms_backends[bucket.account_id][bucket.region_name])
    if key and key.startswith("arn:"):
        context = {
            "kms:viaservice": (f"s3.{key.split(':')[3]}.amazonaws.com",),
            "kms:calleraccount": (asked.account,),
        }
        yield Call(action, key, context=context, policy=_key_policy(key), owner=key.split(":")[4])


def _key_policy(arn: str) -> str:
    parts = arn.split(":")
    if len(parts) < 6 or not parts[5].startswith("key/"):
        return ""
    key = kms_backends[parts[4]][parts[3]].keys.get(parts[5].removeprefix("key/"))
    return key.policy if key else ""


def _find_key(asked: Asked, named: str) -> str:
    """Return the ARN of the key with this id, alias or ARN, or an empty text."""
    if named.startswith("arn:") and ":key/" in named:
        return named
    backend = kms_backends[asked.account][asked.region]
    short = named.rpartition("/")[2] if named.startswith("arn:") else named
    try:
        key = backend.keys.get(short) or backend.keys.get(backend.get_key_id_from_alias(named) or "")
    except Exception:  # noqa: BLE001 - moto raises various errors for a missing key
        key = None
    return key.arn if key else ""
