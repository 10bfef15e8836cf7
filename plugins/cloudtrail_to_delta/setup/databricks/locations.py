"""The external locations that the ingest needs, and the permissions with which Unity Catalog validates them.

Source: Databricks, "Create a storage credential for connecting to AWS S3": the policy of the role and the one
for file events; "Path rules and access in Unity Catalog volumes": locations do not overlap.
"""

from dataclasses import dataclass

from cloudtrail_to_delta.iam.reader import (
    LIST,
    LIST_LOGS,
    READ,
    READ_CODE,
    READ_LOGS,
    READ_WRITE,
    WRITE_TABLES,
    Access,
    bucket_arn,
    listing_prefix,
    located,
    object_arn,
    uploads,
)
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.setup.request import SetupRequest

LIST_CODE = "ListCode"
FILE_EVENTS = "FileEvents"
FILE_EVENTS_BUCKET = f"{FILE_EVENTS}Bucket"
# Source: the same page, statements ManagedFileEventsSetup and …Teardown; topics and queues are named csms-….
_BUCKET_EVENTS = ("s3:GetBucketNotification", "s3:PutBucketNotification")
_TOPIC_EVENTS = (
    *("sns:ListSubscriptionsByTopic", "sns:GetTopicAttributes", "sns:SetTopicAttributes", "sns:CreateTopic"),
    *("sns:TagResource", "sns:Publish", "sns:Subscribe", "sns:Unsubscribe", "sns:DeleteTopic"),
)
_QUEUE_EVENTS = (
    *("sqs:CreateQueue", "sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage", "sqs:GetQueueUrl"),
    *("sqs:GetQueueAttributes", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:ChangeMessageVisibility"),
    *("sqs:PurgeQueue", "sqs:DeleteQueue", "sqs:ListQueueTags"),
)
_LIST_EVENTS = ("sqs:ListQueues", "sns:ListTopics")


@dataclass(frozen=True, kw_only=True)
class Place:
    """The path of one external location. `purpose` is the end of its name."""

    purpose: str
    where: S3Location
    read_only: bool


def places(request: SetupRequest) -> list[Place]:
    """Return the paths that need a location of their own; a path inside another one needs none."""
    wanted = [
        Place(purpose="logs", where=logs_folder(request), read_only=True),
        Place(purpose="tables", where=S3Location.parse(request.target_root), read_only=False),
        Place(purpose="checkpoints", where=S3Location.parse(request.checkpoint_root), read_only=False),
    ]
    if request.code_root.startswith("s3://"):
        wanted.append(Place(purpose="code", where=S3Location.parse(request.code_root), read_only=True))
    return [
        place
        for number, place in enumerate(wanted)
        if not any(
            _inside(place, other, earlier=at < number) for at, other in enumerate(wanted) if at != number
        )
    ]


def _inside(place: Place, other: Place, *, earlier: bool) -> bool:
    """Return whether the other path contains this one; of two equal paths, the earlier contains the later."""
    return other.where.contains(place.where) and (earlier or other.where != place.where)


def logs_folder(request: SetupRequest) -> S3Location:
    """Return the innermost folder with the log files of all requested kinds."""
    folders = [listing_prefix(one.logs).strip("/").split("/") for one in request.requests.values()]
    common = []
    for parts in zip(*folders, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return S3Location(bucket=request.bucket, key="/".join(common))


def catalog_access(request: SetupRequest) -> list[Access]:
    """Return the role's accesses in addition to the ingest's: Unity Catalog validates each location."""
    needed: list[Access] = []
    for place in places(request):
        bucket, keys = place.where.bucket, f"{place.where.prefix}*"
        statement = {"logs": READ_LOGS, "code": READ_CODE}.get(place.purpose, WRITE_TABLES)
        purpose = f"validate the external location of the {place.purpose}"
        needed += [
            Access(
                action=action,
                resource_arn=object_arn(bucket, keys, request.partition),
                purpose=purpose,
                statement=statement,
            )
            for action in (READ if place.read_only else READ_WRITE)
        ]
        needed.append(located(bucket, request.partition))
        if not place.read_only:
            needed += uploads(place.where, keys, request.partition)
        if listed := {"logs": LIST_LOGS, "code": LIST_CODE}.get(place.purpose):
            needed.append(
                Access(
                    action=LIST,
                    resource_arn=bucket_arn(bucket, request.partition),
                    purpose=purpose,
                    statement=listed,
                    list_prefix=place.where.prefix,
                    conditional=True,
                )
            )
    if request.discovery == "file_events":
        needed += _file_events(request)
    return needed


def _file_events(request: SetupRequest) -> list[Access]:
    own = f"arn:{request.partition}:{{}}:*:*:csms-*"
    resources = {
        bucket_arn(request.bucket, request.partition): _BUCKET_EVENTS,
        own.format("sns"): _TOPIC_EVENTS,
        own.format("sqs"): _QUEUE_EVENTS,
        "*": _LIST_EVENTS,
    }
    words = {"s3": "Bucket", "sns": "Topic", "sqs": "Queue"}
    return [
        Access(
            action=action,
            resource_arn=resource,
            purpose="announce new log files",
            statement=f"{FILE_EVENTS}{words.get(resource.split(':')[2] if ':' in resource else '', 'List')}",
        )
        for resource, actions in resources.items()
        for action in actions
    ]
