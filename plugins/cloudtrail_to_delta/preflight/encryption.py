"""The encryption check: with which KMS key are the log files, and what is written, encrypted?

A log file says it itself: a trail may use another key than its bucket, and change it, so the oldest and the
newest are looked at. What will be written has the bucket's default. The keys that are found are part of what
the reader role is simulated against. Source: Amazon S3 User Guide, "Using server-side encryption with AWS KMS
keys"; CloudTrail User Guide, "Encrypting CloudTrail log files".
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.hooks.aws_errors import DENIED, NOT_FOUND, error_code
from cloudtrail_to_delta.params.locations import ANY, S3Location
from cloudtrail_to_delta.params.request import IngestRequest, code_root
from cloudtrail_to_delta.preflight.deliveries import newest_keys
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.listing import Listing

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

CHECK = "encryption"
NOT_ENCRYPTED = "ServerSideEncryptionConfigurationNotFoundError"
KMS = ("aws:kms", "aws:kms:dsse")
# Every principal of the account may use it through S3: its policy says so, and no other policy has to.
AWS_MANAGED = "alias/aws/s3"


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The KMS keys that were found, as ARNs: of log files by kind, of buckets by name."""

    logs: Mapping[str, tuple[str, ...]]
    buckets: Mapping[str, str]


def check_encryption(
    s3: "S3Client",
    kms: "KMSClient",
    requests: Mapping[str, IngestRequest],
    params: Mapping[str, Any],
    *,
    without: Iterable[str] = (),
) -> tuple[list[Finding], Keys]:
    """Look at log files of each kind and at all buckets, but not at those in `without`.

    Returns:
        a finding per kind and bucket, and the keys.
    """
    findings: list[Finding] = []
    skipped = set(without)
    bounds = (str(params.get("from") or ""), str(params.get("until") or ""))
    logs = {
        kind: _look(findings, kms, f"log files of {kind}", partial(_keys_of_logs, s3, request, bounds))
        for kind, request in requests.items()
        if request.log_bucket not in skipped
    }
    paths = {path for one in requests.values() for path in (one.delta_path, one.checkpoint_path)}
    # The wheel may lie in a bucket of its own; one in a volume needs no key of ours.
    paths.add(code_root(params))
    tables = {S3Location.parse(path).bucket for path in paths if path.startswith("s3://")}
    buckets = {
        bucket: _look(findings, kms, f"bucket {bucket}", partial(_keys_of_bucket, s3, bucket)) or []
        for bucket in sorted({request.log_bucket for request in requests.values()} | tables)
        if bucket not in skipped
    }
    # Where no log file may be looked at, the bucket's default is the best that is known.
    known = {
        kind: buckets[requests[kind].log_bucket] if keys is None else keys for kind, keys in logs.items()
    }
    of_tables = {bucket: keys[0] for bucket, keys in buckets.items() if keys and bucket in tables}
    return findings, Keys(logs={kind: tuple(keys) for kind, keys in known.items()}, buckets=of_tables)


def _look(
    findings: list[Finding], kms: "KMSClient", subject: str, ask: Callable[[], list[str]]
) -> list[str] | None:
    """Ask for keys, add what follows from the answer; their ARNs, None when the question was refused."""
    from botocore.exceptions import ClientError

    try:
        keys = ask()
        arns = [arn for arn in dict.fromkeys(_arn_of(kms, key) for key in keys if key) if arn]
    except ClientError as error:
        if error_code(error) not in (DENIED | NOT_FOUND):
            raise
        findings.append(decide_refusal(subject, error))
        return None
    findings.append(decide_keys(subject, keys, arns))
    return arns


def decide_keys(subject: str, keys: Sequence[str], arns: Sequence[str]) -> Finding:
    """The finding that follows from keys as they are given (empty: none) and as ARNs. Pure.

    No key at all means that there was nothing to look at.
    """
    if arns:
        mixed = ", other files with another key or none" if len(set(keys)) > len(arns) else ""
        detail = f"encrypted with {' and '.join(arns)}{mixed}"
    elif any(keys):
        detail = f"encrypted with S3's own KMS key ({keys[0]}), which needs no further permission"
    else:
        detail = "encrypted by S3 without KMS" if keys else "no log file to look at"
    return Finding(check=CHECK, subject=subject, status="ok" if keys else "skipped", detail=detail)


def decide_refusal(subject: str, error: Exception) -> Finding:
    """A key that may not be asked for is a warning: a right that is needed was not simulated. Pure."""
    return Finding(
        check=CHECK,
        subject=subject,
        status="warning",
        detail=f"its key could not be found out ({error}), so the right to use it was not simulated",
        remedy="Allow s3:GetEncryptionConfiguration on the bucket, s3:GetObject on the log files and "
        "kms:DescribeKey on the key to the identity of the AWS connection.",
    )


def _keys_of_logs(s3: "S3Client", request: IngestRequest, bounds: tuple[str, str]) -> list[str]:
    """The keys of the oldest and the newest log file of one account and region: a trail's key may change.

    An empty key is none; an empty list: there is no log file. Nine requests at most. `bounds` are the params
    `from` and `until`: what lies outside is not read.
    """
    logs, (first, last) = request.logs, bounds
    listing = Listing(s3, logs.bucket, budget=7)
    account = listing.one_account(logs)
    there = listing.folders(logs.folder_prefix(account)).names if account else []
    regions = [name for name in there if logs.regions == (ANY,) or name in logs.regions]
    if not regions:
        return []
    region = request.region if request.region in regions else regions[0]
    folder = logs.region_prefix(account, region)
    within = f"{folder}{logs.period}/" if logs.period else folder
    after = logs.day_prefix(account, region, date.fromisoformat(first)) if first else ""
    found = listing.keys(within, after=after)[:1]
    if last:
        found += listing.keys(logs.day_prefix(account, region, date.fromisoformat(last)))[-1:]
    else:
        found += newest_keys(listing, within, period=logs.period)[-1:]
    heads = [s3.head_object(Bucket=logs.bucket, Key=key) for key in dict.fromkeys(found)]
    return [
        str(head.get("SSEKMSKeyId", "")) if head.get("ServerSideEncryption") in KMS else "" for head in heads
    ]


def _keys_of_bucket(s3: "S3Client", bucket: str) -> list[str]:
    """The key of the bucket's default encryption, empty for none."""
    from botocore.exceptions import ClientError

    try:
        answer = s3.get_bucket_encryption(Bucket=bucket)
    except ClientError as error:
        if error_code(error) == NOT_ENCRYPTED:
            return [""]
        raise
    for rule in answer["ServerSideEncryptionConfiguration"]["Rules"]:
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        if default.get("SSEAlgorithm") in KMS:
            return [str(default.get("KMSMasterKeyID") or AWS_MANAGED)]
    return [""]


def _arn_of(kms: "KMSClient", key: str) -> str:
    """The ARN of a key that may be given by id, alias or ARN; empty for the one that AWS manages."""
    if key.endswith(AWS_MANAGED):
        return ""
    if re.fullmatch(r"arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+", key):
        return key
    metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
    return "" if metadata.get("KeyManager") == "AWS" else metadata["Arn"]
