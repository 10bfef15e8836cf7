"""moto's S3 with rules of the service that moto lacks.

- CreateBucket keeps its tags. Source: Amazon S3 API Reference, CreateBucketConfiguration, `Tags`.
- A bucket that was created with the location constraint `EU` is in `eu-west-1`, and only HeadBucket shows
  this region. Source: GetBucketLocation.
- A bucket of another account than `x-amz-expected-bucket-owner` says is refused, and HeadBucket refuses one
  whose policy does not name the caller's account. Source: User Guide, "Verifying bucket ownership with bucket
  owner condition"; HeadBucket.
- A bucket with attribute-based access control (ABAC) takes tags from S3 Control only. Source: PutBucketAbac.
- The destinations of notifications must exist. Source: PutBucketNotificationConfiguration.
"""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import xmltodict  # type: ignore[import-untyped] # of moto's own, without types
from moto.iam.access_control import PermissionResult
from moto.s3 import responses
from moto.s3.exceptions import S3AccessDeniedError, S3ClientError
from moto.s3.models import FakeBucket, s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from sandbox.aws.rules import RULES

SKIP = "x-amz-skip-destination-validation"
# The buckets with attribute-based access control.
ABAC: set[str] = set()
OLD_IRELAND, IRELAND = "EU", "eu-west-1"


def age(bucket: str, by: timedelta) -> None:
    """Set the time at which each object of a bucket was written back by as much."""
    partition, account = s3_backends.bucket_accounts[bucket]
    for one in s3_backends[account][partition].buckets[bucket].keys.values():
        one.last_modified -= by


class SandboxS3Response(responses.S3Response):
    """S3 that tags a bucket when it creates it, and whose HeadBucket knows the region of an `EU` bucket."""

    def head_bucket(self) -> Any:
        """Answer with the region, even if the location constraint was `EU`."""
        status, headers, body = super().head_bucket()
        if RULES.old_ireland and headers.get("x-amz-bucket-region") == OLD_IRELAND:
            headers["x-amz-bucket-region"] = IRELAND
        return status, headers, body

    def _get_key(self, validate_storage_class: bool = True) -> Any:
        """Refuse an object in an archive: moto's own rule, with a switch."""
        return super()._get_key(validate_storage_class and RULES.archived_objects)

    def _bucket_response(self, request: Any, full_url: str) -> Any:
        """Refuse the bucket of another account than the request expects, or that the caller may not see."""
        name = self.parse_bucket_name_from_url(request, full_url)
        partition, account = s3_backends.bucket_accounts.get(name, ("", ""))
        if account and request.headers.get("x-amz-expected-bucket-owner", account) != account:
            raise S3AccessDeniedError
        foreign = RULES.foreign_buckets and account not in ("", self.current_account)
        if foreign and request.method == "HEAD":
            policy = s3_backends[account][partition].buckets[name].policy or b""
            if self.current_account not in policy.decode():
                raise S3AccessDeniedError
        query = parse_qs(urlsplit(full_url).query, keep_blank_values=True)
        if account and "abac" in query:
            return self._abac(name, request.method)
        if name in ABAC and "tagging" in query and request.method in ("PUT", "DELETE"):
            raise S3ClientError(
                "MethodNotAllowed", "The bucket has ABAC enabled: use TagResource, UntagResource."
            )
        return super()._bucket_response(request, full_url)

    def _abac(self, name: str, method: str) -> Any:
        if method == "PUT":
            (ABAC.add if b"<Status>Enabled<" in self.body else ABAC.discard)(name)
            return 200, {}, ""
        status = "Enabled" if name in ABAC else "Disabled"
        return 200, {}, f"<AbacStatus><Status>{status}</Status></AbacStatus>"

    def _bucket_response_put(self, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
        validated = RULES.notification_destinations and "notification" in querystring
        if validated and self.headers.get(SKIP, "").lower() != "true":
            _validate_destinations(self.body)
        known = bucket_name in self.backend.buckets
        answer = super()._bucket_response_put(request, bucket_name, querystring)
        if not querystring and not known and (tags := _tags(self.body)):
            self.backend.put_bucket_tagging(bucket_name, tags)
        return answer


def register() -> None:
    """Route moto's S3 through `SandboxS3Response`; call this before the server's first request.

    For every app, moto loads its table of S3's paths by this name.
    """
    responses.S3Response = SandboxS3Response  # type: ignore[misc] # a class is replaced by its subclass
    # moto takes a statement whose conditions fail for a denial. The sandbox evaluates policies itself.
    FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL  # type: ignore[method-assign]


def _validate_destinations(body: bytes) -> None:
    """Raise unless each topic and queue of a notification configuration exists; no function ever does."""
    for arn in re.findall(r"<(?:Topic|Queue|CloudFunction)>([^<]+)</", body.decode()):
        _, _, service, region, account, name = arn.split(":", 5)
        held: list[str] = []
        if service == "sns":
            held = [topic.name for topic in sns_backends[account][region].topics.values()]
        if service == "sqs":
            held = list(sqs_backends[account][region].queues)
        if name not in held:
            what = "Unable to validate the following destination configurations"
            raise S3ClientError("InvalidArgument", what)


def _tags(body: bytes) -> dict[str, str]:
    if not body:
        return {}
    configuration = xmltodict.parse(body, force_list=("Tag",)).get("CreateBucketConfiguration") or {}
    given = (configuration.get("Tags") or {}).get("Tag", [])
    return {tag["Key"]: tag["Value"] for tag in given}
