"""The params of the set-up: every one with its check, its default and its help, and what cannot be together.

The rows stand in the order of the form. What the ingest has too is taken from there, under the name, the help
or the default that fits the set-up.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow.sdk import Param

from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.params.declaration import ChoiceRule, Declaration, form_of, in_section
from cloudtrail_to_delta.params.ingest import CLUSTER_ID, NODE_TYPE, RUNTIME, WAREHOUSE_ID
from cloudtrail_to_delta.params.ingest import PARAMS as INGEST
from cloudtrail_to_delta.params.locations import ACCOUNT
from cloudtrail_to_delta.params.values import (
    Check,
    arn,
    connection_id,
    each,
    matches,
    number,
    one_of,
    or_empty,
    or_none,
    yes_or_no,
)

# In the order in which they are applied; removal goes the other way.
ACTIONS = ("bucket", "role", "bucket_policy", "trail", "databricks")
NEW_KEY = "new"

_ACCOUNT = matches(ACCOUNT, "12 digits, in quotes")
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
_NAME = matches(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", "a name of letters, digits, _ and -")


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


_SET_UP = {
    "mode": Declaration(
        one_of("apply", "remove"),
        "apply",
        title="Mode",
        help="*apply*: make and change what differs. *remove*: take away exactly what this set-up made: "
        "what its fields name, and what else carries its tag. Both show a plan first.",
    ),
    "name": Declaration(
        matches(r"[a-z][a-z0-9]{0,31}", "a small letter, then small letters and digits"),
        "cloudtrail",
        title="Name of the set-up",
        help="The value of the tag *cloudtrail-setup* that everything made carries. Two set-ups of "
        "different names do not touch each other's statements in one bucket's policy.",
    ),
    "actions": Declaration(
        each(one_of(*ACTIONS)),
        list(ACTIONS),
        title="Actions",
        help="*bucket*: log bucket, its key and topic. *role*: reader role, its policy, its profile. "
        "*bucket_policy*: the reader's statements in the policies of bucket and key. *trail*: one per "
        "account, or the organization's. *databricks*: see section 6.",
    ),
    "change_adopted": Declaration(
        or_none(each(one_of(*ACTIONS))),
        [],
        title="Also change what was there before",
        help="What is there without the tag is adopted: its differences are shown and left, but for the "
        "actions named here. It is never removed.",
    ),
    "approve": Declaration(
        yes_or_no,
        False,
        title="Approve without asking",
        help="Apply the plan without waiting for a person. It is in the log all the same.",
    ),
}

_BUCKET = {
    "accounts": Declaration(
        Check(
            _accounts,
            {
                "type": "object",
                "patternProperties": {f"^{ACCOUNT.pattern}$": _CONNECTION.schema},
                "additionalProperties": False,
                "minProperties": 1,
            },
        ),
        title="Accounts",
        help="Account → AWS connection: those that get a trail, and those of the bucket, the reader role "
        "and the deployment role.",
        example={"123456789012": "aws_default"},
    ),
    "assume_role": Declaration(
        or_empty(_ROLE_NAME),
        "",
        title="Role to assume",
        help="The name of a role that the connection assumes in each account, such as "
        "*OrganizationAccountAccessRole*; empty when each account has a connection of its own.",
    ),
    "bucket": replace(INGEST["bucket"], help="Made when it is not there, else adopted."),
    "bucket_account": Declaration(
        or_empty(_ACCOUNT),
        "",
        title="Account of the bucket",
        help="Empty where there is one account alone.",
    ),
    "region": replace(
        INGEST["region"], title="Region", help="Of the bucket, the key, the topic and the trails' home."
    ),
    "prefix": replace(INGEST["prefix"], help="Key prefix of the logs, before *AWSLogs/*; empty for none."),
    "versioning": Declaration(
        yes_or_no,
        True,
        title="Keep every version of an object",
        help="A log file that somebody overwrites or deletes can be brought back. What has it keeps it: "
        "without a tick, a bucket that has versions already stays versioned.",
    ),
    "expire_days": Declaration(
        number(0, 36_500),
        0,
        title="Delete log files after (days)",
        help="0: never. Old versions expire after as many days.",
    ),
    "kms_key": Declaration(
        Check(
            _key_or_new,
            {"type": "string", "pattern": f"^({NEW_KEY})?$|{_KEY.schema['pattern']}"},
            may_be_empty=True,
        ),
        "",
        title="KMS key",
        help="*new* for a key made by the set-up, the ARN of a key, or empty for S3's own encryption. The "
        "trail encrypts the log files with it; CloudTrail and the reader get entries in its policy.",
    ),
}

_TRAILS = {
    "trail": Declaration(
        _TRAIL,
        "cloudtrail",
        title="Name of the trail",
        help="The same in every account. One that is there is adopted.",
    ),
    "trail_accounts": Declaration(
        or_none(each(_ACCOUNT)),
        [],
        title="Accounts with a trail",
        help="One a line; empty for all of section 2. With an organization: its management account alone.",
    ),
    "organization": replace(
        INGEST["organization"],
        help="The organization's id (*o-…*) for one trail of all its accounts; empty for none.",
    ),
    "multi_region": Declaration(
        yes_or_no,
        True,
        title="All regions",
        help="Also those that AWS adds later; off: the region of section 2 alone.",
    ),
    "management_events": Declaration(
        one_of("all", "read", "write", "none"),
        "all",
        title="Management events",
        help="Calls that change or read settings; the first copy in each region is free.",
    ),
    "exclude_kms_events": Declaration(
        yes_or_no,
        False,
        title="Leave out AWS KMS events",
        help="They are frequent; without them nobody sees who decrypted.",
    ),
    "exclude_rds_data_events": Declaration(yes_or_no, False, title="Leave out RDS Data API events"),
    "s3_data_events": Declaration(
        or_none(each(_BUCKET_ARN, alone="*")),
        [],
        title="S3 data events",
        help="Give * for all buckets but the log bucket, or arn:aws:s3:::bucket/prefix, one a line; empty "
        "for none. **They cost by the event.**",
    ),
    "lambda_data_events": Declaration(
        or_none(each(_FUNCTION_ARN, alone="*")),
        [],
        title="Lambda data events",
        help="Give * for all functions, or their ARNs, one a line; empty for none. **They cost by the "
        "event.**",
    ),
    "network_activity_sources": Declaration(
        or_none(each(_SOURCE)),
        [],
        title="Network activity events",
        help="Event sources like *s3.amazonaws.com*, one a line; empty for none. **They cost by the event.**",
    ),
    "insights": Declaration(
        or_none(each(one_of("ApiCallRateInsight", "ApiErrorRateInsight"))),
        [],
        title="Insights",
        help="They cost by the event that is looked at; the first may take 36 hours.",
    ),
    "log_file_validation": Declaration(
        yes_or_no,
        True,
        title="Log file validation",
        help="Digest files: without them nobody can prove that no log file is missing.",
    ),
    "sns_topic": Declaration(
        or_empty(_TOPIC_NAME),
        "",
        title="Topic",
        help="The name of a topic that hears of each new log file; empty for none.",
    ),
}

_READER = {
    "reader": Declaration(
        one_of("instance_profile", "storage_credential"),
        "instance_profile",
        title="Used through",
        help="*instance_profile*: clusters carry the role. *storage_credential*: Unity Catalog assumes it.",
    ),
    "reader_role": Declaration(
        _ROLE_NAME,
        "cloudtrail-reader",
        title="Name of the role",
        help="Its instance profile has the same name.",
    ),
    "reader_account": Declaration(
        or_empty(_ACCOUNT), "", title="Account of the role", help="Empty for the bucket's account."
    ),
    "deployment_role_arn": replace(
        INGEST["deployment_role_arn"],
        check=or_empty(_DEPLOYMENT),
        help="The role that Databricks starts clusters with: it is allowed to pass the reader role, no "
        "other.",
    ),
    "discovery": replace(
        INGEST["discovery"],
        help="How Auto Loader will find new files: with *notifications* the role also gets the SNS and SQS "
        "actions, only then.",
    ),
    "tables_kms_key": Declaration(
        or_empty(_KEY),
        "",
        title="KMS key of the tables",
        help="The ARN of the KMS key of the tables' bucket; empty when it has none.",
    ),
    "code_kms_key": Declaration(
        or_empty(_KEY),
        "",
        title="KMS key of the code",
        help="The ARN of the KMS key of the code root's bucket, where that is not the tables' bucket; empty "
        "when it has none.",
    ),
    "iam_simulation": INGEST["iam_simulation"],
    "kinds": replace(INGEST["kinds"], title="Kinds of records that it reads"),
    "account": replace(INGEST["account"], default="*", example=None, title="Accounts whose logs it reads"),
    "regions": replace(INGEST["regions"], title="Regions whose logs it reads"),
}

_TABLES = ("target_root", "checkpoint_root", "code_root", *(f"{kind}_table" for kind in KINDS))

_DATABRICKS = {
    "databricks_conn_id": replace(
        INGEST["databricks_conn_id"],
        help="Of a workspace admin: see docs/setup.md for what it has to be allowed.",
    ),
    "databricks_compute": Declaration(
        one_of("cluster", "cluster_policy", "existing_cluster", "none"),
        "cluster",
        title="Compute",
        help="*cluster*: one that is made, and stops when idle. *cluster_policy*: rules for the cluster "
        "that each run of the ingest starts. *existing_cluster*: the one below, not changed. *none*.",
    ),
    "cluster_name": Declaration(
        or_empty(_NAME),
        "",
        title="Cluster name",
        help="Of the cluster or the policy; empty for the set-up's name.",
    ),
    "cluster_id": Declaration(
        or_empty(CLUSTER_ID), "", title="Cluster id", help="For *existing_cluster*: its id, not its name."
    ),
    "access_mode": Declaration(
        # The access modes that reach S3 for the ingest. Source: Clusters API, `data_security_mode`.
        one_of("SINGLE_USER", "USER_ISOLATION"),
        "SINGLE_USER",
        title="Access mode",
        help="Of the cluster or the policy. File notifications need *dedicated*.",
        labels={"SINGLE_USER": "dedicated", "USER_ISOLATION": "standard"},
    ),
    "spark_version": Declaration(
        RUNTIME,
        INGEST["spark_version"].example,
        title="Runtime",
        help="A Databricks runtime of at least 17.3 LTS.",
    ),
    "node_type_id": Declaration(
        NODE_TYPE,
        INGEST["node_type_id"].example,
        title="Node type",
        help="Of the driver and of each worker.",
    ),
    "min_workers": Declaration(
        number(0, 100),
        0,
        title="Workers at least",
        help="0, and 0 at most: a single node, enough for most accounts.",
    ),
    "max_workers": Declaration(
        number(0, 100),
        0,
        title="Workers at most",
        help="More than at least: the cluster scales by itself.",
    ),
    "autotermination_minutes": Declaration(
        # Source: Clusters API, `autotermination_minutes`. One that never ends is a bill that never does.
        number(10, 10_000),
        30,
        title="Minutes until an idle cluster stops",
    ),
    "storage_credential": Declaration(
        or_empty(_NAME),
        "",
        title="Storage credential",
        help="For reader *storage_credential*: its name in Unity Catalog; empty for the set-up's name.",
    ),
    "warehouse_id": Declaration(
        or_empty(WAREHOUSE_ID),
        "",
        title="SQL warehouse id",
        help="For the preflight after the set-up; without it the preflight is left out.",
    ),
    "verify_timeout_minutes": Declaration(
        number(1, 720),
        30,
        title="Minutes for the verifying job",
        help="With the start of the cluster, which takes some minutes.",
    ),
    "skip_profile_validation": Declaration(
        yes_or_no,
        False,
        title="Skip the validation of the instance profile",
        help="Databricks tries the profile with a dry run when it is registered. Skip that only for a dry "
        "run that fails for another reason than a missing permission.",
    ),
}

# Who is told of a failed task. The ingest's AWS connection is for more than that.
_ALERTS = {
    "alert_topic_arn": INGEST["alert_topic_arn"],
    "alert_conn_ids": INGEST["alert_conn_ids"],
    "aws_conn_id": replace(
        INGEST["aws_conn_id"],
        title="AWS connection of the alert topic",
        help="It publishes to the topic, nothing else; the set-up uses those of section 2.",
    ),
}

SETUP_PARAMS: dict[str, Declaration] = {
    **in_section("1. Set-up", _SET_UP),
    **in_section("2. Accounts and log bucket", _BUCKET),
    **in_section("3. Trail", _TRAILS),
    **in_section("4. Reader role", _READER),
    **in_section("5. Tables", {name: INGEST[name] for name in _TABLES}),
    **in_section("6. Databricks", _DATABRICKS),
    **in_section("7. Alerts", _ALERTS),
}


def setup_params() -> dict[str, Param]:
    """The trigger form of the set-up."""
    return form_of(SETUP_PARAMS)


SETUP_CHOICES = (
    ChoiceRule(
        ("accounts", "bucket_account"),
        lambda accounts, account: account and account not in accounts,
        "the bucket's account needs an AWS connection too: add it to accounts.",
    ),
    # A database may keep a JSON object in an order of its own (PostgreSQL's jsonb does): none is the first.
    ChoiceRule(
        ("accounts", "bucket_account"),
        lambda accounts, account: not account and len(accounts) > 1,
        "there are several accounts: give the one that the bucket is in.",
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
    ChoiceRule(
        ("databricks_compute", "cluster_id"),
        lambda compute, cluster_id: compute == "existing_cluster" and not cluster_id,
        "give the id of the cluster, or choose cluster or cluster_policy.",
    ),
    ChoiceRule(
        ("min_workers", "max_workers"),
        lambda least, most: most < least,
        "max_workers must not be below min_workers; equal they are a fixed size.",
    ),
    # Source: Clusters API, AutoScale: a cluster that scales keeps at least one worker.
    ChoiceRule(
        ("min_workers", "max_workers"),
        lambda least, most: least == 0 and most > 0,
        "autoscaling starts at one worker: give min_workers 1, or 0 for both for a single node.",
    ),
    # Source: Databricks, "Configure Auto Loader streams in file notification mode".
    ChoiceRule(
        ("discovery", "access_mode"),
        lambda discovery, mode: discovery == "notifications" and mode != "SINGLE_USER",
        "file notifications need access mode SINGLE_USER.",
    ),
)
