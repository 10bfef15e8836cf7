"""The SNS, SQS and bucket actions for discovery by file notifications.

The actions are those of the original Databricks guide (2020). The guide also lists batch actions
(`sqs:DeleteMessageBatch`, …), which do not exist in IAM: the single actions cover them.
"""

from collections.abc import Mapping

from cloudtrail_to_delta.iam.reader import Access, bucket_arn
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.params.values import partitions_by_region

# Source: the original Databricks guide (2020) and Databricks, "Configure Auto Loader for file notifications".
BUCKET_NOTIFICATION = ("s3:GetBucketNotification", "s3:PutBucketNotification")
TOPIC = tuple(
    f"sns:{name}"
    for name in (
        *("ListSubscriptionsByTopic", "GetTopicAttributes", "SetTopicAttributes", "CreateTopic"),
        *("TagResource", "Publish", "Subscribe"),
    )
)
QUEUE = tuple(
    f"sqs:{name}"
    for name in (
        *("CreateQueue", "DeleteMessage", "ReceiveMessage", "SendMessage", "GetQueueUrl"),
        *("GetQueueAttributes", "SetQueueAttributes", "TagQueue", "ListQueueTags", "ChangeMessageVisibility"),
    )
)
LIST_ALL = ("sqs:ListQueues", "sns:ListTopics")
NOTIFICATIONS = {"s3": "NotifyBucket", "sns": "NotifyTopic", "sqs": "NotifyQueue", "*": "NotifyList"}


def notification_access(requests: Mapping[str, IngestRequest], *, account: str) -> list[Access]:
    """Return what Auto Loader needs to create its topic and queue, for discovery `notifications`.

    Args:
        requests: kind → request.
        account: the account of topic and queue, which is the reader role's.
    """
    needed: list[Access] = []
    for request in requests.values():
        partition = partitions_by_region()[request.region]
        own = f"arn:{partition}:{{}}:{request.region}:{account}:databricks-auto-ingest-*"
        resources = {
            bucket_arn(request.log_bucket, partition): BUCKET_NOTIFICATION,
            own.format("sns"): TOPIC,
            own.format("sqs"): QUEUE,
            "*": LIST_ALL,
        }
        needed += [
            Access(
                action=action,
                resource_arn=resource,
                purpose="be notified of new log files",
                statement=NOTIFICATIONS[resource.split(":")[2] if ":" in resource else "*"],
            )
            for resource, actions in resources.items()
            for action in actions
        ]
    return list(dict.fromkeys(needed))
