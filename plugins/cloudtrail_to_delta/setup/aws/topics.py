"""The topic that hears of each new log file. Source: Amazon SNS API Reference."""

from dataclasses import dataclass

from cloudtrail_to_delta.setup.aws.bucket import optional
from cloudtrail_to_delta.setup.aws.roles import tag_value
from cloudtrail_to_delta.setup.documents import text
from cloudtrail_to_delta.setup.resources import TAG, Clouds, Document, Found, Resource


@dataclass(frozen=True, kw_only=True)
class Topic(Resource):
    """A standard topic; its policy is a resource of its own."""

    action = "bucket"
    setup: str
    account: str
    topic: str
    #: Its first policy.
    base: Document

    @property
    def name(self) -> str:  # type: ignore[override] # a name made of the fields
        """`topic cloudtrail in 111122223333`."""
        return f"topic {self.topic.rpartition(':')[2]} in {self.account}"

    def read(self, clouds: Clouds) -> Found | None:
        """GetTopicAttributes, ListTagsForResource."""
        sns = clouds.aws(self.account, "sns")
        gone = {"NotFound", "NotFoundException"}
        if optional(lambda: sns.get_topic_attributes(TopicArn=self.topic), gone) is None:
            return None
        tags = sns.list_tags_for_resource(ResourceArn=self.topic)["Tags"]
        return Found(document={"arn": self.topic}, owner=tag_value(tags))

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """That it is there."""
        return {"arn": self.topic}

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:  # noqa: ARG002 - the protocol's
        """CreateTopic with its tag."""
        clouds.aws(self.account, "sns").create_topic(
            Name=self.topic.rpartition(":")[2],
            Attributes={"Policy": text(self.base)},
            Tags=[{"Key": TAG, "Value": self.setup}],
        )

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """DeleteTopic."""
        clouds.aws(self.account, "sns").delete_topic(TopicArn=self.topic)
