"""Leftovers of Auto Loader's file notifications: topics, queues and the bucket's notifications to them.

Auto Loader creates them for a stream and never removes them. An orphaned queue keeps messages, and the
bucket's notification blocks the next stream. Source: the original Databricks guide (2020), "Configure Auto
Loader for file notifications", for the names and the actions of a teardown.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cloudtrail_to_delta.errors import FatalError
from cloudtrail_to_delta.hooks.aws_errors import error_code
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.notifications import OWN
from cloudtrail_to_delta.runs.names import works_on
from cloudtrail_to_delta.setup.resources import Clouds, Document, Found, Resource

GONE = frozenset(
    {"NotFound", "NotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
)


class StreamActiveError(FatalError):
    """A stream still reads the logs, so its notifications are not orphaned."""


@dataclass(frozen=True, kw_only=True)
class AutoIngestLeftovers(Resource):
    """Auto Loader's notifications of the log bucket for the set-up's logs, with their topics and queues.

    Only for a removal. Objects belong to somebody else if their name does not start with
    `databricks-auto-ingest-`, or if they announce keys outside `prefixes`. The document has one setting for
    each object, so a removal after an interruption finds fewer of them. The notification is removed last,
    because the search starts from it.
    """

    action = "databricks"
    tagged: ClassVar[bool] = False
    setup: str
    account: str
    bucket: str
    prefixes: tuple[str, ...]
    #: The ingests whose runs use these notifications.
    requests: tuple[IngestRequest, ...]

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `file notifications of bucket my-logs`."""
        return f"file notifications of bucket {self.bucket}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read the bucket's notifications, then the topics and their subscriptions."""
        document: Document = {}
        for one in self._ours(self._notifications(clouds)):
            topic = str(one["TopicArn"])
            document[f"notification {one['Id']}"] = {"topic": topic, "prefix": _prefix(one)}
            if self._topic_is_there(clouds, topic):
                document[f"topic {topic}"] = {"announces": f"s3://{self.bucket}/{_prefix(one)}"}
            for subscription in self._subscriptions(clouds, topic):
                document[f"queue {subscription['Endpoint']}"] = {"subscribed to": topic}
        return Found(document=document) if document else None

    def wanted(self, found: Found | None) -> Document:
        """Return the current document: Auto Loader creates these objects, not the set-up."""
        return dict(found.document) if found else {}

    def released(self, found: Found) -> Document | None:  # noqa: ARG002 - the protocol's signature
        """Return None: a removal leaves nothing."""
        return None

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Raise: there is never anything to apply, see `wanted`."""
        raise NotImplementedError("Auto Loader creates its own notifications")

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - it is read again, in order
        """Delete the queues and their subscriptions, then the topics, then the bucket's notifications.

        Raises:
            StreamActiveError: if a run reads the logs.
        """
        for run in clouds.databricks.active_runs():
            name = str(run.get("run_name", ""))
            if any(works_on(name, request) for request in self.requests):
                raise StreamActiveError(
                    f"Databricks run {run['run_id']} ({name!r}) uses these notifications: "
                    "cancel it, then clear this task."
                )
        answer = self._notifications(clouds)
        ours = self._ours(answer)
        for topic in dict.fromkeys(str(one["TopicArn"]) for one in ours):
            for subscription in self._subscriptions(clouds, topic):
                self._remove_queue(clouds, subscription)
            clouds.aws(*_place(clouds, topic, "sns")).delete_topic(TopicArn=topic)
        # Read again: a notification that somebody has added meanwhile stays. S3 validates the destinations of
        # all notifications, and one to a function that no longer exists would block this removal for good.
        # Source: Amazon S3 API Reference, PutBucketNotificationConfiguration.
        answer = self._notifications(clouds)
        kept = {key: value for key, value in answer.items() if key.endswith("Configurations") and value}
        kept["TopicConfigurations"] = [
            one for one in answer.get("TopicConfigurations", []) if one not in ours
        ]
        if event_bridge := answer.get("EventBridgeConfiguration"):
            kept["EventBridgeConfiguration"] = event_bridge
        clouds.s3(self.account).put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration=kept, SkipDestinationValidation=True
        )

    def _notifications(self, clouds: Clouds) -> Mapping[str, Any]:
        s3 = clouds.s3(self.account)
        found = _unless_gone(
            lambda: s3.get_bucket_notification_configuration(Bucket=self.bucket), {"NoSuchBucket"}
        )
        answer: Mapping[str, Any] = found or {}
        return answer

    def _ours(self, answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        return [
            one
            for one in answer.get("TopicConfigurations", [])
            if one["TopicArn"].rpartition(":")[2].startswith(OWN) and _prefix(one).startswith(self.prefixes)
        ]

    def _topic_is_there(self, clouds: Clouds, topic: str) -> bool:
        sns = clouds.aws(*_place(clouds, topic, "sns"))
        return _unless_gone(lambda: sns.get_topic_attributes(TopicArn=topic)) is not None

    def _subscriptions(self, clouds: Clouds, topic: str) -> Iterator[Mapping[str, Any]]:
        """Return the subscriptions of queues that Auto Loader created."""
        sns = clouds.aws(*_place(clouds, topic, "sns"))
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        found = _unless_gone(lambda: [one for page in pages for one in page["Subscriptions"]])
        for one in found or []:
            if one["Protocol"] == "sqs" and one["Endpoint"].rpartition(":")[2].startswith(OWN):
                yield one

    def _remove_queue(self, clouds: Clouds, subscription: Mapping[str, Any]) -> None:
        arn = str(subscription["Endpoint"])
        sqs = clouds.aws(*_place(clouds, arn, "sqs"))
        url = _unless_gone(lambda: sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"])
        if url is not None:
            sqs.delete_queue(QueueUrl=url)
        sns = clouds.aws(*_place(clouds, str(subscription["TopicArn"]), "sns"))
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])


def _place(clouds: Clouds, arn: str, service: str) -> tuple[str, str]:
    """Return account and service of a topic or queue. S3 requires that it is in the bucket's region.

    Raises:
        FatalError: if the account has no connection.
    """
    account = arn.split(":")[4]
    if account not in clouds.connections:
        raise FatalError(
            f"{arn} is in account {account}: add this account to accounts, with an AWS connection."
        )
    return account, service


def _prefix(notification: Mapping[str, Any]) -> str:
    """Return the key prefix of a notification; empty for all keys."""
    rules = notification.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((str(rule["Value"]) for rule in rules if rule["Name"].lower() == "prefix"), "")


def _unless_gone(call: Any, gone: frozenset[str] | set[str] = GONE) -> Any:
    """Return the answer of a call, or None if the service says that the object does not exist."""
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        if error_code(error) in gone:
            return None
        raise
