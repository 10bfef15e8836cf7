"""S3's redirect of a request that was sent to another region than the bucket's.

moto serves a bucket to requests from any region. The sandbox has one address for all regions, so a request's
region is the one that it is signed for. Sources: Amazon S3 API Reference, "Error responses"
(PermanentRedirect), and HeadBucket: answers of every status have `x-amz-bucket-region`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from moto.s3.models import s3_backends

from sandbox.aws.request_log import signed_region

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_BODY = (
    "<Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access must be addressed "
    "using the specified endpoint. Please send all future requests to this endpoint.</Message>"
    "<Endpoint>{bucket}.s3.{region}.amazonaws.com</Endpoint><Bucket>{bucket}</Bucket></Error>"
)


class Regions:
    """WSGI middleware in front of S3; it passes other services' requests to `app` unchanged."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Redirect the request if its bucket is in another region, or pass it on."""
        service, signed = signed_region(environ)
        bucket, _, key = environ["PATH_INFO"].removeprefix("/").partition("/")
        region = region_of(bucket) if service == "s3" and signed else ""
        if region in ("", signed) or _is_for_any_region(environ, key):
            return self._app(environ, start_response)
        body = (
            b""
            if environ["REQUEST_METHOD"] == "HEAD"
            else _BODY.format(bucket=bucket, region=region).encode()
        )
        headers = [
            ("x-amz-bucket-region", region),
            ("Content-Type", "application/xml"),
            ("Content-Length", str(len(body))),
        ]
        start_response("301 Moved Permanently", headers)
        return [body]


def region_of(bucket: str) -> str:
    """Return a bucket's region, or an empty text if the bucket does not exist."""
    owner = s3_backends.bucket_accounts.get(bucket)
    if owner is None:
        return ""
    partition, account = owner
    found = s3_backends[account][partition].buckets.get(bucket)
    return "" if found is None else str(found.region_name)


def _is_for_any_region(environ: "WSGIEnvironment", key: str) -> bool:
    """Return whether any region answers: CreateBucket has other rules, GetBucketLocation finds regions."""
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if key:
        return False
    return (environ["REQUEST_METHOD"] == "PUT" and not query) or "location" in query
