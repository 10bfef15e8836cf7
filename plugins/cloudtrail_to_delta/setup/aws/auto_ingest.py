"""What Auto Loader's file notifications leave behind: topics, queues and the bucket's notifications to them.

Auto Loader makes them for a stream and never takes them away: an orphaned queue keeps messages, and the
bucket's notification stands in the way of the next stream. Source: the guide, "Configure Auto Loader for file
notifications", names and the actions for a teardown.
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
    """A stream still works on the logs: its notifications are not orphaned."""


@dataclass(frozen=True, kw_only=True)
class AutoIngestLeftovers(Resource):
    """Auto Loader's notifications of the log bucket for our logs, their topics, and the topics' queues.

    Only for a removal. What is not named `databricks-auto-ingest-…`, or announces other keys than those below
    `prefixes`, belongs to somebody else. The document has one setting for each thing, so that a removal that
    was interrupted finds fewer of them; the notification goes last, since the others are found by it.
    """

    action = "databricks"
    tagged: ClassVar[bool] = False
    setup: str
    account: str
    bucket: str
    prefixes: tuple[str, ...]
    #: The ingests whose runs read by these notifications.
    requests: tuple[IngestRequest, ...]

    @property
    def name(self) -> str:  # type: ignore[override] # a name made of the fields
        """`file notifications of bucket my-logs`."""
        return f"file notifications of bucket {self.bucket}"

    def read(self, clouds: Clouds) -> Found | None:
        """GetBucketNotificationConfiguration, ListSubscriptionsByTopic of each topic."""
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
        """Whatever is there: the set-up makes none of them, Auto Loader does."""
        return dict(found.document) if found else {}

    def released(self, found: Found) -> Document | None:  # noqa: ARG002 - the protocol's signature
        """Nothing."""
        return None

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Never: see `wanted`."""
        raise NotImplementedError("Auto Loader makes its notifications itself")

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - it is read again, in order
        """Queues and their subscriptions, then topics, then the bucket's notifications to them.

        Raises:
            StreamActiveError: when a run works on the logs.
        """
        for run in clouds.databricks.active_runs():
            name = str(run.get("run_name", ""))
            if any(works_on(name, request) for request in self.requests):
                raise StreamActiveError(
                    f"Databricks run {run['run_id']} ({name!r}) reads by these notifications: "
                    "cancel it, then clear this task."
                )
        answer = self._notifications(clouds)
        ours = self._ours(answer)
        for topic in dict.fromkeys(str(one["TopicArn"]) for one in ours):
            for subscription in self._subscriptions(clouds, topic):
                self._remove_queue(clouds, subscription)
            clouds.aws(*_place(clouds, topic, "sns")).delete_topic(TopicArn=topic)
        kept = {key: value for key, value in answer.items() if key.endswith("Configurations") and value}
        kept["TopicConfigurations"] = [
            one for one in answer.get("TopicConfigurations", []) if one not in ours
        ]
        if event_bridge := answer.get("EventBridgeConfiguration"):
            kept["EventBridgeConfiguration"] = event_bridge
        clouds.aws(self.account, "s3").put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration=kept
        )

    def _notifications(self, clouds: Clouds) -> Mapping[str, Any]:
        s3 = clouds.aws(self.account, "s3")
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
        """Those of queues that Auto Loader made."""
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
    """Account and service of a topic or queue; its region is the bucket's, S3 takes no other.

    Raises:
        FatalError: when the account has no connection.
    """
    account = arn.split(":")[4]
    if account not in clouds.connections:
        raise FatalError(f"{arn} is in account {account}: add it to accounts with its AWS connection.")
    return account, service


def _prefix(notification: Mapping[str, Any]) -> str:
    """The keys that a notification is for; empty for all."""
    rules = notification.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((str(rule["Value"]) for rule in rules if rule["Name"].lower() == "prefix"), "")


def _unless_gone(call: Any, gone: frozenset[str] | set[str] = GONE) -> Any:
    """The answer, or None when the service says that there is no such thing."""
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        if error_code(error) in gone:
            return None
        raise
