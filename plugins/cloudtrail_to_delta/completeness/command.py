"""`cloudtrail-to-delta audit`: the audit on the command line, as text or as JSON.

It uses the credentials and endpoints of the AWS SDK (`AWS_PROFILE`, `AWS_ENDPOINT_URL`, …), not Airflow's.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.completeness.audit import Audit, Auditor, PublicKeys
from cloudtrail_to_delta.completeness.table import table_files
from cloudtrail_to_delta.errors import CloudTrailError, InvalidRequestError
from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.params.locations import LogsLocation, S3Location
from cloudtrail_to_delta.tables.delta_log import reader_options

if TYPE_CHECKING:
    from boto3.session import Session

# The folder of digests.
FOLDER = KINDS["digests"].folder
# How many entries of each list the text shows. JSON has all of them.
SHOWN = 20


def run_audit(
    logs_path: str,
    delta_path: str,
    *,
    days: tuple[str, str],
    as_json: bool = False,
    reads_files: bool = False,
    now: datetime | None = None,
) -> int:
    """Audit and print the result.

    Args:
        logs_path: as in the param `events_logs_path`.
        delta_path: as in the param `events_delta_path`.
        days: the first and the last delivery day, like `2026-01-31`, UTC.
        as_json: print JSON.
        reads_files: also read each log file from the bucket.
        now: the time of the audit, which decides which digests are due.

    Returns:
        0 if complete as far as due, 1 if not complete, 2 if the check failed.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    now = now or datetime.now(UTC)
    try:
        start, end = utc_day(days[0]), utc_day(days[1]) + timedelta(days=1)
        if start >= end:
            raise ValueError(f"--from {days[0]} is after --until {days[1]}")
        logs, table = LogsLocation.parse(logs_path), S3Location.parse(delta_path)
        if logs.folder == FOLDER:
            raise ValueError(
                f"{logs_path!r} is the path of digests. Give the path of the log files, such as "
                f"{logs_path.replace(FOLDER, 'CloudTrail')!r}: the audit finds their digests by itself."
            )
    except InvalidRequestError as error:
        sys.stderr.writelines(f"{violation}\n" for violation in error.violations)
        return 2
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        result = _audit(logs, table.uri, start, end, now, reads_files=reads_files)
    except CloudTrailError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (ClientError, BotoCoreError) as error:
        sys.stderr.write(
            f"The request to AWS failed: {error}\nCheck credentials, region, network and permissions.\n"
        )
        return 2
    if as_json:
        sys.stdout.write(f"{json.dumps(result.to_dict(), indent=2)}\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in lines_of(result))
    return 0 if result.is_complete else 1


def lines_of(result: Audit) -> Iterator[str]:
    """Yield the result as text."""
    days = f"{result.first:%Y-%m-%d} to {result.last - timedelta(days=1):%Y-%m-%d}"
    yield f"{result.logs_path}, delivered {days} (UTC), in {result.delta_path}"
    yield f"log files: {_counts(result.files)}"
    yield f"hours of an account's region: {_counts(result.hours)}"
    yield from _list("digests that prove nothing", (f"{one.uri}: {one.problem}" for one in result.digests))
    yield from _list(
        "log files that are not proven",
        (f"{one.verdict}: {one.log_file}: {one.detail}" for one in result.not_proven),
    )
    yield from _list(
        "hours without a signed digest",
        (f"{one.state}: {one.account} {one.region} {one.start:%Y-%m-%d %H}:00" for one in result.not_covered),
    )
    yield "complete, as far as due" if result.is_complete else "NOT COMPLETE"


def _list(title: str, entries: Iterator[str]) -> Iterator[str]:
    listed = list(entries)
    if listed:
        yield f"{title} ({len(listed)}):"
        yield from (f"  {entry}" for entry in listed[:SHOWN])
        if len(listed) > SHOWN:
            yield f"  … and {len(listed) - SHOWN} more (--json lists all of them)"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"


def _audit(
    logs: LogsLocation, delta_path: str, start: datetime, end: datetime, now: datetime, *, reads_files: bool
) -> Audit:
    import boto3

    session = boto3.Session()
    auditor = Auditor(
        s3=_s3_of(session, logs.bucket),
        public_keys=public_keys_of(session),
        now=now,
        reads_files=reads_files,
    )
    options = storage_options_of(session, S3Location.parse(delta_path).bucket)
    table = table_files(delta_path, root=f"{logs.root.uri}/", storage_options=options)
    return auditor.audit(logs, delta_path, table, first=start, last=end)


def public_keys_of(session: "Session") -> PublicKeys:
    """Return a function that asks CloudTrail for public keys, once for each region and period."""

    @cache
    def ask(region: str, start: datetime, end: datetime) -> Mapping[str, bytes]:
        pages = session.client("cloudtrail", region_name=region).get_paginator("list_public_keys")
        return {
            one["Fingerprint"]: one["Value"]
            for page in pages.paginate(StartTime=start, EndTime=end)
            for one in page["PublicKeyList"]
        }

    return ask


def storage_options_of(session: "Session", bucket: str) -> dict[str, str]:
    """Return the storage options of `deltalake` for a bucket, with the session's credentials.

    Raises:
        CloudTrailError: if there are no credentials.
    """
    credentials = session.get_credentials()
    if credentials is None:
        raise CloudTrailError(
            "no AWS credentials found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    s3 = _s3_of(session, bucket)
    return reader_options(
        credentials.get_frozen_credentials(),
        region=s3.meta.region_name,
        # Always set: the reader only knows the endpoints of the partition `aws`.
        endpoint=str(s3.meta.endpoint_url),
    )


def _s3_of(session: "Session", bucket: str) -> Any:
    """Return a client in the bucket's region."""
    from cloudtrail_to_delta.hooks.bucket_regions import bucket_region

    s3 = session.client("s3", region_name=session.region_name or "us-east-1")
    region = bucket_region(s3, bucket) or s3.meta.region_name
    return s3 if region == s3.meta.region_name else session.client("s3", region_name=region)


def utc_day(text: str) -> datetime:
    """Return the start of a day such as `2026-01-31`, in UTC.

    Raises:
        ValueError: if it is not a day.
    """
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
