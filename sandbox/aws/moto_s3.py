"""moto's S3 with the tags that CreateBucket takes; moto itself drops them without a word.

Source: Amazon S3 API Reference, CreateBucketConfiguration, `Tags`.
"""

from typing import Any

import xmltodict  # type: ignore[import-untyped] # of moto's own, without types
from moto.s3 import responses


class TaggingS3Response(responses.S3Response):
    """S3 that tags a bucket in the call that makes it."""

    def _bucket_response_put(self, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
        known = bucket_name in self.backend.buckets
        answer = super()._bucket_response_put(request, bucket_name, querystring)
        if not querystring and not known and (tags := _tags(self.body)):
            self.backend.put_bucket_tagging(bucket_name, tags)
        return answer


def register() -> None:
    """Route moto's S3 through `TaggingS3Response`; before the server's first request.

    moto loads its table of S3's paths anew for every app, by this name.
    """
    responses.S3Response = TaggingS3Response  # type: ignore[misc] # a class is replaced by its subclass


def _tags(body: bytes) -> dict[str, str]:
    if not body:
        return {}
    configuration = xmltodict.parse(body, force_list=("Tag",)).get("CreateBucketConfiguration") or {}
    given = (configuration.get("Tags") or {}).get("Tag", [])
    return {tag["Key"]: tag["Value"] for tag in given}
