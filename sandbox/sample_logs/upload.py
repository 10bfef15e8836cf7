"""The upload of generated files into a bucket."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sandbox.aws.seed import client
from sandbox.sample_logs.files import generate
from sandbox.sample_logs.spec import LogFile, SampleSpec
from sandbox.sample_logs.summary import SampleSummary, summarize

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_THREADS = 8


def write(
    target: "str | S3Client", bucket: str, spec: SampleSpec, *, prefix: str = "", organization: str = ""
) -> SampleSummary:
    """Generate the files of `spec` and put them into `bucket`, below `prefix` if given.

    Args:
        target: an S3 client, or the endpoint of the sandbox's AWS.
        bucket: an existing bucket.
        spec: what to generate.
        prefix: the part of the key before `AWSLogs/`, with its slash.
        organization: the id after `AWSLogs/` in the key layout of an organization trail.

    Returns:
        What the tables must hold once all files are ingested.
    """
    root = f"{prefix}AWSLogs/{organization and f'{organization}/'}"
    s3: S3Client = client("s3", target) if isinstance(target, str) else target

    def put(file: LogFile) -> LogFile:
        s3.put_object(
            Bucket=bucket,
            Key=root + file.key.removeprefix("AWSLogs/"),
            Body=file.body,
            ContentType="application/json",
            ContentEncoding="gzip",
        )
        return file

    with ThreadPoolExecutor(_THREADS, thread_name_prefix="upload") as pool:
        uploaded: Iterator[LogFile] = pool.map(put, generate(spec))
        return summarize(uploaded)
