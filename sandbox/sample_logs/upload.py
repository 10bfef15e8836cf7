"""The upload of generated files into a bucket."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from sandbox.aws.seed import client
from sandbox.sample_logs.digests import Delivered, Place, Signer, digests, first_end
from sandbox.sample_logs.files import generate
from sandbox.sample_logs.spec import LogFile, SampleSpec
from sandbox.sample_logs.summary import SampleSummary, summarize

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_THREADS = 8


def write(
    target: "str | S3Client",
    bucket: str,
    spec: SampleSpec,
    *,
    prefix: str = "",
    organization: str = "",
    signer: Signer | None = None,
) -> SampleSummary:
    """Generate the files of `spec` and put them into `bucket`, below `prefix` if given.

    Args:
        target: an S3 client, or the endpoint of the sandbox's AWS.
        bucket: an existing bucket.
        spec: what to generate.
        prefix: the part of the key before `AWSLogs/`, with its slash.
        organization: the id after `AWSLogs/` in the key layout of an organization trail.
        signer: signs the digests of these files. Without one there are no digests.

    Returns:
        What the tables must hold once all files are ingested.
    """
    root = f"{prefix}AWSLogs/{organization and f'{organization}/'}"
    s3: S3Client = client("s3", target) if isinstance(target, str) else target

    delivered: dict[tuple[str, str], list[Delivered]] = {}

    def put(file: LogFile) -> LogFile:
        key = root + file.key.removeprefix("AWSLogs/")
        if signer is not None:
            one = Delivered(key=key, at=file.delivered, sha256=file.delivered_sha256)
            delivered.setdefault((file.account, file.region), []).append(one)
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=file.body,
            ContentType="application/json",
            ContentEncoding="gzip",
        )
        return file

    with ThreadPoolExecutor(_THREADS, thread_name_prefix="upload") as pool:
        uploaded: Iterator[LogFile] = pool.map(put, generate(spec))
        summary = summarize(uploaded)
        if signer is not None:
            sign = partial(_put_digests, s3, signer, spec)
            places = [
                Place(bucket=bucket, root=root, account=account, region=region)
                for account in spec.accounts
                for region in spec.regions
            ]
            files = [delivered.get((place.account, place.region), []) for place in places]
            deque(pool.map(sign, places, files), maxlen=0)
        return summary


def _put_digests(
    s3: "S3Client", signer: Signer, spec: SampleSpec, place: Place, files: list[Delivered]
) -> None:
    """A digest for each hour from the first delivery to the last, and the one of the hour after it."""
    for file in digests(place, files, signer, start=spec.start, end=first_end(spec.until)):
        s3.put_object(Bucket=place.bucket, Key=file.key, Body=file.body, Metadata=file.metadata)
