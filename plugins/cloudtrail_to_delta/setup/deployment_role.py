"""The permissions to run a set-up: the rows of docs/permissions.md, and a policy for each account.

Tests compare the rows with the calls of a full set-up and removal, and run both with identities that have
only these policies. Source: Service Authorization Reference of each service; AWS CloudTrail User Guide,
"Creating a trail for an organization".
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from cloudtrail_to_delta.iam.reader import bucket_arn, object_arn, s3_of
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.setup.databricks.access import write_folders
from cloudtrail_to_delta.setup.request import SetupRequest
from cloudtrail_to_delta.setup.resources import Document

# The account in which a permission is needed.
Place = Literal["every", "bucket", "key", "reader", "deployment", "trail"]

_READ_BUCKET = (
    *("ListBucket", "ListBucketVersions", "GetBucketTagging", "GetBucketVersioning"),
    *("GetEncryptionConfiguration", "GetBucketPublicAccessBlock", "GetLifecycleConfiguration"),
    "GetBucketPolicy",
)
_WRITE_BUCKET = (
    *("CreateBucket", "PutBucketPublicAccessBlock", "PutBucketVersioning", "PutEncryptionConfiguration"),
    *("PutLifecycleConfiguration", "PutBucketPolicy"),
)
_READ_KEY = ("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags")
_READ_TRAIL = ("GetTrailStatus", "GetEventSelectors", "GetInsightSelectors", "ListTags")
_WRITE_TRAIL = ("CreateTrail", "UpdateTrail", "PutEventSelectors", "PutInsightSelectors", "StartLogging")
# The condition key iam:PermissionsBoundary works for these. Source: Service Authorization Reference, IAM.
_WRITE_BOUNDED = ("CreateRole", "PutRolePolicy")
_WRITE_PROFILE = ("CreateInstanceProfile", "AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile")

_LEFT = "`databricks-auto-ingest-*`"
_LEFTOVERS = "`remove`: topics and queues that Auto Loader left"
_TAGGED = "`apply`: the new resource gets its tag"
_ORGANIZATION = "`apply` of an organization trail"
_LOCK = "with `object_lock_days`"


@dataclass(frozen=True)
class Right:
    """A permission: some actions of one service.

    Attributes:
        on: the resources, by their names in `_resources`.
        where: the same in words.
        when: the tasks that need it, in words.
        place: the account in which it is needed.
        limit: the name of its condition in `_conditions`; empty for none.
    """

    service: str
    names: tuple[str, ...]
    on: tuple[str, ...]
    where: str
    when: str
    place: Place = "bucket"
    limit: str = ""

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions with their service: `s3:ListBucket`."""
        return tuple(f"{self.service}:{name}" for name in self.names)


# In the order of docs/permissions.md.
CALLS: tuple[Right, ...] = (
    Right("s3", _READ_BUCKET, ("bucket",), "the log bucket", "`plan`"),
    Right("s3", _WRITE_BUCKET, ("bucket",), "the log bucket", "`apply`"),
    Right(
        "s3",
        ("DeleteBucket", "DeleteBucketPolicy", "PutBucketTagging", "GetBucketABAC", "UntagResource"),
        ("bucket",),
        "the log bucket",
        "`remove`; `UntagResource` for a bucket with attribute-based access control",
    ),
    Right(
        "s3", ("GetBucketObjectLockConfiguration",), ("locked bucket",), "the log bucket", f"`plan`, {_LOCK}"
    ),
    Right(
        "s3", ("PutBucketObjectLockConfiguration",), ("locked bucket",), "the log bucket", f"`apply`, {_LOCK}"
    ),
    Right(
        "s3",
        ("PutBucketTagging", "GetBucketABAC"),
        ("tagged bucket",),
        "the log bucket",
        "`apply`, with `tags`",
    ),
    Right("kms", _READ_KEY, ("key",), "the key", "`plan`, with a KMS key", "key"),
    Right("kms", ("ListKeys",), ("new key",), "`*`", "`plan`, with a new key", "key"),
    Right("kms", ("CreateKey",), ("new key",), "`*`", "`apply`, with a new key", "key"),
    Right(
        "kms", ("CreateAlias",), ("alias", "key"), "the key and its alias", "`apply`, with a new key", "key"
    ),
    Right(
        "kms", ("EnableKeyRotation", "PutKeyPolicy"), ("key",), "the key", "`apply`, with a KMS key", "key"
    ),
    Right(
        "kms", ("DeleteAlias",), ("alias", "key"), "the key and its alias", "`remove`, with a new key", "key"
    ),
    Right(
        "kms",
        ("ScheduleKeyDeletion", "UntagResource"),
        ("key",),
        "the key",
        "`remove`, with a new key",
        "key",
    ),
    Right(
        "sns", ("GetTopicAttributes", "ListTagsForResource"), ("topic",), "the topic", "`plan`, with a topic"
    ),
    Right("sns", ("CreateTopic", "SetTopicAttributes"), ("topic",), "the topic", "`apply`, with a topic"),
    Right("sns", ("DeleteTopic", "UntagResource"), ("topic",), "the topic", "`remove`, with a topic"),
    Right(
        "iam",
        ("GetRole", "GetRolePolicy", "ListRolePolicies"),
        ("role", "missing role"),
        "the reader role",
        "`plan`",
        "reader",
    ),
    Right(
        "iam",
        ("GetInstanceProfile",),
        ("profile", "missing profile"),
        "its instance profile",
        "`plan`",
        "reader",
    ),
    Right("iam", ("UpdateAssumeRolePolicy",), ("role",), "the reader role", "`apply`", "reader"),
    Right(
        "iam",
        _WRITE_BOUNDED,
        ("role",),
        "the reader role; with `permissions_boundary`, only while it has this boundary",
        "`apply`",
        "reader",
        "boundary",
    ),
    Right(
        "iam",
        ("PutRolePermissionsBoundary",),
        ("bounded role",),
        "the reader role, only this boundary",
        "`apply`, with `permissions_boundary`",
        "reader",
        "boundary",
    ),
    Right("iam", _WRITE_PROFILE, ("profile",), "its instance profile", "`apply`", "reader"),
    Right("iam", ("DeleteRolePolicy", "DeleteRole"), ("role",), "the reader role", "`remove`", "reader"),
    Right("iam", ("DeleteInstanceProfile",), ("profile",), "its instance profile", "`remove`", "reader"),
    Right(
        "iam",
        ("GetRole", "GetRolePolicy", "ListRolePolicies", "PutRolePolicy", "DeleteRolePolicy"),
        ("deployment role",),
        "the deployment role",
        "`plan`, `apply` and `remove`, with `deployment_role_arn`",
        "deployment",
    ),
    Right(
        "iam",
        ("GetAccountAuthorizationDetails",),
        ("*",),
        "`*`",
        "`plan` of a removal: finds the set-up's roles, and other roles with its policy",
        "every",
    ),
    Right(
        "tag",
        ("GetResources",),
        ("*",),
        "`*`",
        "`plan` of a removal: finds the set-up's buckets, keys, topics and trails",
        "every",
    ),
    Right(
        "cloudtrail",
        ("GetTrail",),
        ("every trail",),
        "every trail of the region, in each account",
        "`plan`: the trail, and others that may need the policies of the bucket, the key and the topic",
        "every",
    ),
    Right(
        "cloudtrail",
        ("DescribeTrails",),
        ("*",),
        "`*`",
        "`plan` of a new trail: a region has at most 5",
        "trail",
    ),
    Right(
        "organizations",
        ("DescribeOrganization", "ListAWSServiceAccessForOrganization"),
        ("organization",),
        "`*`",
        "`plan` of an organization trail",
        "trail",
    ),
    Right(
        "organizations",
        ("ListDelegatedAdministrators",),
        ("delegated",),
        "`*`",
        "`plan` of an organization trail, with `management_account`",
        "trail",
    ),
    Right("cloudtrail", _READ_TRAIL, ("trail",), "the trail, in each account", "`plan`", "trail"),
    Right("cloudtrail", _WRITE_TRAIL, ("trail",), "the trail, in each account", "`apply`", "trail"),
    Right("cloudtrail", ("DeleteTrail",), ("trail",), "the trail, in each account", "`remove`", "trail"),
)
# The additional AWS permissions of the Databricks part.
DATABRICKS: tuple[Right, ...] = (
    Right("s3", ("GetBucketNotification",), ("bucket",), "the log bucket", "`plan` of a removal"),
    Right(
        "sns",
        ("ListSubscriptionsByTopic", "GetTopicAttributes"),
        ("left topics",),
        _LEFT,
        "`plan` of a removal",
    ),
    Right("sqs", ("GetQueueUrl", "DeleteQueue"), ("left queues",), _LEFT, _LEFTOVERS),
    Right("sns", ("DeleteTopic",), ("left topics",), _LEFT, _LEFTOVERS),
    Right("sns", ("Unsubscribe",), ("*",), "`*`", _LEFTOVERS),
    Right("s3", ("PutBucketNotification",), ("bucket",), "the log bucket", _LEFTOVERS),
    Right(
        "s3",
        ("ListBucket",),
        ("bucket", "lake"),
        "the log bucket, and the buckets of tables, checkpoints and code",
        "`check_targets`, `try_access`, `wait_for_access`",
        "reader",
    ),
    Right(
        "s3",
        ("GetObject",),
        ("tables",),
        "the tables' `_delta_log/*`, the checkpoints' `owner/*`",
        "`check_targets`",
        "reader",
    ),
    Right(
        "kms",
        ("Decrypt",),
        ("tables key",),
        "the tables' KMS key, if any",
        "`check_targets`",
        "reader",
        "via tables",
    ),
    Right("s3", ("PutObject",), ("code",), "the code root", "`try_access`", "reader"),
    Right(
        "kms",
        ("GenerateDataKey",),
        ("code key",),
        "the KMS key of the code root's bucket, if any",
        "`try_access`",
        "reader",
        "via code",
    ),
    Right("s3", ("ListBucket",), ("bucket",), "the log bucket", "`try_access`"),
    Right(
        "s3",
        ("DeleteObject",),
        ("traces",),
        "`_access_check/*` below the tables and checkpoints, and the empty objects of their folders",
        "`wait_for_access`",
        "reader",
    ),
)
# Permissions that a call needs in addition to its own action.
IMPLIED: tuple[Right, ...] = (
    Right(
        "sts",
        ("AssumeRole",),
        ("assumed role",),
        "the role in `assume_role`, for the identity of the connection",
        "with `assume_role`",
        "every",
    ),
    Right("s3", ("TagResource",), ("bucket",), "the log bucket", _TAGGED),
    # Source: AWS KMS Developer Guide, "Controlling access to tags".
    Right("kms", ("TagResource",), ("new keys",), "the account's keys", _TAGGED, "key"),
    Right("sns", ("TagResource",), ("topic",), "the topic", _TAGGED),
    Right("iam", ("TagRole",), ("role",), "the reader role", _TAGGED, "reader"),
    Right("iam", ("TagInstanceProfile",), ("profile",), "its instance profile", _TAGGED, "reader"),
    Right("cloudtrail", ("AddTags",), ("trail",), "the trail, in each account", _TAGGED, "trail"),
    Right(
        "iam", ("PassRole",), ("role",), "the reader role", "`apply`: adds the role to its profile", "reader"
    ),
    Right(
        "iam",
        ("CreateServiceLinkedRole",),
        ("organization",),
        "`*`, in the management account",
        _ORGANIZATION,
        "trail",
    ),
)


def rows() -> list[tuple[str, str, str]]:
    """Return the rows of docs/permissions.md: actions, where, for what."""
    return [(", ".join(right.actions), right.where, right.when) for right in (*CALLS, *DATABRICKS, *IMPLIED)]


def setup_policy(request: SetupRequest, account: str) -> Document:
    """Return the least-privilege policy in one account for running this set-up and its removal."""
    places, conditions = _places(request), _conditions(request)
    resources = _resources(request, account)
    on: dict[tuple[str, str], set[str]] = {}
    for right in (*CALLS, *DATABRICKS, *IMPLIED):
        acted = {arn for name in right.on for arn in resources[name]}
        if acted and account in places[right.place]:
            for action in right.actions:
                on.setdefault((action, json.dumps(conditions.get(right.limit))), set()).update(acted)
    # One statement for all actions on the same resources with the same condition.
    alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (action, condition), arns in on.items():
        alike.setdefault((tuple(sorted(arns)), condition), []).append(action)
    statements = []
    for number, ((named_arns, condition), actions) in enumerate(alike.items(), start=1):
        one = {
            "Sid": f"Setup{number}",
            "Effect": "Allow",
            "Action": sorted(actions),
            "Resource": list(named_arns),
        }
        limit = json.loads(condition)
        statements.append(one | ({"Condition": limit} if limit else {}))
    return {"Version": "2012-10-17", "Statement": statements}


def _conditions(request: SetupRequest) -> dict[str, Document]:
    """Return the name of each condition → the condition; none that the params do not give a value for."""
    limits = {"boundary": {"iam:PermissionsBoundary": request.permissions_boundary}}
    keys = {"tables": request.tables_kms_key, "code": _code_key(request)}
    limits |= {f"via {what}": {"kms:ViaService": s3_of(key) if key else ""} for what, key in keys.items()}
    return {name: {"StringEquals": one} for name, one in limits.items() if all(one.values())}


def _code_key(request: SetupRequest) -> str:
    """Return the ARN of the key of the code root's bucket; empty for none."""
    if not request.code_root.startswith("s3://"):
        return ""
    in_lake = S3Location.parse(request.code_root).bucket == S3Location.parse(request.target_root).bucket
    return request.tables_kms_key if in_lake else request.code_kms_key


def named() -> set[str]:
    """Return every action in `CALLS`."""
    return _named(CALLS)


def named_for_databricks() -> set[str]:
    """Return every action in `DATABRICKS`."""
    return _named(DATABRICKS)


def _named(rights: Iterable[Right]) -> set[str]:
    return {action for right in rights for action in right.actions}


def _places(request: SetupRequest) -> Mapping[Place, set[str]]:
    deployment, key = request.deployment_role_arn, request.kms_key
    return {
        "every": set(request.accounts),
        "bucket": {request.bucket_account},
        "key": {key.split(":")[4] if ":" in key else request.bucket_account},
        "reader": {request.reader_account},
        "deployment": {deployment.split(":")[4]} if deployment else set(),
        "trail": set(request.trail_accounts),
    }


def _resources(request: SetupRequest, account: str) -> Mapping[str, list[str]]:
    """Return name → ARNs in an account; an empty list for a resource that the params do not have."""
    partition, region = request.partition, request.region

    def arn(service: str, rest: str, *, regional: bool = True) -> str:
        return f"arn:{partition}:{service}:{region if regional else ''}:{account}:{rest}"

    key, deployment, topic = request.kms_key, request.deployment_role_arn, request.topic_arn
    new = bool(key) and ":" not in key
    code = S3Location.parse(request.code_root) if request.code_root.startswith("s3://") else None
    code_key = _code_key(request)
    # A delegated administrator's trail belongs to the management account.
    own_trails = dict.fromkeys(filter(None, (account, request.management_account)))
    place = f"arn:{partition}:cloudtrail:{region}"
    folders = [S3Location.parse(folder) for folder in dict.fromkeys(write_folders(request))]
    read = [
        S3Location.parse(path).below(name)
        for one in request.requests.values()
        for path, name in (
            (one.delta_path, "_delta_log"),
            (one.quarantine_path, "_delta_log"),
            (one.checkpoint_path, "owner"),
        )
    ]
    lake = dict.fromkeys(folder.bucket for folder in (*folders, *read, *([code] if code else [])))
    return {
        "*": ["*"],
        "bucket": [bucket_arn(request.bucket, partition)],
        "locked bucket": [bucket_arn(request.bucket, partition)] * bool(request.object_lock_days),
        "tagged bucket": [bucket_arn(request.bucket, partition)] * bool(request.tags),
        "key": [arn("kms", "key/*")] if new else [key] * bool(key),
        "new key": ["*"] * new,
        "new keys": [arn("kms", "key/*")] * new,
        "alias": [arn("kms", f"alias/{request.name}-logs")] if new else [],
        "topic": [topic] * bool(topic),
        "role": [request.reader_role_arn],
        "bounded role": [request.reader_role_arn] * bool(request.permissions_boundary),
        "profile": [request.instance_profile_arn],
        # Until it exists, IAM does not know the path that it will have.
        "missing role": [arn("iam", f"role/{request.reader_role}", regional=False)],
        "missing profile": [arn("iam", f"instance-profile/{request.reader_role}", regional=False)],
        "deployment role": [deployment] * bool(deployment),
        "trail": [f"{place}:{owner}:trail/{request.trail}" for owner in own_trails],
        "every trail": [f"{place}:{owner}:trail/*" for owner in own_trails],
        "left topics": [arn("sns", "databricks-auto-ingest-*")],
        "left queues": [arn("sqs", "databricks-auto-ingest-*")],
        "code": [object_arn(code.bucket, f"{code.prefix}*", partition)] if code else [],
        "code key": [code_key] * bool(code_key),
        "lake": [bucket_arn(bucket, partition) for bucket in lake],
        "tables": [object_arn(folder.bucket, f"{folder.prefix}*", partition) for folder in read],
        "tables key": [request.tables_kms_key] * bool(request.tables_kms_key),
        "traces": [
            object_arn(folder.bucket, key, partition)
            for folder in folders
            for key in (f"{folder.prefix}*", f"{folder.key.rpartition('/')[0]}/")
        ],
        "assumed role": (
            [arn("iam", f"role/{request.assume_role}", regional=False)] if request.assume_role else []
        ),
        "organization": ["*"] if request.organization else [],
        "delegated": ["*"] if request.management_account else [],
    }
