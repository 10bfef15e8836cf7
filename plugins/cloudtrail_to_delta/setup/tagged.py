"""The search of a removal: all resources with the set-up's tag, even those that the params do not mention.

With other params than the run that created the resources, a removal would silently leave some of them. So it
searches by tag in every account of `accounts` and in the workspace (docs/adr/0023-set-up-ownership.md).

Sources: Resource Groups Tagging API, GetResources (one region; no roles); IAM API,
GetAccountAuthorizationDetails; Databricks REST, the lists of each kind.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cloudtrail_to_delta.params.setup import ACTIONS
from cloudtrail_to_delta.setup.aws.auto_ingest import AutoIngestLeftovers
from cloudtrail_to_delta.setup.aws.bucket import Bucket
from cloudtrail_to_delta.setup.aws.keys import Key
from cloudtrail_to_delta.setup.aws.policies import BucketPolicy, KeyPolicy, TopicPolicy
from cloudtrail_to_delta.setup.aws.roles import InstanceProfile, Role, RolePolicy, RoleTrust
from cloudtrail_to_delta.setup.aws.tags import tag_value
from cloudtrail_to_delta.setup.aws.topics import Topic
from cloudtrail_to_delta.setup.aws.trail import Trail
from cloudtrail_to_delta.setup.build import build_resources, chosen_actions, every_statement_id
from cloudtrail_to_delta.setup.databricks import tagged as workspace
from cloudtrail_to_delta.setup.databricks.catalog import ExternalLocation, StorageCredential
from cloudtrail_to_delta.setup.databricks.cluster_policies import ClusterPolicy
from cloudtrail_to_delta.setup.databricks.clusters import Cluster
from cloudtrail_to_delta.setup.databricks.grants import GivenGrant
from cloudtrail_to_delta.setup.databricks.instance_profiles import ProfileRegistration
from cloudtrail_to_delta.setup.refusals import refused_calls
from cloudtrail_to_delta.setup.request import SetupRequest
from cloudtrail_to_delta.setup.resources import TAG, Clouds, Resource

# A resource that the search has found, as an XCom holds it: kind, account, name (or ARN).
Tagged = tuple[str, str, str]
# The fields of a resource.
Own = dict[str, Any]

TYPES = ("s3", "kms:key", "sns", "cloudtrail:trail")
_KINDS = {"s3": "bucket", "kms": "key", "sns": "topic", "cloudtrail": "trail"}
# Within an action, a removal uses the reverse order: locations before the credential that they use.
_ORDER: tuple[type[Resource], ...] = (
    *(Key, Bucket, Topic),
    *(Role, RolePolicy, InstanceProfile),
    *(KeyPolicy, TopicPolicy, BucketPolicy),
    Trail,
    *(AutoIngestLeftovers, ProfileRegistration, StorageCredential, RoleTrust, ExternalLocation),
    *(Cluster, ClusterPolicy, GivenGrant),
)


def find_tagged(request: SetupRequest, clouds: Clouds) -> list[Tagged]:
    """Find every resource with the set-up's tag, for the chosen actions.

    Raises:
        SetupRefusedError: if a search is refused.
    """
    actions = chosen_actions(request)
    found: list[Tagged] = []
    for account in request.accounts:
        with refused_calls(f"the resources with the set-up's tag in {account}", clouds):
            if actions & {"bucket", "trail"}:
                found += _regional(request, clouds, account)
            if "role" in actions:
                found += _roles(request, clouds, account)
    if "databricks" in actions:
        with refused_calls("the objects with the set-up's mark in Databricks", clouds):
            found += [(kind, "", name) for kind, name in workspace.find_marked(request.name, clouds)]
    return found


def removal_resources(request: SetupRequest, found: Iterable[Tagged]) -> list[Resource]:
    """Return the resources of the params and, in addition, those that the search has found.

    This makes no call, so every task builds the same resources.
    """
    mentioned = build_resources(request)
    known = {resource.name for resource in mentioned}
    # A delegated administrator's trail is found in the management account too.
    trails = {resource.arn for resource in mentioned if isinstance(resource, Trail)}
    actions = chosen_actions(request)
    more: dict[str, Resource] = {}
    buckets: dict[str, list[str]] = {}
    for kind, account, name in found:
        if kind == "trail" and name in trails:
            continue
        if kind == "bucket":
            buckets.setdefault(account, []).append(name)
        for resource in _resources(request, kind, account, name):
            if resource.name not in known and resource.action in actions:
                more.setdefault(resource.name, resource)
    resources = [
        replace(one, also=tuple(buckets.get(one.account, ()))) if isinstance(one, Key) else one
        for one in (*mentioned, *more.values())
    ]
    return sorted(resources, key=lambda one: (ACTIONS.index(one.action), _ORDER.index(type(one))))


def unmentioned(request: SetupRequest, resources: Iterable[Resource]) -> set[str]:
    """Return the names of those resources of a removal that the params do not mention."""
    known = {resource.name for resource in build_resources(request)}
    return {resource.name for resource in resources} - known


def _regional(request: SetupRequest, clouds: Clouds, account: str) -> Iterator[Tagged]:
    """Find buckets, keys, topics and trails in the region of the params."""
    client = clouds.aws(account, "resourcegroupstaggingapi")
    tags = [{"Key": TAG, "Values": [request.name]}]
    for page in client.get_paginator("get_resources").paginate(
        TagFilters=tags, ResourceTypeFilters=list(TYPES)
    ):
        for one in page["ResourceTagMappingList"]:
            arn = str(one["ResourceARN"])
            service = arn.split(":")[2]
            name = arn.rpartition(":")[2] if service == "s3" else arn
            # The list may still have a resource that has lost its tag.
            if tag_value(one["Tags"]) == request.name:
                yield _KINDS[service], account, name


def _roles(request: SetupRequest, clouds: Clouds, account: str) -> Iterator[Tagged]:
    """Find the set-up's roles, and other roles with the set-up's inline policy; one call lists both."""
    iam = clouds.aws(account, "iam")
    policy = f"{TAG}-{request.name}"
    pages = iam.get_paginator("get_account_authorization_details").paginate(Filter=["Role"])
    for role in (role for page in pages for role in page["RoleDetailList"]):
        if tag_value(role.get("Tags", [])) == request.name:
            yield "role", account, str(role["RoleName"])
        elif policy in [one["PolicyName"] for one in role.get("RolePolicyList", [])]:
            yield "role policy", account, str(role["RoleName"])


def _resources(request: SetupRequest, kind: str, account: str, name: str) -> list[Resource]:
    """Return the resources that may have to be removed for one result of the search."""
    if kind not in _OF_AWS:
        return [workspace.marked_resource(request.name, kind, name)]
    return _OF_AWS[kind](request, {"setup": request.name, "account": account}, name)


def _bucket(request: SetupRequest, own: Own, name: str) -> list[Resource]:
    policy: Own = {"owner": f"bucket {name}", "bucket": name, "action": "bucket_policy"}
    policy["ours"] = every_statement_id(request.name)
    return [Bucket(**own, bucket=name, region=request.region), BucketPolicy(**own, **policy)]


def _key(request: SetupRequest, own: Own, _: str) -> list[Resource]:
    alias = f"alias/{request.name}-logs"
    policy: Own = {"owner": f"key {alias}", "key": alias, "action": "bucket_policy"}
    policy["ours"] = every_statement_id(request.name)
    return [Key(**own, alias=alias, bucket=request.bucket, base={}), KeyPolicy(**own, **policy)]


def _topic(request: SetupRequest, own: Own, name: str) -> list[Resource]:
    policy: Own = {"owner": f"topic {name.rpartition(':')[2]}", "topic": name, "action": "bucket_policy"}
    policy["ours"] = every_statement_id(request.name)
    return [Topic(**own, topic=name, base={}), TopicPolicy(**own, **policy)]


def _trail(_: SetupRequest, own: Own, name: str) -> list[Resource]:
    settings: Own = {"settings": {}, "selectors": [], "insights": []}
    return [Trail(**own, trail=name.rpartition("/")[2], arn=name, **settings)]


def _role(request: SetupRequest, own: Own, name: str) -> list[Resource]:
    arn = f"arn:{request.partition}:iam::{own['account']}:instance-profile/{name}"
    return [
        Role(**own, role=name),
        *_role_policy(request, own, name),
        InstanceProfile(**own, profile=name, role=name),
        ProfileRegistration(setup=request.name, arn=arn),
    ]


def _role_policy(_: SetupRequest, own: Own, name: str) -> list[Resource]:
    return [RolePolicy(**own, role=name, policy={})]


_OF_AWS: Mapping[str, Callable[[SetupRequest, Own, str], list[Resource]]] = {
    "bucket": _bucket,
    "key": _key,
    "topic": _topic,
    "trail": _trail,
    "role": _role,
    "role policy": _role_policy,
}
