"""The SNS topic that is notified of each new log file. Source: Amazon SNS API Reference."""

from dataclasses import dataclass, field

from cloudtrail_to_delta.setup.aws.bucket import optional
from cloudtrail_to_delta.setup.aws.tags import (
    Tags,
    as_pairs,
    changed_tags,
    for_new,
    found_tags,
    tag_value,
    wanted_tags,
)
from cloudtrail_to_delta.setup.documents import text
from cloudtrail_to_delta.setup.resources import TAG, Clouds, Document, Found, Resource


@dataclass(frozen=True, kw_only=True)
class Topic(Resource):
    """A standard topic. Its policy is a separate resource."""

    action = "bucket"
    setup: str
    account: str
    topic: str
    #: The policy that a new topic gets.
    base: Document
    tags: Tags = field(default_factory=dict)

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `topic cloudtrail in 111122223333`."""
        return f"topic {self.topic.rpartition(':')[2]} in {self.account}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read the topic with GetTopicAttributes and ListTagsForResource."""
        sns = clouds.aws(self.account, "sns")
        gone = {"NotFound", "NotFoundException"}
        if optional(lambda: sns.get_topic_attributes(TopicArn=self.topic), gone) is None:
            return None
        tags = sns.list_tags_for_resource(ResourceArn=self.topic)["Tags"]
        return Found(document={"arn": self.topic, **found_tags(tags, self.tags)}, owner=tag_value(tags))

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """Return a document that says that the topic exists."""
        return {"arn": self.topic, **wanted_tags(self.tags)}

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Create the topic with its tags, or change them."""
        sns = clouds.aws(self.account, "sns")
        if found:
            sns.tag_resource(ResourceArn=self.topic, Tags=as_pairs(changed_tags(found.document, after)))
            return
        sns.create_topic(
            Name=self.topic.rpartition(":")[2],
            Attributes={"Policy": text(self.base)},
            Tags=as_pairs(for_new(self.setup, after.get("tags", {}))),
        )

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Delete the topic."""
        clouds.aws(self.account, "sns").delete_topic(TopicArn=self.topic)

    def release(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Remove the set-up's tag."""
        clouds.aws(self.account, "sns").untag_resource(ResourceArn=self.topic, TagKeys=[TAG])
