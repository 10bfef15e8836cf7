"""Section 3: what the trails record."""

from airflow.sdk import Param

from cloudtrail_to_delta.form.declared import declared
from cloudtrail_to_delta.form.optional import optional
from cloudtrail_to_delta.setup.contract import INSIGHTS, SETUP_PARAMS

SECTION = "3. Trail"


def fields() -> dict[str, Param]:
    """The section's fields."""
    return {
        "trail": Param(
            "cloudtrail",
            type="string",
            section=SECTION,
            title="Name of the trail",
            description_md="The same in every account. One that is there is adopted.",
        ),
        "trail_accounts": _texts(
            "Accounts with a trail",
            "One a line; empty for all of section 2. With an organization: its management account alone.",
        ),
        "organization": optional(
            SECTION,
            "The organization's id (*o-…*) for one trail of all its accounts; empty for none.",
            title="Organization",
        ),
        "multi_region": Param(
            True,
            type="boolean",
            section=SECTION,
            title="All regions",
            description_md="Also those that AWS adds later; off: the region of section 2 alone.",
        ),
        "management_events": Param(
            "all",
            **declared(SETUP_PARAMS["management_events"]),
            section=SECTION,
            title="Management events",
            description_md="Calls that change or read settings; the first copy in each region is free.",
        ),
        "exclude_kms_events": Param(
            False,
            type="boolean",
            section=SECTION,
            title="Leave out AWS KMS events",
            description_md="They are frequent; without them nobody sees who decrypted.",
        ),
        "exclude_rds_data_events": Param(
            False, type="boolean", section=SECTION, title="Leave out RDS Data API events"
        ),
        "s3_data_events": _texts(
            "S3 data events",
            "Give * for all buckets but the log bucket, or arn:aws:s3:::bucket/prefix, one a line; empty for "
            "none. **They cost by the event.**",
        ),
        "lambda_data_events": _texts(
            "Lambda data events",
            "Give * for all functions, or their ARNs, one a line; empty for none. **They cost by the "
            "event.**",
        ),
        "network_activity_sources": _texts(
            "Network activity events",
            "Event sources like *s3.amazonaws.com*, one a line; empty for none. **They cost by the event.**",
        ),
        "insights": Param(
            [],
            type=["null", "array"],
            items={"type": "string"},
            examples=list(INSIGHTS),
            section=SECTION,
            title="Insights",
            description_md="They cost by the event that is looked at; the first may take 36 hours.",
        ),
        "log_file_validation": Param(
            True,
            type="boolean",
            section=SECTION,
            title="Log file validation",
            description_md="Digest files: without them nobody can prove that no log file is missing.",
        ),
        "sns_topic": optional(
            SECTION, "The name of a topic that hears of each new log file; empty for none.", title="Topic"
        ),
    }


def _texts(title: str, description: str) -> Param:
    return Param(
        [],
        # The form sends null for a list that was emptied.
        type=["null", "array"],
        items={"type": "string"},
        section=SECTION,
        title=title,
        description_md=description,
    )
