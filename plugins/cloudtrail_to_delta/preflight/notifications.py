"""The notifications check, for discovery `notifications`: can Auto Loader add its notification?

Source: Amazon S3 User Guide, "Configuring event notifications using object key name filtering" (two
configurations must not overlap) and "Amazon S3 Event Notifications" (100 per bucket).
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.iam.reader import listing_prefix
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.findings import Finding

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHECK = "notifications"
LIMIT = 100
LISTS = ("TopicConfigurations", "QueueConfigurations", "LambdaFunctionConfigurations")
# How Auto Loader names its topics and queues. Source: the policy in the original Databricks guide (2020).
OWN = "databricks-auto-ingest-"


def check_notifications(s3: "S3Client", requests: Iterable[IngestRequest]) -> list[Finding]:
    """Check each log bucket's notifications; each bucket is read once."""
    buckets: dict[str, list[IngestRequest]] = {}
    for request in requests:
        buckets.setdefault(request.log_bucket, []).append(request)
    findings = []
    for bucket, members in buckets.items():
        answer: Mapping[str, Any] = s3.get_bucket_notification_configuration(Bucket=bucket)
        there = [one for name in LISTS for one in answer.get(name, [])]
        findings.append(decide_notifications(bucket, there, [listing_prefix(one.logs) for one in members]))
    return findings


def decide_notifications(bucket: str, there: Sequence[Mapping[str, Any]], prefixes: Sequence[str]) -> Finding:
    """Return the finding for the existing notifications and the prefixes that the streams need. Pure."""
    for one in there:
        # A stream reuses its notification, which it finds by prefix; another stream's would overlap.
        mine = prefixes if OWN not in _target(one) else [p for p in prefixes if p != _prefix(one)]
        overlap = next((prefix for prefix in mine if _overlaps(one, prefix)), None)
        if overlap is not None:
            return Finding(
                check=CHECK,
                subject=bucket,
                status="failed",
                detail=f"its notification to {_target(one)} covers {_prefix(one) or 'every key'!r}, and S3 "
                f"refuses one that overlaps with it, such as Auto Loader's for {overlap!r}",
                remedy="Choose discovery 'listing' or 'file_events', or narrow that notification's prefix.",
            )
    for left, right in itertools.permutations(dict.fromkeys(prefixes), 2):
        if right.startswith(left):
            return Finding(
                check=CHECK,
                subject=bucket,
                status="failed",
                detail=f"the run needs notifications for {left!r} and {right!r}, but S3 refuses overlapping "
                "ones",
                remedy="Set the same account and regions for both kinds, or choose discovery 'listing' or "
                "'file_events'.",
            )
    if len(there) + len(prefixes) > LIMIT:
        return Finding(
            check=CHECK,
            subject=bucket,
            status="failed",
            detail=f"has {len(there)} notifications, and S3 allows {LIMIT} per bucket",
            remedy="Remove unused notifications, or choose discovery 'listing' or 'file_events'.",
        )
    return Finding(
        check=CHECK,
        subject=bucket,
        status="ok",
        detail=f"{len(there)} of {LIMIT} notifications in use, none overlaps",
    )


def _target(one: Mapping[str, Any]) -> str:
    return str(one.get("TopicArn") or one.get("QueueArn") or one.get("LambdaFunctionArn"))


def _prefix(one: Mapping[str, Any]) -> str:
    rules = one.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((str(rule["Value"]) for rule in rules if str(rule["Name"]).lower() == "prefix"), "")


def _overlaps(one: Mapping[str, Any], prefix: str) -> bool:
    created = any(str(event).startswith("s3:ObjectCreated:") for event in one.get("Events", []))
    other = _prefix(one)
    return created and (other.startswith(prefix) or prefix.startswith(other))
