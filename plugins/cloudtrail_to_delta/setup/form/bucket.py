"""Section 2: the accounts, and the bucket that their logs are delivered to."""

from airflow.sdk import Param

from cloudtrail_to_delta.form.declared import declared
from cloudtrail_to_delta.form.optional import optional
from cloudtrail_to_delta.setup.contract import SETUP_PARAMS

SECTION = "2. Accounts and log bucket"


def fields() -> dict[str, Param]:
    """The section's fields."""
    return {
        "accounts": Param(
            {"123456789012": "aws_default"},
            type="object",
            section=SECTION,
            title="Accounts",
            description_md="Account → AWS connection: those that get a trail, and those of the bucket, the "
            "reader role and the deployment role.",
        ),
        "assume_role": optional(
            SECTION,
            "The name of a role that the connection assumes in each account, such as "
            "*OrganizationAccountAccessRole*; empty when each account has a connection of its own.",
            title="Role to assume",
        ),
        "bucket": Param(
            "cloudtrail-logs",
            type="string",
            section=SECTION,
            title="Log bucket",
            description_md="Made when it is not there, else adopted.",
        ),
        "bucket_account": optional(
            SECTION, "Empty for the first of the accounts.", title="Account of the bucket"
        ),
        "region": Param(
            "us-east-1",
            type="string",
            section=SECTION,
            title="Region",
            description_md="Of the bucket, the key, the topic and the trails' home.",
        ),
        "prefix": optional(
            SECTION, "Key prefix of the logs, before *AWSLogs/*; empty for none.", title="Prefix"
        ),
        "versioning": Param(
            True,
            type="boolean",
            section=SECTION,
            title="Keep every version of an object",
            description_md="A log file that somebody overwrites or deletes can be brought back. What has "
            "it keeps it: without a tick, a bucket that has versions already stays versioned.",
        ),
        "expire_days": Param(
            0,
            **declared(SETUP_PARAMS["expire_days"]),
            section=SECTION,
            title="Delete log files after (days)",
            description_md="0: never. Old versions expire after as many days.",
        ),
        "kms_key": optional(
            SECTION,
            "*new* for a key made by the set-up, the ARN of a key, or empty for S3's own encryption. The "
            "trail encrypts the log files with it; CloudTrail and the reader get entries in its policy.",
            title="KMS key",
        ),
    }
