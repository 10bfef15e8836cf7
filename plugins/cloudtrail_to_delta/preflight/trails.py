"""The trail check: could the trails that deliver into the log bucket do so at their last attempt?

A trail keeps recording while S3 refuses its log files. CloudTrail retries for 30 days and alerts nobody.
Sources: AWS CloudTrail API Reference, DescribeTrails (its shadow trails include trails of other regions and
of the organization) and GetTrailStatus; AWS CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail".
"""

from collections.abc import Collection, Mapping
from typing import Any

from cloudtrail_to_delta.hooks.aws_errors import DENIED, error_code
from cloudtrail_to_delta.preflight.findings import Finding

CHECK = "trail_status"
_ERRORS = {
    "LatestDeliveryError": "delivery of a log file",
    "LatestDigestDeliveryError": "delivery of a digest",
    "LatestNotificationError": "notification",
}


def check_trails(client: Any, buckets: Collection[str]) -> list[Finding]:
    """Check each trail that this account can see and that delivers into one of the buckets."""
    from botocore.exceptions import ClientError

    names = ", ".join(sorted(buckets))
    try:
        listed = client.describe_trails()["trailList"]
        arns = [one["TrailARN"] for one in listed if one.get("S3BucketName") in buckets]
        found = [decide_trail(arn, client.get_trail_status(Name=arn)) for arn in arns]
    except ClientError as error:
        if error_code(error) not in DENIED:
            raise
        return [
            Finding(
                check=CHECK,
                subject=f"trails to {names}",
                status="skipped",
                detail=f"not checked: {error}",
                remedy="Allow the identity of the AWS connection cloudtrail:DescribeTrails and "
                "cloudtrail:GetTrailStatus (docs/permissions.md).",
            )
        ]
    detail = "not checked: the account of the AWS connection sees no trail that delivers there"
    return found or [Finding(check=CHECK, subject=f"trails to {names}", status="skipped", detail=detail)]


def decide_trail(arn: str, status: Mapping[str, Any]) -> Finding:
    """Return the finding for a trail's status. Pure."""
    failed = [
        f"its latest {words} failed: {status[name]}" for name, words in _ERRORS.items() if status.get(name)
    ]
    if not status.get("IsLogging"):
        failed.append("it does not record: logging is stopped")
    if not failed:
        return Finding(check=CHECK, subject=arn, status="ok", detail="it records and delivers")
    return Finding(
        check=CHECK,
        subject=arn,
        status="warning",
        detail="; ".join(failed),
        remedy="Correct the policy of the bucket, the key or the topic: CloudTrail delivers what it missed "
        f"for up to 30 days. If logging is stopped: aws cloudtrail start-logging --name {arn}",
    )
