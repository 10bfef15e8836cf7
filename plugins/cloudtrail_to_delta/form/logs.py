"""Section 1: which log files."""

from airflow.sdk import Param

from cloudtrail_to_delta.form.optional import optional
from cloudtrail_to_delta.kinds import KINDS

SECTION = "1. CloudTrail logs"


def fields() -> dict[str, Param]:
    """The section's fields."""
    return {
        "kinds": Param(
            [kind.name for kind in KINDS.values() if kind.asked_for],
            type="array",
            items={"type": "string"},
            examples=list(KINDS),
            section=SECTION,
            title="Kinds",
            description_md="; ".join(f"*{kind.name}*: {kind.summary}" for kind in KINDS.values())
            + ". A bucket without a prefix of a kind other than events is no error: the kind is skipped.",
        ),
        "bucket": Param(
            "cloudtrail-logs",
            type="string",
            section=SECTION,
            title="Log bucket",
            description_md="The S3 bucket that the trail delivers to, without *s3://*.",
        ),
        "prefix": optional(
            SECTION, "The trail's key prefix, before *AWSLogs/*; empty for none.", title="Prefix"
        ),
        "organization": optional(
            SECTION,
            "For an organization trail, its id (*o-…*), which stands after *AWSLogs/*; empty for none.",
            title="Organization",
        ),
        "account": Param(
            "*",
            type="string",
            section=SECTION,
            title="Account",
            description_md="12 digits, or * for every account in the bucket.",
        ),
        "regions": Param(
            ["*"],
            type="array",
            items={"type": "string"},
            section=SECTION,
            title="Regions of the logs",
            description_md="One region a line, or * for all. A checkpoint belongs to its logs path: "
            "another choice needs another checkpoint and table.",
        ),
        "region": Param(
            "us-east-1",
            type="string",
            section=SECTION,
            title="Region of the bucket",
            description_md="Where the bucket is; used for S3, IAM and Auto Loader's queues.",
        ),
        "from": optional(
            SECTION,
            "The first delivery day (UTC) to ingest: earlier days are not even listed. Empty for all there "
            "is. To widen it later is safe, what was left out is then added.",
            title="From (delivery day)",
            format="date",
        ),
        "until": optional(
            SECTION,
            "The last delivery day (UTC) to ingest; empty for no end.",
            title="Until (delivery day)",
            format="date",
        ),
    }
