"""A trail of one account or of an organization. Source: AWS CloudTrail API Reference."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from cloudtrail_to_delta.setup.aws.bucket import optional
from cloudtrail_to_delta.setup.aws.organizations import require_organization
from cloudtrail_to_delta.setup.aws.selectors import DEFAULT_BASIC, in_one_form
from cloudtrail_to_delta.setup.aws.tags import (
    Tags,
    as_pairs,
    changed_tags,
    for_new,
    found_tags,
    tag_value,
    wanted_tags,
)
from cloudtrail_to_delta.setup.refusals import ImpossibleChangeError
from cloudtrail_to_delta.setup.resources import Clouds, Document, Found, Resource

# Document setting → parameter of CreateTrail and UpdateTrail.
_PARAMETERS = {
    "bucket": "S3BucketName",
    "prefix": "S3KeyPrefix",
    "multi_region": "IsMultiRegionTrail",
    "log_file_validation": "EnableLogFileValidation",
    "kms_key": "KmsKeyId",
    "sns_topic": "SnsTopicName",
    "organization": "IsOrganizationTrail",
}
# Document setting → name in the answer of GetTrail.
_ANSWER = _PARAMETERS | {"log_file_validation": "LogFileValidationEnabled", "sns_topic": "SnsTopicARN"}
MOST_TRAILS = 5
# What GetTrailStatus says about the last attempt of each delivery.
_ERRORS = {
    "delivery_error": "LatestDeliveryError",
    "digest_error": "LatestDigestDeliveryError",
    "notification_error": "LatestNotificationError",
}
_FAILED = {
    "delivery_error": "delivery",
    "digest_error": "delivery of a digest",
    "notification_error": "notification",
}
_TEXT = ("bucket", "prefix", "kms_key", "sns_topic")


@dataclass(frozen=True, kw_only=True)
class Trail(Resource):
    """A trail that records, with its event selectors."""

    action = "trail"
    # The policies were written a moment ago.
    not_yet: ClassVar[frozenset[str]] = frozenset(
        {
            "InsufficientS3BucketPolicyException",
            "InsufficientEncryptionPolicyException",
            "InsufficientSnsTopicPolicyException",
            "S3BucketDoesNotExistException",
            "ConflictException",
        }
    )
    setup: str
    account: str
    trail: str
    arn: str
    #: Setting → value, for the settings in `_PARAMETERS`.
    settings: Document
    selectors: list[Document]
    #: The types of Insights on management events.
    insights: list[str]
    #: The organization's ID, for an organization trail.
    organization: str = ""
    tags: Tags = field(default_factory=dict)

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `trail cloudtrail in 111122223333`."""
        return f"trail {self.trail} in {self.account}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read the trail, its status, its selectors and its tags."""
        client = clouds.aws(self.account, "cloudtrail")
        settings = delivery_settings(client, self.arn)
        if settings is None:
            return None
        listed = client.list_tags(ResourceIdList=[self.arn])["ResourceTagList"]
        tags = listed[0]["TagsList"] if listed else []
        status = client.get_trail_status(Name=self.arn)
        errors = {fact: str(status[name]) for fact, name in _ERRORS.items() if status.get(name)}
        return Found(
            document={
                **settings,
                "selectors": _selectors(client, self.arn),
                "insights": _insights(client, self.arn),
                "logging": status["IsLogging"],
                **found_tags(tags, self.tags),
            },
            owner=tag_value(tags),
            facts={"arn": self.arn, **errors},
        )

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """Return the settings of the params, with logging on."""
        return {
            **self.settings,
            "selectors": {"advanced": self.selectors},
            "insights": {name: ["Management"] for name in sorted(self.insights)},
            "logging": True,
            **wanted_tags(self.tags),
        }

    def remark(self, found: Found | None, after: Document | None) -> str:
        """Say what changes in its delivery, and which delivery failed at last."""
        if found is None:
            return ""
        now = found.document
        parts = [
            f"its latest {words} failed: {found.facts[fact]}"
            for fact, words in _FAILED.items()
            if fact in found.facts
        ]
        if after is None:
            parts.append("it stops recording and delivering")
        elif (place := _place(after)) != _place(now):
            parts.append(f"its log files go to {place} instead of {_place(now)}")
        return ", ".join(parts)

    def initial(self) -> Document:
        """Return the state of a new trail: it does not record, and it selects all management events."""
        return {"selectors": {"basic": [DEFAULT_BASIC]}, "insights": {}, "logging": False}

    def require_possible(self, clouds: Clouds, found: Found | None) -> None:
        """Raise if the organization does not let this account make its trail, or a new trail is one too many.

        Source: AWS CloudTrail User Guide, "Quotas in AWS CloudTrail".

        Raises:
            ImpossibleChangeError: with the names of the trails that exist, or what the organization lacks.
        """
        if self.organization:
            client = clouds.aws(self.account, "organizations")
            owner = self.arn.split(":")[4]
            require_organization(client, self.account, organization=self.organization, management=owner)
        if found is not None:
            return
        owner, region = self.arn.split(":")[4], self.arn.split(":")[3]
        listed = clouds.aws(self.account, "cloudtrail").describe_trails()["trailList"]
        names = sorted(
            str(one["Name"])
            for one in listed
            if one["TrailARN"].split(":")[4] == owner
            and (one.get("HomeRegion") == region or one.get("IsMultiRegionTrail"))
        )
        if len(names) >= MOST_TRAILS:
            raise ImpossibleChangeError(
                f"{self.name} cannot be created: the account has {len(names)} trails in {region} "
                f"({', '.join(names)}), and CloudTrail allows {MOST_TRAILS}. Delete one, or give its name in "
                "trail to adopt it."
            )

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Create or update the trail, put its selectors and start logging, as far as not done yet."""
        client = clouds.aws(self.account, "cloudtrail")
        now = found.document if found else {**after, **self.initial()}
        if found is None:
            tags = as_pairs(for_new(self.setup, after.get("tags", {})))
            client.create_trail(Name=self.trail, TagsList=tags, **self._parameters(after, after))
        elif changed := {name: after[name] for name in _PARAMETERS if now[name] != after[name]}:
            client.update_trail(Name=self.arn, **self._parameters(changed, after, empty=True))
        if now["selectors"] != after["selectors"]:
            selectors = after["selectors"]["advanced"]
            client.put_event_selectors(TrailName=self.arn, AdvancedEventSelectors=selectors)
        if now["insights"] != after["insights"]:
            chosen = [
                {"InsightType": name, "EventCategories": categories}
                for name, categories in after["insights"].items()
            ]
            client.put_insight_selectors(TrailName=self.arn, InsightSelectors=chosen)
        if now["logging"] != after["logging"]:
            client.start_logging(Name=self.arn)
        if changed_now := changed_tags(now, after):
            client.add_tags(ResourceId=self.arn, TagsList=as_pairs(changed_now))

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Delete the trail. The log files stay."""
        clouds.aws(self.account, "cloudtrail").delete_trail(Name=self.arn)

    @staticmethod
    def _parameters(settings: Document, after: Document, *, empty: bool = False) -> dict[str, Any]:
        """Return the call's parameters. An empty text removes a value; CreateTrail does not accept it."""
        named = {_PARAMETERS[name]: settings[name] for name in _PARAMETERS if name in settings}
        if "IsMultiRegionTrail" in named and after["multi_region"]:
            named["IncludeGlobalServiceEvents"] = True
        return named if empty else {name: value for name, value in named.items() if value != ""}


def _place(settings: Document) -> str:
    return f"s3://{settings['bucket']}/{settings['prefix']}"


def delivery_settings(client: Any, arn: str) -> Document | None:
    """Return where and how a trail delivers, as settings of `_PARAMETERS`; None if it does not exist."""
    answer = optional(lambda: client.get_trail(Name=arn), {"TrailNotFoundException"})
    if answer is None:
        return None
    trail: dict[str, Any] = answer["Trail"]
    return {name: trail.get(key) or ("" if name in _TEXT else False) for name, key in _ANSWER.items()}


def _selectors(client: Any, arn: str) -> Document:
    answer = client.get_event_selectors(TrailName=arn)
    if advanced := answer.get("AdvancedEventSelectors"):
        return {"advanced": in_one_form(list(advanced))}
    return {"basic": [dict(DEFAULT_BASIC) | dict(one) for one in answer.get("EventSelectors") or [{}]]}


def _insights(client: Any, arn: str) -> dict[str, list[str]]:
    """Return type → event categories. Source: PutInsightSelectors: without categories, it is Management."""
    answer: Any = optional(
        lambda: client.get_insight_selectors(TrailName=arn), {"InsightNotEnabledException"}
    )
    selectors = answer.get("InsightSelectors", []) if answer else []
    return {
        one["InsightType"]: sorted(one.get("EventCategories") or ["Management"])
        for one in sorted(selectors, key=lambda one: str(one["InsightType"]))
    }
