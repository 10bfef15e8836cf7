"""The contract of the set-up's params: what each may be, and what they may not be together."""

from collections.abc import Mapping
from typing import Any

from cloudtrail_to_delta.contract import PARAMS as INGEST
from cloudtrail_to_delta.contract import ChoiceRule, ParamRule
from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.locations import ACCOUNT
from cloudtrail_to_delta.setup.databricks.contract import CHOICES as DATABRICKS_CHOICES
from cloudtrail_to_delta.setup.databricks.contract import PARAMS as DATABRICKS_PARAMS
from cloudtrail_to_delta.setup.resources import ACTIONS
from cloudtrail_to_delta.values import (
    Check,
    arn,
    connection_id,
    each,
    matches,
    number,
    one_of,
    or_empty,
    yes_or_no,
)

INSIGHTS = ("ApiCallRateInsight", "ApiErrorRateInsight")
NEW_KEY = "new"

_ROLE_NAME = matches(r"[A-Za-z0-9_+=,.@-]{1,64}", "the name of a role: letters, digits and +=,.@-_, no path")
# Source: AWS CloudTrail User Guide, "Naming requirements for CloudTrail resources".
_TRAIL = matches(
    r"(?!.*[._-]{2})[A-Za-z0-9][A-Za-z0-9._-]{1,126}[A-Za-z0-9]",
    "3 to 128 letters, digits, and single . _ - between them",
)
_KEY = arn(
    "kms", "[a-z0-9-]+", r"key/[A-Za-z0-9-]+", "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd"
)
_DEPLOYMENT = arn("iam", "", r"role/[A-Za-z0-9_+=,.@/-]+", "arn:aws:iam::123456789012:role/databricks")
_TOPIC_NAME = matches(r"[A-Za-z0-9_-]{1,256}", "the name of a topic, letters, digits, _ and -")
# Source: AWS CloudTrail API, AdvancedFieldSelector: network activity needs one eventSource each.
_SOURCE = matches(r"[a-z0-9.-]+\.amazonaws\.com", "an event source like s3.amazonaws.com")
# A bucket, or objects with a prefix; a function.
_BUCKET_ARN = matches(
    r"\*|arn:aws[a-z-]*:s3:::[a-z0-9.-]+/\S*", "arn:aws:s3:::bucket/ or with a key prefix, or *"
)
_CONNECTION = connection_id("aws")
_FUNCTION_ARN = matches(
    r"\*|arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:\S+", "the ARN of a Lambda function, or *"
)


def _accounts(value: Any) -> str | None:
    sound = (
        isinstance(value, Mapping)
        and value
        and all(
            isinstance(account, str) and ACCOUNT.fullmatch(account) and _CONNECTION(name) is None
            for account, name in value.items()
        )
    )
    return (
        None
        if sound
        else (
            "give an object of 12-digit accounts, in quotes, and the ids of their AWS connections, like "
            '{"111122223333": "aws_default"}.'
        )
    )


def _key_or_new(value: Any) -> str | None:
    if value in ("", NEW_KEY) or _KEY(value) is None:
        return None
    return f"give {NEW_KEY!r} for a key that the set-up makes, the ARN of a key, or nothing."


def _or_none(check: Check) -> Check:
    """A list, which may be empty, of values that fit."""
    schema = {key: value for key, value in check.schema.items() if key != "minItems"}
    return Check(lambda values: None if values in ([], ()) else check(values), schema)


_FROM_INGEST = (
    *("kinds", "bucket", "prefix", "organization", "account", "regions", "region", "target_root"),
    *("checkpoint_root", "code_root", "discovery"),
    *(f"{kind}_table" for kind in KINDS),
)

ALERTS = ("alert_topic_arn", "alert_conn_ids", "aws_conn_id")

SETUP_PARAMS: dict[str, ParamRule] = {
    # The set-up.
    "name": ParamRule(
        matches(r"[a-z][a-z0-9]{0,31}", "a small letter, then small letters and digits"), "cloudtrail"
    ),
    "mode": ParamRule(one_of("apply", "remove"), "apply"),
    "approve": ParamRule(yes_or_no, False),
    "actions": ParamRule(each(one_of(*ACTIONS)), list(ACTIONS)),
    "change_adopted": ParamRule(_or_none(each(one_of(*ACTIONS))), []),
    # The accounts.
    "accounts": ParamRule(
        Check(
            _accounts,
            {
                "type": "object",
                "patternProperties": {f"^{ACCOUNT.pattern}$": _CONNECTION.schema},
                "additionalProperties": False,
                "minProperties": 1,
            },
        )
    ),
    "assume_role": ParamRule(or_empty(_ROLE_NAME), ""),
    # The logs, as the ingest has them.
    **{name: INGEST[name] for name in _FROM_INGEST},
    "account": ParamRule(INGEST["account"].check, "*"),
    # The bucket.
    "bucket_account": ParamRule(or_empty(matches(ACCOUNT, "12 digits, in quotes")), ""),
    "versioning": ParamRule(yes_or_no, True),
    "expire_days": ParamRule(number(0, 36_500), 0),
    "kms_key": ParamRule(
        Check(_key_or_new, {"type": "string", "pattern": f"^({NEW_KEY})?$|{_KEY.schema['pattern']}"}), ""
    ),
    # The trail.
    "trail_accounts": ParamRule(_or_none(each(matches(ACCOUNT, "12 digits, in quotes"))), []),
    "trail": ParamRule(_TRAIL, "cloudtrail"),
    "multi_region": ParamRule(yes_or_no, True),
    "management_events": ParamRule(one_of("all", "read", "write", "none"), "all"),
    "exclude_kms_events": ParamRule(yes_or_no, False),
    "exclude_rds_data_events": ParamRule(yes_or_no, False),
    "s3_data_events": ParamRule(_or_none(each(_BUCKET_ARN, alone="*")), []),
    "lambda_data_events": ParamRule(_or_none(each(_FUNCTION_ARN, alone="*")), []),
    "network_activity_sources": ParamRule(_or_none(each(_SOURCE)), []),
    "insights": ParamRule(_or_none(each(one_of(*INSIGHTS))), []),
    "log_file_validation": ParamRule(yes_or_no, True),
    "sns_topic": ParamRule(or_empty(_TOPIC_NAME), ""),
    # The reader.
    "reader": ParamRule(one_of("instance_profile", "storage_credential"), "instance_profile"),
    "reader_role": ParamRule(_ROLE_NAME, "cloudtrail-reader"),
    "reader_account": ParamRule(or_empty(matches(ACCOUNT, "12 digits, in quotes")), ""),
    "deployment_role_arn": ParamRule(or_empty(_DEPLOYMENT), ""),
    "iam_simulation": INGEST["iam_simulation"],
    "tables_kms_key": ParamRule(or_empty(_KEY), ""),
    "code_kms_key": ParamRule(or_empty(_KEY), ""),
    **DATABRICKS_PARAMS,
    # Who is told of a failed task.
    **{name: INGEST[name] for name in ALERTS},
}

SETUP_CHOICES = (
    ChoiceRule(
        ("accounts", "bucket_account"),
        lambda accounts, account: account and account not in accounts,
        "the bucket's account needs an AWS connection too: add it to accounts.",
    ),
    ChoiceRule(
        ("accounts", "reader_account"),
        lambda accounts, account: account and account not in accounts,
        "the reader's account needs an AWS connection too: add it to accounts.",
    ),
    ChoiceRule(
        ("accounts", "deployment_role_arn"),
        lambda accounts, role: role and role.split(":")[4] not in accounts,
        "the deployment role's account needs an AWS connection too: add it to accounts, or leave it empty.",
    ),
    ChoiceRule(
        ("accounts", "trail_accounts"),
        lambda accounts, trails: not set(trails) <= set(accounts),
        "each account that gets a trail needs an AWS connection: add it to accounts.",
    ),
    ChoiceRule(
        ("organization", "accounts", "trail_accounts"),
        lambda organization, accounts, trails: organization and len(trails or accounts) != 1,
        "an organization has one trail for all its accounts: name the management account in trail_accounts.",
    ),
    # Source: AWS CloudTrail User Guide, "Logging Insights events": the call rate of write management events.
    ChoiceRule(
        ("insights", "management_events"),
        lambda insights, events: insights and events in ("none", "read"),
        "Insights look at write management events: choose all or write, or leave insights empty.",
    ),
    ChoiceRule(
        ("management_events", "exclude_kms_events"),
        lambda events, exclude: events == "none" and exclude,
        "there are no management events to exclude KMS events from.",
    ),
    ChoiceRule(
        ("management_events", "exclude_rds_data_events"),
        lambda events, exclude: events == "none" and exclude,
        "there are no management events to exclude RDS Data API events from.",
    ),
    ChoiceRule(
        ("management_events", "s3_data_events", "lambda_data_events", "network_activity_sources"),
        lambda events, *others: events == "none" and not any(others),
        "the trail would record nothing: choose at least one kind of events.",
    ),
    # Source: Databricks, Auto Loader file notification mode; managed file events.
    ChoiceRule(
        ("discovery", "reader"),
        lambda discovery, reader: discovery == "file_events" and reader == "instance_profile",
        "file events come through a Unity Catalog external location: choose reader storage_credential.",
    ),
    ChoiceRule(
        ("kms_key", "region"),
        lambda key, region: ":" in key and key.split(":")[3] != region,
        "the key has to be in the region of the bucket.",
    ),
    ChoiceRule(
        ("kms_key", "accounts"),
        lambda key, accounts: ":" in key and key.split(":")[4] not in accounts,
        "the key's account needs an AWS connection too, as its policy is changed: add it to accounts.",
    ),
    *DATABRICKS_CHOICES,
)
