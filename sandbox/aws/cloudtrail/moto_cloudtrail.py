"""moto's CloudTrail, with AWS's answers where moto differs: policies, selectors, Insights, other accounts.

- CreateTrail and UpdateTrail check the policies of bucket, topic and key (`delivery`), which may belong to
  another account. They accept a topic's ARN. CreateTrail refuses a second trail of the same name, and
  a sixth trail in a region.
- Selectors are checked (`selectors`). A trail without any has one selector for all management events.
- PutInsightSelectors replaces the selectors, and requires that the trail records write management events.
- DeleteTrail accepts an ARN.
- An organization trail needs an organization, its management account or a delegated administrator, and
  trusted access (`moto_organizations`).
- GetTrailStatus has an error, while the policies do not let a trail that records deliver. Source: API
  Reference, GetTrailStatus, LatestDeliveryError.
- ListPublicKeys returns the keys that the sandbox signs digests with (`signing`).
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudtrail import models, urls
from moto.cloudtrail.models import CloudTrailBackend, Trail, cloudtrail_backends
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.exceptions import JsonRESTError
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends

from sandbox.aws.cloudtrail.delivery import Delivery
from sandbox.aws.cloudtrail.selectors import INSIGHTS, OPERATORS, find_fault
from sandbox.aws.cloudtrail.signing import KEYS
from sandbox.aws.moto_organizations import refusal, trail_owner
from sandbox.aws.rules import RULES

_DELIVERY_ERRORS = {"S3BucketDoesNotExistException": "NoSuchBucket"}
DEFAULT_SELECTOR = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}
# AWS CloudTrail User Guide, "Quotas in AWS CloudTrail": trails per region.
MOST_TRAILS = 5
# moto does not know a trail's organization: the files go below the id in the bucket's policy.
ANY_ORGANIZATION = "o-anyorganization"


class SandboxTrail(Trail):
    """A trail whose bucket, topic and key may belong to another account, and must grant CloudTrail access."""

    @property
    def topic_arn(self) -> str | None:
        """Return the topic's ARN; the trail may have its name or, as AWS allows too, its ARN."""
        name = self.sns_topic_name
        return name if name and name.startswith("arn:") else super().topic_arn

    def check_bucket_exists(self) -> None:
        """Raise unless the bucket exists and grants CloudTrail access."""
        buckets = s3_backends.bucket_accounts
        if self.bucket_name not in buckets:
            raise _error("S3BucketDoesNotExistException", f"S3 bucket {self.bucket_name} does not exist!")
        partition, owner = buckets[self.bucket_name]
        bucket = s3_backends[owner][partition].buckets[self.bucket_name]
        policy = bucket.policy or b""
        lacks = self._delivery(policy.decode()).lacks_in_bucket(
            policy.decode(), bucket_arn=bucket.arn, prefix=self.s3_key_prefix or ""
        )
        if lacks:
            raise _error(
                "InsufficientS3BucketPolicyException",
                f"Incorrect S3 bucket policy is detected for bucket: {self.bucket_name} ({lacks})",
            )

    def check_topic_exists(self) -> None:
        """Raise unless the topic and the key exist and grant CloudTrail access."""
        if self.topic_arn:
            _, _, _, region, account, _ = self.topic_arn.split(":")
            topic = sns_backends[account][region].topics.get(self.topic_arn)
            if topic is None or self._delivery("").lacks_in_topic(topic.policy, topic_arn=self.topic_arn):
                message = "SNS Topic does not exist or the topic policy is incorrect!"
                raise _error("InsufficientSnsTopicPolicyException", message)
        if self.kms_key_id:
            self._check_key()

    def _check_key(self) -> None:
        _, _, _, region, account, _ = self.kms_key_id.split(":")
        key = kms_backends[account][region].keys.get(self.kms_key_id.rpartition("/")[2])
        if key is None:
            raise _error("KmsKeyNotFoundException", f"KMS key {self.kms_key_id} does not exist")
        bucket_key = RULES.bucket_keys_need_decrypt and _has_bucket_key(self.bucket_name)
        lacks = self._delivery("").lacks_in_key(key.policy, key_arn=self.kms_key_id, bucket_key=bucket_key)
        if lacks:
            message = f"Insufficient permissions to access S3 bucket {self.bucket_name} or KMS key {key.arn}."
            raise _error("InsufficientEncryptionPolicyException", message)

    def _delivery(self, policy: str) -> Delivery:
        folders = [self.account_id]
        if self.is_org_trail:
            folders += [_organization_in(policy)]
        return Delivery(trail_arn=self.arn, account=self.account_id, folders=tuple(folders))

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Check the new values, and keep the old ones if they are refused."""
        before = dict(vars(self))
        super().update(*args, **kwargs)
        try:
            self.check_bucket_exists()
            self.check_topic_exists()
        except JsonRESTError:
            vars(self).update(before)
            raise

    def description(self, include_region: bool = False) -> dict[str, Any]:  # noqa: ARG002 - moto's signature
        """Return the trail with its region and without empty values, as GetTrail does."""
        full = super().description(include_region=True)
        full["HasCustomEventSelectors"] = bool(self.event_selectors or self.advanced_event_selectors)
        full["HasInsightSelectors"] = bool(self.insight_selectors)
        return {name: value for name, value in full.items() if value not in (None, "")}


class SandboxCloudTrailResponse(CloudTrailResponse):
    """CloudTrail's operations, which moto finds by the names of their methods."""

    @property
    def _trails(self) -> CloudTrailBackend:
        return self.cloudtrail_backend

    @property
    def cloudtrail_backend(self) -> CloudTrailBackend:
        """The trails of the account; those of the management account, if a delegated administrator asks."""
        named = [self._get_param(one) for one in ("Name", "TrailName", "ResourceId")]
        arns = [str(one) for one in (*named, *(self._get_param("ResourceIdList") or [])) if one]
        owner = trail_owner(self.current_account)
        of_organization = self._get_bool_param("IsOrganizationTrail", False)
        if of_organization or any(one.split(":")[4:5] == [owner] for one in arns):
            return cloudtrail_backends[owner][self.region]
        return cloudtrail_backends[self.current_account][self.region]

    def create_trail(self) -> str:
        """Create a trail; refuse a second one of the same name."""
        name = self._get_param("Name")
        if self._get_bool_param("IsOrganizationTrail", False) and (code := refusal(self.current_account)):
            raise _error(code, f"CloudTrail refuses an organization trail to {self.current_account}.")
        if name in self._trails.trails:
            message = f"Trail {name} already exists for customer: {self.current_account}"
            raise _error("TrailAlreadyExistsException", message)
        if len(self._trails.trails) >= MOST_TRAILS:
            message = f"User: {self.current_account} already has {MOST_TRAILS} trails in {self.region}."
            raise _error("MaximumNumberOfTrailsExceededException", message)
        return super().create_trail()

    def delete_trail(self) -> str:
        """Delete a trail, by name or ARN, with its tags."""
        trail = self._trails.get_trail(self._get_param("Name"))
        self._trails.delete_trail(trail.trail_name)
        self._trails.tagging_service.delete_all_tags_for_resource(trail.arn)
        return json.dumps({})

    def start_logging(self) -> str:
        """Start a trail's logging, by name or ARN."""
        self._trails.get_trail(self._get_param("Name")).start_logging()
        return json.dumps({})

    def get_trail_status(self) -> str:
        """Return the status; with the error of a delivery that bucket or key refuse."""
        trail = self._trails.get_trail(self._get_param("Name"))
        status = trail.status.description()
        try:
            trail.check_bucket_exists()
            trail.check_topic_exists()
        except JsonRESTError as error:
            status |= {"LatestDeliveryError": _DELIVERY_ERRORS.get(error.error_type, "AccessDenied")}
        return json.dumps(status)

    def put_event_selectors(self) -> str:
        """Check and store selectors; one kind of selectors replaces the other."""
        given = json.loads(self.body)
        advanced = given.get("AdvancedEventSelectors")
        if fault := find_fault(advanced or []):
            raise _error(
                "InvalidEventSelectorsException", f"The advanced event selectors are not valid: {fault}"
            )
        trail = self._trails.get_trail(given.get("TrailName"))
        trail.event_selectors, trail.advanced_event_selectors = [], []
        return super().put_event_selectors()

    def get_event_selectors(self) -> str:
        """Return the selectors; by default, a trail has one selector for all management events.

        A field has every operator, with an empty list for those that were not given. Source: AWS CloudTrail
        User Guide, "Logging data events", the output of get-event-selectors.
        """
        answer = json.loads(super().get_event_selectors())
        for selector in answer["AdvancedEventSelectors"] if RULES.empty_selector_lists else ():
            selector["FieldSelectors"] = [
                {name: field.get(name, []) for name in ("Field", *sorted(OPERATORS))}
                for field in selector["FieldSelectors"]
            ]
        if not answer["AdvancedEventSelectors"]:
            answer["EventSelectors"] = answer["EventSelectors"] or [DEFAULT_SELECTOR]
        return json.dumps({name: value for name, value in answer.items() if value})

    def put_insight_selectors(self) -> str:
        """Replace the Insights selectors."""
        trail = self._trails.get_trail(self._get_param("TrailName"))
        chosen = self._get_param("InsightSelectors") or []
        given = [one["InsightType"] for one in chosen]
        if set().union(*(one.get("EventCategories") or [] for one in chosen)) - {"Management", "Data"}:
            raise _error("InvalidInsightSelectorsException", "the event categories are Management and Data")
        if unknown := set(given) - INSIGHTS:
            raise _error("InvalidInsightSelectorsException", f"unknown insight types: {sorted(unknown)}")
        trail.insight_selectors = []
        return super().put_insight_selectors()

    def get_insight_selectors(self) -> str:
        """Return the Insights selectors; a trail without any answers with an error."""
        trail = self._trails.get_trail(self._get_param("TrailName"))
        if not trail.insight_selectors:
            message = f"Trail {trail.arn} does not have Insights enabled."
            raise _error("InsightNotEnabledException", message)
        return super().get_insight_selectors()

    def list_public_keys(self) -> str:
        """The keys of a period; without one, of the last day."""
        end = _moment(self._get_param("EndTime")) or datetime.now(UTC)
        start = _moment(self._get_param("StartTime")) or end - timedelta(days=1)
        if start > end:
            raise _error("InvalidTimeRangeException", "The start time is after the end time.")
        return json.dumps({"PublicKeyList": list(KEYS.listed(start, end))})


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC)


def register() -> None:
    """Route moto's CloudTrail through these classes; call this before the server's first request."""
    urls.url_paths["{0}/$"] = SandboxCloudTrailResponse.dispatch
    models.Trail = SandboxTrail  # type: ignore[misc] # the backend makes its trails by this name


def _has_bucket_key(name: str) -> bool:
    """Return whether the bucket encrypts with an S3 Bucket Key."""
    partition, owner = s3_backends.bucket_accounts[name]
    rule = (s3_backends[owner][partition].buckets[name].encryption or {}).get("Rule") or {}
    return str(rule.get("BucketKeyEnabled", "")).lower() == "true"


def _organization_in(policy: str) -> str:
    """Return the organization in the bucket's policy, from the folder `AWSLogs/o-…/`."""
    _, found, rest = policy.partition("AWSLogs/o-")
    return f"o-{rest.partition('/')[0]}" if found else ANY_ORGANIZATION


def _error(code: str, message: str) -> JsonRESTError:
    return JsonRESTError(code, message)
