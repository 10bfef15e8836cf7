"""A trail of one account or of an organization. Source: AWS CloudTrail API Reference."""

from dataclasses import dataclass
from typing import Any, ClassVar

from cloudtrail_to_delta.setup.aws.bucket import optional
from cloudtrail_to_delta.setup.aws.roles import tag_value
from cloudtrail_to_delta.setup.aws.selectors import DEFAULT_BASIC, in_one_form
from cloudtrail_to_delta.setup.resources import TAG, Clouds, Document, Found, Resource

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
    insights: list[str]

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
        tags = client.list_tags(ResourceIdList=[self.arn])["ResourceTagList"]
        return Found(
            document={
                **settings,
                "selectors": _selectors(client, self.arn),
                "insights": _insights(client, self.arn),
                "logging": client.get_trail_status(Name=self.arn)["IsLogging"],
            },
            owner=tag_value(tags[0]["TagsList"] if tags else []),
            facts={"arn": self.arn},
        )

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """Return the settings of the params, with logging on."""
        return {
            **self.settings,
            "selectors": {"advanced": self.selectors},
            "insights": sorted(self.insights),
            "logging": True,
        }

    def initial(self) -> Document:
        """Return the state of a new trail: it does not record, and it selects all management events."""
        return {"selectors": {"basic": [DEFAULT_BASIC]}, "insights": [], "logging": False}

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Create or update the trail, put its selectors and start logging, as far as not done yet."""
        client = clouds.aws(self.account, "cloudtrail")
        now = found.document if found else {**after, **self.initial()}
        if found is None:
            tags = [{"Key": TAG, "Value": self.setup}]
            client.create_trail(Name=self.trail, TagsList=tags, **self._parameters(after, after))
        elif changed := {name: after[name] for name in _PARAMETERS if now[name] != after[name]}:
            client.update_trail(Name=self.arn, **self._parameters(changed, after, empty=True))
        if now["selectors"] != after["selectors"]:
            selectors = after["selectors"]["advanced"]
            client.put_event_selectors(TrailName=self.arn, AdvancedEventSelectors=selectors)
        if now["insights"] != after["insights"]:
            chosen = [{"InsightType": name} for name in after["insights"]]
            client.put_insight_selectors(TrailName=self.arn, InsightSelectors=chosen)
        if now["logging"] != after["logging"]:
            client.start_logging(Name=self.arn)

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


def _insights(client: Any, arn: str) -> list[str]:
    answer: Any = optional(
        lambda: client.get_insight_selectors(TrailName=arn), {"InsightNotEnabledException"}
    )
    return sorted(one["InsightType"] for one in answer.get("InsightSelectors", [])) if answer else []
