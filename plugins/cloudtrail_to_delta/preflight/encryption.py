"""The encryption check: which KMS keys encrypt the log files and the files that the job writes?

Each log file names its key. A trail may use another key than its bucket and may change it, so the check reads
the oldest and the newest log file. Files that the job writes get the bucket's default key. The simulation of
the reader role includes the keys that are found. Source: Amazon S3 User Guide, "Using server-side encryption
with AWS KMS keys"; CloudTrail User Guide, "Encrypting CloudTrail log files".
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.hooks.aws_errors import DENIED, NOT_FOUND, error_code
from cloudtrail_to_delta.hooks.bucket_regions import bucket_region
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
# Its key policy, which cannot be changed, lets every principal of its account use it through S3, and nobody
# else. Source: AWS KMS Developer Guide, "AWS managed keys".
AWS_MANAGED = "alias/aws/s3"


class ManagedElsewhereError(Exception):
    """A key that AWS manages for another account than the reader role's; `key` is its ARN."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(key)


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The ARNs of the KMS keys that were found: of log files by kind, of buckets by name."""

    logs: Mapping[str, tuple[str, ...]]
    buckets: Mapping[str, str]


def check_encryption(
    s3: "S3Client",
    kms: "Callable[[str], KMSClient]",
    requests: Mapping[str, IngestRequest],
    params: Mapping[str, Any],
    *,
    without: Iterable[str] = (),
) -> tuple[list[Finding], Keys]:
    """Check log files of each kind and all buckets, except the buckets in `without`.

    `kms` returns the client for a region: a bucket's key is in the bucket's region.

    Returns:
        a finding for each kind and bucket, and the keys.
    """
    findings: list[Finding] = []
    skipped = set(without)
    role = str(params.get("reader_role_arn") or "")
    reader = role.split(":")[4] if role else ""
    bounds = (str(params.get("from") or ""), str(params.get("until") or ""))
    logs = {
        kind: _look(
            findings,
            partial(_kms_of, s3, kms, request.log_bucket),
            f"log files of {kind}",
            partial(_keys_of_logs, s3, request, bounds),
            reader=reader,
        )
        for kind, request in requests.items()
        if request.log_bucket not in skipped
    }
    paths = {path for one in requests.values() for path in (one.delta_path, one.checkpoint_path)}
    # The wheel may be in a separate bucket. In a volume it needs no KMS key of ours.
    paths.add(code_root(params))
    tables = {S3Location.parse(path).bucket for path in paths if path.startswith("s3://")}
    buckets = {
        bucket: _look(
            findings,
            partial(_kms_of, s3, kms, bucket),
            f"bucket {bucket}",
            partial(_keys_of_bucket, s3, bucket),
            reader=reader,
        )
        or []
        for bucket in sorted({request.log_bucket for request in requests.values()} | tables)
        if bucket not in skipped
    }
    # Where no log file can be read, use the bucket's default key as the best guess.
    known = {
        kind: buckets[requests[kind].log_bucket] if keys is None else keys for kind, keys in logs.items()
    }
    of_tables = {bucket: keys[0] for bucket, keys in buckets.items() if keys and bucket in tables}
    return findings, Keys(logs={kind: tuple(keys) for kind, keys in known.items()}, buckets=of_tables)


def _kms_of(s3: "S3Client", kms: "Callable[[str], KMSClient]", bucket: str) -> "KMSClient":
    """Return the KMS client for the bucket's region."""
    return kms(bucket_region(s3, bucket) or s3.meta.region_name)


def _look(
    findings: list[Finding],
    kms: "Callable[[], KMSClient]",
    subject: str,
    ask: Callable[[], list[str]],
    *,
    reader: str,
) -> list[str] | None:
    """Look up keys and add the finding; return the keys' ARNs, or None when AWS refused the call."""
    from botocore.exceptions import ClientError

    try:
        keys = ask()
        arns = [arn for arn in dict.fromkeys(_arn_of(kms, key, reader) for key in keys if key) if arn]
    except ManagedElsewhereError as error:
        findings.append(decide_elsewhere(subject, error.key, reader))
        return []
    except ClientError as error:
        if error_code(error) not in (DENIED | NOT_FOUND):
            raise
        findings.append(decide_refusal(subject, error))
        return None
    findings.append(decide_keys(subject, keys, arns))
    return arns


def decide_keys(subject: str, keys: Sequence[str], arns: Sequence[str]) -> Finding:
    """Return the finding for keys as AWS gives them (empty for none) and as ARNs. Pure.

    An empty list of keys means that there was no log file.
    """
    if arns:
        mixed = "; other files use another key or none" if len(set(keys)) > len(arns) else ""
        detail = f"encrypted with {' and '.join(arns)}{mixed}"
    elif any(keys):
        detail = f"encrypted with S3's own KMS key ({keys[0]}), which needs no further permission"
    else:
        detail = "encrypted by S3 without KMS" if keys else "there is no log file to check"
    return Finding(check=CHECK, subject=subject, status="ok" if keys else "skipped", detail=detail)


def decide_elsewhere(subject: str, key: str, reader: str) -> Finding:
    """Return the failure for a key that AWS manages for another account than the reader's. Pure."""
    account = key.split(":")[4]
    return Finding(
        check=CHECK,
        subject=subject,
        status="failed",
        detail=f"encrypted with {key}, the key that AWS manages for S3 in account {account}. No role of "
        f"another account, such as {reader}, can use it, and its policy cannot be changed",
        remedy=f"Use a reader role in account {account}, or encrypt with a customer managed key whose policy "
        "allows the reader role. Files that are already there keep their key until they are copied.",
    )


def decide_refusal(subject: str, error: Exception) -> Finding:
    """Return the warning for a key that could not be looked up: its permissions were not simulated. Pure."""
    return Finding(
        check=CHECK,
        subject=subject,
        status="warning",
        detail=f"its key could not be looked up ({error}), so permission to use it was not simulated",
        remedy="Allow the identity of the AWS connection s3:GetEncryptionConfiguration on the bucket, "
        "s3:GetObject on the log files and kms:DescribeKey on the key.",
    )


def _keys_of_logs(s3: "S3Client", request: IngestRequest, bounds: tuple[str, str]) -> list[str]:
    """Return the keys of the oldest and the newest log file of one account and region.

    Both are read because a trail's key may change. An empty key means none, an empty list means no log file.
    Makes nine requests at most. `bounds` are the params `from` and `until`: files outside them are not read.
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
    """Return the key of the bucket's default encryption; empty for none."""
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


def _arn_of(kms: "Callable[[], KMSClient]", key: str, reader: str) -> str:
    """Return the ARN of a key given by id, alias or ARN; empty for the key that AWS manages.

    `reader` is the account of the reader role. A key of another account that may not be looked up counts as a
    customer's: its own account may have to allow the role.

    Raises:
        ManagedElsewhereError: if AWS manages the key for another account than the reader's.
    """
    from botocore.exceptions import ClientError

    is_arn = re.fullmatch(r"arn:[^:]+:kms:[^:]+:[0-9]{12}:(key|alias)/.+", key) is not None
    if not key.endswith(AWS_MANAGED):
        try:
            metadata = kms().describe_key(KeyId=key)["KeyMetadata"]
        except ClientError as error:
            if error_code(error) in DENIED | {"NotFoundException"} and is_arn and ":key/" in key:
                return key
            raise
        if metadata.get("KeyManager") != "AWS":
            return metadata["Arn"]
        key, is_arn = metadata["Arn"], True
    if is_arn and reader and key.split(":")[4] != reader:
        raise ManagedElsewhereError(key)
    return ""
