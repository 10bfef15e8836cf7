"""Build the resources of a request, in the order in which they are applied: each after its prerequisites."""

from collections.abc import Mapping
from typing import Any

from cloudtrail_to_delta.iam.notifications import notification_access
from cloudtrail_to_delta.iam.reader import assume_self, key_access, pass_role, reader_policy, required_access
from cloudtrail_to_delta.params.setup import ACTIONS, NEW_KEY
from cloudtrail_to_delta.setup.aws import policies
from cloudtrail_to_delta.setup.aws.bucket import Bucket
from cloudtrail_to_delta.setup.aws.keys import Key
from cloudtrail_to_delta.setup.aws.policies import BucketPolicy, KeyPolicy, OurStatements, TopicPolicy
from cloudtrail_to_delta.setup.aws.roles import EC2_TRUST, InstanceProfile, Role, RolePolicy
from cloudtrail_to_delta.setup.aws.selectors import advanced_selectors
from cloudtrail_to_delta.setup.aws.topics import Topic
from cloudtrail_to_delta.setup.aws.trail import Trail
from cloudtrail_to_delta.setup.databricks.build import databricks_resources
from cloudtrail_to_delta.setup.databricks.locations import catalog_access
from cloudtrail_to_delta.setup.documents import sid
from cloudtrail_to_delta.setup.request import SetupRequest
from cloudtrail_to_delta.setup.resources import Document, Resource

# The actions that need CloudTrail's statements in the policies of bucket, key and topic.
_DELIVERING = frozenset({"bucket", "trail"})


def build_resources(request: SetupRequest) -> list[Resource]:
    """Return the resources of the chosen actions, in the order of `ACTIONS`."""
    resources = [
        *bucket_resources(request),
        *role_resources(request),
        *policy_resources(request),
        *trail_resources(request),
        *databricks_resources(request),
    ]
    actions = chosen_actions(request)
    chosen = [resource for resource in resources if resource.action in actions]
    return sorted(chosen, key=lambda resource: ACTIONS.index(resource.action))


def chosen_actions(request: SetupRequest) -> set[str]:
    """Return the chosen actions, with `bucket_policy` if another needs it: it lets trails deliver."""
    actions = set(request.actions)
    return actions | ({"bucket_policy"} if actions & _DELIVERING else set())


def every_statement_id(name: str) -> OurStatements:
    """Return, for a removal, all statements that a set-up of this name may have written; none is wanted."""
    purposes = (
        *(*policies.DELIVERY, *policies.READER, *policies.OWN_BUCKET),
        *(*policies.KEY_DELIVERY, *policies.KEY_READER, *policies.TOPIC),
    )
    possible = frozenset(sid(name, purpose) for purpose in purposes)
    return OurStatements(wanted={}, managed=possible, possible=possible)


def bucket_resources(request: SetupRequest) -> list[Resource]:
    """Return the log bucket and, if requested, the key and the topic."""
    own: dict[str, Any] = {"setup": request.name, "account": request.bucket_account}
    resources: list[Resource] = []
    if request.kms_key == NEW_KEY:
        resources.append(
            Key(
                **own,
                alias=f"alias/{request.name}-logs",
                bucket=request.bucket,
                base=policies.key_base(request),
                tags=request.tags,
            )
        )
    resources.append(
        Bucket(
            **own,
            bucket=request.bucket,
            region=request.region,
            kms_key=request.key_arn,
            versioning=request.versioning,
            expire_days=request.expire_days,
            object_lock=_object_lock(request),
            tags=request.tags,
        )
    )
    if request.topic_arn:
        resources.append(
            Topic(**own, topic=request.topic_arn, base=policies.topic_base(request), tags=request.tags)
        )
    return resources


def _object_lock(request: SetupRequest) -> Document:
    days = request.object_lock_days
    return {"mode": request.object_lock_mode.upper(), "days": days} if days else {}


def role_resources(request: SetupRequest) -> list[Resource]:
    """Return the reader role, its policy and profile, and the deployment role's permission to pass it."""
    own: dict[str, Any] = {"setup": request.name, "account": request.reader_account}
    made: dict[str, Any] = {"path": request.role_path, "tags": request.tags}
    own["locked"] = request.locked_roles.get(request.reader_role_arn, "")
    role = request.reader_role
    by_profile = request.reader == "instance_profile"
    resources: list[Resource] = [
        Role(
            **own,
            **made,
            role=role,
            trust=EC2_TRUST if by_profile else None,
            boundary=request.permissions_boundary,
        ),
        RolePolicy(**own, role=role, policy=reader_document(request)),
    ]
    if by_profile:
        resources.append(InstanceProfile(**own, **made, profile=role, role=role))
        if deployment := request.deployment_role_arn:
            resources.append(
                RolePolicy(
                    setup=request.name,
                    account=deployment.split(":")[4],
                    role=deployment.rpartition("/")[2],
                    locked=request.locked_roles.get(deployment, ""),
                    policy=reader_policy(pass_role(request.reader_role_arn)),
                )
            )
    return resources


def reader_document(request: SetupRequest) -> Document:
    """Return the reader role's policy, made from the same accesses that preflight simulates."""
    needed = required_access(request.requests, code_root=request.code_root)
    keys = _bucket_keys(request)
    needed += key_access(
        request.requests,
        logs=dict.fromkeys(request.requests, (request.key_arn,)) if request.key_arn else {},
        buckets=keys,
        code_root=request.code_root,
    )
    if request.discovery == "notifications":
        needed += notification_access(request.requests, account=request.reader_account)
    if request.reader == "storage_credential":
        needed += assume_self(request.reader_role_arn) + catalog_access(request)
    return reader_policy(needed)


def _bucket_keys(request: SetupRequest) -> dict[str, str]:
    """Return bucket → KMS key, for tables, checkpoints and code. The code may be in another bucket."""
    roots = {request.code_root: request.code_kms_key}
    roots |= dict.fromkeys((request.target_root, request.checkpoint_root), request.tables_kms_key)
    return {root.split("/")[2]: key for root, key in roots.items() if key and root.startswith("s3://")}


def policy_resources(request: SetupRequest) -> list[Resource]:
    """Return the set-up's statements in the policies of bucket, key and topic."""
    account = request.bucket_account
    own: dict[str, Any] = {"setup": request.name, "action": "bucket_policy"}
    delivery = not _DELIVERING.isdisjoint(request.actions)
    reader = "bucket_policy" in request.actions
    resources: list[Resource] = [
        BucketPolicy(
            **own,
            account=account,
            owner=f"bucket {request.bucket}",
            bucket=request.bucket,
            ours=_ours(
                request.name,
                (delivery, policies.DELIVERY, policies.delivery_statements(request)),
                (reader, policies.READER, policies.reader_statements(request)),
                (request.own_bucket, policies.OWN_BUCKET, policies.tls_statements(request)),
            ),
        )
    ]
    if request.key_arn:
        new = request.kms_key == NEW_KEY
        resources.append(
            KeyPolicy(
                **own,
                account=account if new else request.key_arn.split(":")[4],
                owner=f"key {f'alias/{request.name}-logs' if new else request.key_arn}",
                base=policies.key_base(request) if new else None,
                key=f"alias/{request.name}-logs" if new else request.key_arn,
                ours=_ours(
                    request.name,
                    (delivery, policies.KEY_DELIVERY, policies.key_delivery_statements(request)),
                    (reader, policies.KEY_READER, policies.key_reader_statements(request)),
                ),
            )
        )
    if request.topic_arn:
        resources.append(
            TopicPolicy(
                **own,
                account=account,
                owner=f"topic {request.sns_topic}",
                topic=request.topic_arn,
                base=policies.topic_base(request),
                ours=_ours(request.name, (delivery, policies.TOPIC, policies.topic_statements(request))),
            )
        )
    return resources


def trail_resources(request: SetupRequest) -> list[Resource]:
    """Return one trail for each account, or one for the organization."""
    settings = {
        "bucket": request.bucket,
        "prefix": request.prefix,
        "multi_region": request.multi_region,
        "log_file_validation": request.log_file_validation,
        "kms_key": request.key_arn,
        "sns_topic": request.topic_arn,
        "organization": bool(request.organization),
    }
    return [
        Trail(
            setup=request.name,
            account=account,
            trail=request.trail,
            arn=arn,
            settings=settings,
            selectors=advanced_selectors(request),
            insights=list(request.insights),
            organization=request.organization,
            tags=request.tags,
        )
        for account, arn in zip(request.trail_accounts, request.trail_arns, strict=True)
    ]


def _ours(name: str, *parts: tuple[bool, tuple[str, ...], Mapping[str, Document]]) -> OurStatements:
    """Combine the parts of a policy: whether this run manages the part, its purposes, its statements."""
    chosen = [(purposes, found) for decides, purposes, found in parts if decides]
    return OurStatements(
        wanted={key: one for _, found in chosen for key, one in found.items()},
        managed=frozenset(sid(name, purpose) for purposes, _ in chosen for purpose in purposes),
        possible=frozenset(sid(name, purpose) for _, purposes, _ in parts for purpose in purposes),
    )
