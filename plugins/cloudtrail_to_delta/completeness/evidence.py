"""What AWS says about digests apart from the digests: public keys, and signatures in objects' metadata.

The job verifies digests, and a cluster may have no permission for `ListPublicKeys` and sees no metadata of S3
objects. So `stage_code` puts both into one small file, which the job reads. Only signatures that no later
digest can have are read: those of the newest digest of each chain, and of each digest before a hole.
"""

import base64
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cloudtrail_to_delta.completeness.digests import DigestName
from cloudtrail_to_delta.params.locations import ACCOUNT, ANY, LogsLocation

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The connections that a client of boto3 keeps.
THREADS = 10
HOUR = timedelta(hours=1)
# One page of a listing has 41 days of a trail's digests. CloudTrail retries a delivery for 30 days.
LOOK_BACK = timedelta(days=40)
# Public keys are requested with this margin, because a key may change at any moment.
MARGIN = timedelta(days=2)
# The most signatures to read. Each digest of a trail with holes everywhere would need one.
MOST_SIGNATURES = 5000

PublicKeys = Callable[[str, datetime, datetime], Mapping[str, bytes]]


@dataclass(kw_only=True)
class Evidence:
    """Public keys by fingerprint, signatures by `bucket/key`, and how many signatures were left out."""

    keys: dict[str, bytes] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)
    left_out: int = 0

    def to_json(self) -> str:
        """Return the file that the job reads (`cloudtrail_jobs.digests.read_evidence`)."""
        keys = {name: base64.b64encode(key).decode() for name, key in sorted(self.keys.items())}
        return json.dumps({"keys": keys, "signatures": dict(sorted(self.signatures.items()))})


def gather(s3: "S3Client", public_keys: PublicKeys, logs: LogsLocation, *, now: datetime) -> Evidence:
    """Gather the evidence for the digests below a logs path.

    It costs two listings for each account's region, and one request for each signature.

    Args:
        s3: a client for the log bucket.
        public_keys: region, start, end → fingerprint → public key (PKCS #1, DER).
        logs: the logs path of the kind `digests`.
        now: the current time, UTC.
    """
    evidence, wanted, earliest = Evidence(), list[DigestName](), dict[str, datetime]()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="digests") as pool:
        places = list(_regions(s3, logs))
        looked = pool.map(lambda place: _look(s3, logs, *place, now=now), places)
        for (_, region), (first, names) in zip(places, looked, strict=True):
            wanted += unfollowed(names)
            if first is not None:
                earliest[region] = min(first, earliest.get(region, first))
        for region, start in sorted(earliest.items()):
            evidence.keys |= public_keys(region, start - MARGIN, now + MARGIN)
        wanted.sort(key=lambda name: name.end, reverse=True)
        evidence.left_out = max(0, len(wanted) - MOST_SIGNATURES)
        chosen = wanted[:MOST_SIGNATURES]
        for name, signature in zip(
            chosen, pool.map(lambda one: _signature(s3, logs.bucket, one.key), chosen), strict=True
        ):
            if signature:
                evidence.signatures[f"{logs.bucket}/{name.key}"] = signature
    return evidence


def unfollowed(names: Iterable[DigestName]) -> Iterator[DigestName]:
    """Yield the digests whose successor, an hour later, is not among these: the newest one of each chain."""
    chains: dict[tuple[str, str, str, bool], list[DigestName]] = {}
    for name in names:
        chains.setdefault(name.chain, []).append(name)
    for members in chains.values():
        members.sort(key=lambda name: name.end)
        for name, following in itertools.zip_longest(members, members[1:]):
            if following is None or following.end != name.end + HOUR:
                yield name


def _regions(s3: "S3Client", logs: LogsLocation) -> Iterator[tuple[str, str]]:
    accounts = [logs.account] if logs.account != ANY else _folders(s3, logs.bucket, logs.accounts_prefix)
    for account in accounts:
        if not ACCOUNT.fullmatch(account):
            continue
        regions = logs.regions
        if regions == (ANY,):
            regions = tuple(_folders(s3, logs.bucket, logs.folder_prefix(account)))
        yield from ((account, region) for region in regions)


def _folders(s3: "S3Client", bucket: str, prefix: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
    found = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", [])]
    return [name.removeprefix(prefix).rstrip("/") for name in found]


def _look(
    s3: "S3Client", logs: LogsLocation, account: str, region: str, *, now: datetime
) -> tuple[datetime | None, list[DigestName]]:
    """Return the end of the first digest of an account's region, and the names of the recent ones."""
    prefix = logs.region_prefix(account, region)
    page = s3.list_objects_v2(Bucket=logs.bucket, Prefix=prefix, MaxKeys=20)
    oldest = _names(one["Key"] for one in page.get("Contents", []))
    recent = s3.get_paginator("list_objects_v2").paginate(
        Bucket=logs.bucket, Prefix=prefix, StartAfter=f"{prefix}{now - LOOK_BACK:%Y/%m/%d}/"
    )
    names = _names(one["Key"] for page in recent for one in page.get("Contents", []))
    ends = [name.end for name in (*oldest, *names)]
    return min(ends, default=None), names


def _names(keys: Iterable[str]) -> list[DigestName]:
    return [name for key in keys if (name := DigestName.parse(key)) is not None]


def _signature(s3: "S3Client", bucket: str, key: str) -> str:
    """Return the signature in a digest's metadata; empty if there is none, or the object is gone."""
    from botocore.exceptions import ClientError

    try:
        answer = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return ""
        raise
    return {name.lower(): value for name, value in answer["Metadata"].items()}.get("signature", "")
