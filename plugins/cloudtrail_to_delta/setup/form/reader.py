"""Section 4: the role that Databricks reads the logs and writes the tables with."""

from airflow.sdk import Param

from cloudtrail_to_delta.form.declared import declared
from cloudtrail_to_delta.form.optional import optional
from cloudtrail_to_delta.setup.contract import SETUP_PARAMS

SECTION = "4. Reader role"


def fields() -> dict[str, Param]:
    """The section's fields."""
    return {
        "reader": Param(
            "instance_profile",
            **declared(SETUP_PARAMS["reader"]),
            section=SECTION,
            title="Used through",
            description_md="*instance_profile*: clusters carry the role. *storage_credential*: Unity Catalog "
            "assumes it.",
        ),
        "reader_role": Param(
            "cloudtrail-reader",
            type="string",
            section=SECTION,
            title="Name of the role",
            description_md="Its instance profile has the same name.",
        ),
        "reader_account": optional(SECTION, "Empty for the bucket's account.", title="Account of the role"),
        "deployment_role_arn": optional(
            SECTION,
            "The role that Databricks starts clusters with: it is allowed to pass the reader role, no other.",
            title="Databricks deployment role",
        ),
        "discovery": Param(
            "listing",
            **declared(SETUP_PARAMS["discovery"]),
            section=SECTION,
            title="Discovery",
            description_md="How Auto Loader will find new files: with *notifications* the role also gets the "
            "SNS and SQS actions, only then.",
        ),
        "tables_kms_key": optional(
            SECTION,
            "The ARN of the KMS key of the tables' bucket; empty when it has none.",
            title="KMS key of the tables",
        ),
        "code_kms_key": optional(
            SECTION,
            "The ARN of the KMS key of the code root's bucket, where that is not the tables' bucket; empty "
            "when it has none.",
            title="KMS key of the code",
        ),
    }
