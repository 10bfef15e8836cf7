"""The encryption check: with which KMS key are the log files, and what is written, encrypted?

A log file says it itself (a trail may use another key than its bucket); what will be written has the bucket's
default. The keys that are found are part of what the reader role is simulated against. Source: Amazon S3
User Guide, "Using server-side encryption with AWS KMS keys"; CloudTrail User Guide, "Encrypting CloudTrail
log files".
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cloudtrail.locations import LogsLocation, S3Location
from cloudtrail.preflight.aws_errors import DENIED, NOT_FOUND, error_code
from cloudtrail.preflight.findings import Finding
from cloudtrail.preflight.listing import Listing
from cloudtrail.request import IngestRequest

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

    logs: Mapping[str, str]
    buckets: Mapping[str, str]


def check_encryption(
    s3: "S3Client", kms: "KMSClient", requests: Mapping[str, IngestRequest], *, without: Iterable[str] = ()
) -> tuple[list[Finding], Keys]:
    """Look at one log file of each kind and at the buckets of the tables, but not at those in `without`.

    Returns:
        a finding per kind and bucket, and the keys.
    """
    findings: list[Finding] = []
    logs: dict[str, str] = {}
    buckets: dict[str, str] = {}
    skipped = set(without)
    for kind, request in requests.items():
        if request.log_bucket not in skipped:
            of_logs = partial(_key_of_logs, s3, request.logs)
            _note(findings, logs, kind, f"log files of {kind}", of_logs, kms)
    paths = [path for request in requests.values() for path in (request.delta_path, request.checkpoint_path)]
    for bucket in dict.fromkeys(S3Location.parse(path).bucket for path in paths):
        if bucket not in skipped:
            of_bucket = partial(_key_of_bucket, s3, bucket)
            _note(findings, buckets, bucket, f"bucket {bucket}", of_bucket, kms)
    return findings, Keys(logs=logs, buckets=buckets)


def _note(
    findings: list[Finding],
    keys: dict[str, str],
    name: str,
    subject: str,
    ask: Callable[[], str | None],
    kms: "KMSClient",
) -> None:
    """Ask for a key, add what follows from the answer."""
    from botocore.exceptions import ClientError

    try:
        key = ask()
        arn = _arn_of(kms, key) if key else ""
    except ClientError as error:
        if error_code(error) not in (DENIED | NOT_FOUND):
            raise
        findings.append(decide_refusal(subject, error))
        return
    if arn:
        keys[name] = arn
    findings.append(decide_key(subject, key, arn))


def decide_key(subject: str, key: str | None, arn: str) -> Finding:
    """The finding that follows from a key (None: there was nothing to look at; empty: no KMS key). Pure."""
    if key is None:
        detail = "no log file to look at"
    elif arn:
        detail = f"encrypted with {arn}: the reader role needs it"
    elif key:
        detail = f"encrypted with S3's own KMS key ({key}), which needs no further permission"
    else:
        detail = "encrypted by S3 without KMS"
    return Finding(check=CHECK, subject=subject, status="skipped" if key is None else "ok", detail=detail)


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


def _key_of_logs(s3: "S3Client", logs: LogsLocation) -> str | None:
    """The key of the first log file found, empty for none, None when there is no log file. Three requests."""
    listing = Listing(s3, logs.bucket, budget=2)
    account = listing.one_account(logs)
    keys = listing.keys(logs.folder_prefix(account)) if account else []
    if not keys:
        return None
    head = s3.head_object(Bucket=logs.bucket, Key=keys[0])
    return str(head.get("SSEKMSKeyId", "")) if head.get("ServerSideEncryption") in KMS else ""


def _key_of_bucket(s3: "S3Client", bucket: str) -> str:
    """The key of the bucket's default encryption, empty for none."""
    from botocore.exceptions import ClientError

    try:
        answer = s3.get_bucket_encryption(Bucket=bucket)
    except ClientError as error:
        if error_code(error) == NOT_ENCRYPTED:
            return ""
        raise
    for rule in answer["ServerSideEncryptionConfiguration"]["Rules"]:
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        if default.get("SSEAlgorithm") in KMS:
            return str(default.get("KMSMasterKeyID") or AWS_MANAGED)
    return ""


def _arn_of(kms: "KMSClient", key: str) -> str:
    """The ARN of a key that may be given by id, alias or ARN; empty for the one that AWS manages."""
    if key.endswith(AWS_MANAGED):
        return ""
    if re.fullmatch(r"arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+", key):
        return key
    metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
    return "" if metadata.get("KeyManager") == "AWS" else metadata["Arn"]
