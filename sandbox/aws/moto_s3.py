"""moto's S3 with the tags of CreateBucket, which moto drops, and with the old name of the region in Ireland.

Sources: Amazon S3 API Reference, CreateBucketConfiguration, `Tags`; GetBucketLocation. A bucket that was
created with the location constraint `EU` is in `eu-west-1`, and only HeadBucket shows this region.
"""

from typing import Any

import xmltodict  # type: ignore[import-untyped] # of moto's own, without types
from moto.s3 import responses

OLD_IRELAND, IRELAND = "EU", "eu-west-1"


class SandboxS3Response(responses.S3Response):
    """S3 that tags a bucket when it creates it, and whose HeadBucket knows the region of an `EU` bucket."""

    def head_bucket(self) -> Any:
        """Answer with the region, even if the location constraint was `EU`."""
        status, headers, body = super().head_bucket()
        if headers.get("x-amz-bucket-region") == OLD_IRELAND:
            headers["x-amz-bucket-region"] = IRELAND
        return status, headers, body

    def _bucket_response_put(self, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
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


def _tags(body: bytes) -> dict[str, str]:
    if not body:
        return {}
    configuration = xmltodict.parse(body, force_list=("Tag",)).get("CreateBucketConfiguration") or {}
    given = (configuration.get("Tags") or {}).get("Tag", [])
    return {tag["Key"]: tag["Value"] for tag in given}
