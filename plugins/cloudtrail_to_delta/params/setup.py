"""The params of the set-up: the check, default and help of each one, and the combinations that cannot work.

The rows are in the order of the form. Rows that the ingest has too are taken from there, with the title, help
or default that fits the set-up.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from airflow.sdk import Param

from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.params.declaration import ChoiceRule, Declaration, form_of, in_section
from cloudtrail_to_delta.params.ingest import CLUSTER_ID, NEW_CLUSTER, NODE_TYPE, RUNTIME, WAREHOUSE_ID
from cloudtrail_to_delta.params.ingest import PARAMS as INGEST
from cloudtrail_to_delta.params.locations import ACCOUNT
from cloudtrail_to_delta.params.values import (
    PARTITIONS,
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

# In the order in which they are applied. Removal uses the reverse order.
ACTIONS = ("bucket", "role", "bucket_policy", "trail", "databricks")
NEW_KEY = "new"

_ACCOUNT = matches(ACCOUNT, "12 digits, in quotes")
_PRINCIPAL = matches(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[^@\s]+@[^@\s]+",
    "the application ID of a service principal, or the email of a user",
)
_ROLE_NAME = matches(
    r"[A-Za-z0-9_+=,.@-]{1,64}", "a role name without a path, at most 64 letters, digits and +=,.@-_"
)
# Source: AWS CloudTrail User Guide, "Naming requirements for CloudTrail resources".
_TRAIL = matches(
    r"(?!.*[._-]{2})(?![0-9]{1,3}(\.[0-9]{1,3}){3}$)[A-Za-z0-9][A-Za-z0-9._-]{1,126}[A-Za-z0-9]",
    "3 to 128 characters: letters, digits, and single . _ - between them, but not an IP address",
)
_KEY = arn(
    "kms", "[a-z0-9-]+", r"key/[A-Za-z0-9-]+", "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd"
)
# AWS's own policies can be boundaries too.
_BOUNDARY = matches(
    rf"arn:({'|'.join(PARTITIONS)}):iam::([0-9]{{12}}|aws):policy/[A-Za-z0-9_+=,.@/-]+",
    "the ARN of a policy like arn:aws:iam::123456789012:policy/boundary",
)
_PATH = matches(r"/([A-Za-z0-9_+=,.@-]+/)*", "a path that begins and ends with a slash, like /data/")
_DEPLOYMENT = arn("iam", "", r"role/[A-Za-z0-9_+=,.@/-]+", "arn:aws:iam::123456789012:role/databricks")
_TOPIC_NAME = matches(r"[A-Za-z0-9_-]{1,256}", "a topic name of letters, digits, _ and -")
# Source: AWS CloudTrail API, AdvancedFieldSelector: network activity needs one eventSource each.
_SOURCE = matches(r"[a-z0-9.-]+\.amazonaws\.com", "an event source like s3.amazonaws.com")
# A bucket, or objects with a prefix; a function.
_BUCKET_ARN = matches(
    r"\*|arn:aws[a-z-]*:s3:::[a-z0-9.-]+/\S*", "arn:aws:s3:::bucket/, with or without a key prefix, or *"
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
            "give an object that maps 12-digit accounts, in quotes, to the IDs of their AWS connections, "
            "like "
            '{"111122223333": "aws_default"}.'
        )
    )


# Source: "Tag naming limits and requirements", AWS Tagging Best Practices; IAM API Reference, Tag.
_TAG_TEXT = r"[\w .:/=+@-]"
MOST_TAGS = 49


def _tags(value: Any) -> str | None:
    sound = (
        isinstance(value, Mapping)
        and len(value) <= MOST_TAGS
        and all(
            isinstance(name, str)
            and isinstance(text, str)
            and re.fullmatch(rf"(?!aws:){_TAG_TEXT}{{1,128}}", name)
            and re.fullmatch(rf"{_TAG_TEXT}{{0,256}}", text)
            and name != "cloudtrail-setup"
            for name, text in value.items()
        )
    )
    return (
        None
        if sound
        else f'give an object of at most {MOST_TAGS} tags, like {{"team": "security"}}: letters, digits, '
        "spaces and _.:/=+-@. No key may start with aws: or be cloudtrail-setup."
    )


def _key_or_new(value: Any) -> str | None:
    if value in ("", NEW_KEY) or _KEY(value) is None:
        return None
    return f"give {NEW_KEY!r} to create a key, give the ARN of a key, or leave it empty."


# The fields that everyone has to fill in: the form shows them at first. And what the run does with them.
_ESSENTIALS = {
    "mode": Declaration(
        one_of("apply", "remove"),
        "apply",
        title="Mode",
        help="*apply*: create and change what differs. *remove*: delete exactly what this set-up created: "
        "the resources that its fields name, and others with its tag. Both show a plan first.",
    ),
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
        help="Each account and its AWS connection: the accounts that get a trail, and those of the bucket, "
        "the reader role and the deployment role.",
        example={"123456789012": "aws_default"},
    ),
    "bucket": replace(
        INGEST["bucket"],
        help="The bucket for the log files. It is created, or adopted if it exists. Bucket names are unique "
        "across all AWS accounts, so a name with the account's number is likely to be free.",
        example="cloudtrail-logs-123456789012",
    ),
    "region": replace(
        INGEST["region"],
        title="Region",
        help="The region of the bucket, its key and its topic, and the home region of the trails.",
    ),
    "target_root": INGEST["target_root"],
    "checkpoint_root": INGEST["checkpoint_root"],
}

_PLAN = {
    "name": Declaration(
        matches(r"[a-z][a-z0-9]{0,31}", "a lowercase letter, then at most 31 lowercase letters and digits"),
        "cloudtrail",
        title="Name of the set-up",
        help="The value of the tag *cloudtrail-setup* on everything that the set-up creates. Two set-ups "
        "with different names do not change each other's statements in a bucket's policy.",
    ),
    "actions": Declaration(
        each(one_of(*ACTIONS)),
        list(ACTIONS),
        title="Actions",
        help="*bucket*: the log bucket, its key and topic. *role*: the reader role, its policy and instance "
        "profile. *bucket_policy*: the reader's statements in the policies of the bucket and the key. "
        "*trail*: one trail per account, or the organization's trail. *databricks*: the section "
        "*Databricks*.",
    ),
    "change_adopted": Declaration(
        or_none(each(one_of(*ACTIONS))),
        [],
        title="Also change adopted resources",
        help="An existing resource without the tag is adopted. The plan shows its differences and leaves "
        "them, except for the actions that you name here. It is never removed.",
    ),
    "approve": Declaration(
        yes_or_no,
        False,
        title="Approve without asking",
        help="Apply the plan without waiting for a person. The log still contains the plan. An operator can "
        "forbid this (docs/setup.md).",
    ),
}

_BUCKET = {
    "bucket_account": Declaration(
        or_empty(_ACCOUNT),
        "",
        title="Account of the bucket",
        help="Leave it empty if there is only one account.",
    ),
    "assume_role": Declaration(
        or_empty(_ROLE_NAME),
        "",
        title="Role to assume",
        help="The name of a role that the connection assumes in each account. Give it only the "
        "policy of docs/permissions.md: *OrganizationAccountAccessRole* is an administrator. Leave it empty "
        "if each account has its own connection.",
    ),
    "prefix": replace(
        INGEST["prefix"],
        help="The key prefix of the log files, which precedes *AWSLogs/*. Leave it empty for none.",
    ),
    "versioning": Declaration(
        yes_or_no,
        True,
        title="Keep every version of an object",
        help="A log file that somebody overwrites or deletes can be restored. Turning this off does not "
        "suspend versioning: a bucket that already keeps versions continues to keep them.",
    ),
    "expire_days": Declaration(
        number(0, 36_500),
        0,
        title="Delete log files after (days)",
        help="0 means never. Old versions expire after the same number of days.",
    ),
    "kms_key": Declaration(
        Check(
            _key_or_new,
            {"type": "string", "pattern": f"^({NEW_KEY})?$|{_KEY.schema['pattern']}"},
            may_be_empty=True,
        ),
        "",
        title="KMS key",
        help="*new* to create a key, or the ARN of a key. Leave it empty to use S3's own encryption. The "
        "trail encrypts the log files with the key; its policy gets statements for CloudTrail and the "
        "reader.",
    ),
    "object_lock_days": Declaration(
        number(0, 36_500),
        0,
        title="Lock log files for (days)",
        help="Nobody can overwrite or delete a new log file for this many days (S3 Object Lock). 0 means no "
        "lock. **You cannot turn Object Lock off again.**",
    ),
    "object_lock_mode": Declaration(
        one_of("governance", "compliance"),
        "governance",
        title="Mode of the lock",
        help="*governance*: principals with s3:BypassGovernanceRetention can delete a locked file. "
        "*compliance*: nobody can, not even the root user.",
    ),
    "tags": Declaration(
        Check(_tags, {"type": "object", "additionalProperties": {"type": "string"}}),
        {},
        title="Tags",
        help="Further tags on everything that the set-up makes in AWS. A tag that you leave out later stays.",
    ),
}

_TRAILS = {
    "trail": Declaration(
        _TRAIL,
        "cloudtrail",
        title="Name of the trail",
        help="The same name in every account. An existing trail is adopted.",
    ),
    "trail_accounts": Declaration(
        or_none(each(_ACCOUNT)),
        [],
        title="Accounts with a trail",
        help="One per line. Leave it empty for all of *Accounts*. For an organization, give only its "
        "management account, or CloudTrail's delegated administrator.",
    ),
    "organization": replace(
        INGEST["organization"],
        help="The organization's ID (*o-…*), for one trail that covers all its accounts. Leave it empty for "
        "none.",
    ),
    "management_account": Declaration(
        or_empty(_ACCOUNT),
        "",
        title="Management account",
        help="The organization's management account, if *Accounts with a trail* has CloudTrail's delegated "
        "administrator instead: the trail belongs to the management account. Leave it empty otherwise.",
    ),
    "multi_region": Declaration(
        yes_or_no,
        True,
        title="All regions",
        help="Includes regions that AWS adds later. If off, the trail covers only *Region*.",
    ),
    "management_events": Declaration(
        one_of("all", "read", "write", "none"),
        "all",
        title="Management events",
        help="Calls that change or read settings. The first copy in each region is free.",
    ),
    "exclude_kms_events": Declaration(
        yes_or_no,
        False,
        title="Exclude AWS KMS events",
        help="These events are frequent. Without them, decryptions are not recorded.",
    ),
    "exclude_rds_data_events": Declaration(yes_or_no, False, title="Exclude RDS Data API events"),
    "s3_data_events": Declaration(
        or_none(each(_BUCKET_ARN, alone="*")),
        [],
        title="S3 data events",
        help="Give * for all objects except the pipeline's (log bucket, tables, checkpoints, code), or "
        "arn:aws:s3:::bucket/prefix, one per line. Leave it empty for none. **AWS bills these per event.**",
    ),
    "lambda_data_events": Declaration(
        or_none(each(_FUNCTION_ARN, alone="*")),
        [],
        title="Lambda data events",
        help="Function ARNs, one per line, or * for all functions. Leave it empty for none. **AWS bills "
        "these per event.**",
    ),
    "network_activity_sources": Declaration(
        or_none(each(_SOURCE)),
        [],
        title="Network activity events",
        help="Event sources like *s3.amazonaws.com*, one per line. Leave it empty for none. **AWS bills "
        "these per event.**",
    ),
    "insights": Declaration(
        or_none(each(one_of("ApiCallRateInsight", "ApiErrorRateInsight"))),
        [],
        title="Insights",
        help="AWS bills these per event that it analyzes. The first insight can take 36 hours.",
    ),
    "log_file_validation": Declaration(
        yes_or_no,
        True,
        title="Log file validation",
        help="Delivers digest files. Without them, nobody can prove that no log file is missing.",
    ),
    "sns_topic": Declaration(
        or_empty(_TOPIC_NAME),
        "",
        title="Topic",
        help="The name of a topic that is notified of each new log file. Leave it empty for none.",
    ),
}

_READER = {
    "reader": Declaration(
        one_of("storage_credential", "instance_profile"),
        "storage_credential",
        title="Used through",
        help="*storage_credential*: Unity Catalog assumes the role; the set-up makes external locations over "
        "logs, tables and checkpoints. *instance_profile*: clusters carry the role. This is the legacy path, "
        "for tables in *hive_metastore*; it needs *Discovery* *listing* or *notifications*.",
    ),
    "reader_role": Declaration(
        _ROLE_NAME,
        "cloudtrail-reader",
        title="Name of the role",
        help="The instance profile has the same name.",
    ),
    "reader_account": Declaration(
        or_empty(_ACCOUNT),
        "",
        title="Account of the role",
        help="Leave it empty to use the bucket's account.",
    ),
    "role_path": Declaration(
        _PATH,
        "/",
        title="Path of the role",
        help="The path of a new role and its instance profile, such as */data/*.",
    ),
    "permissions_boundary": Declaration(
        or_empty(_BOUNDARY),
        "",
        title="Permissions boundary",
        help="The ARN of the policy that bounds the role, if your organization requires one. Leave it empty "
        "to keep the boundary of an existing role.",
    ),
    "deployment_role_arn": replace(
        INGEST["deployment_role_arn"],
        check=or_empty(_DEPLOYMENT),
        help="The role with which Databricks starts clusters. The set-up allows it to pass the reader role, "
        "and no other role.",
    ),
    "kinds": replace(INGEST["kinds"], title="Kinds of records that it reads"),
    "account": replace(INGEST["account"], default="*", example=None, title="Accounts whose logs it reads"),
    "regions": replace(INGEST["regions"], title="Regions whose logs it reads"),
    "tables_kms_key": Declaration(
        or_empty(_KEY),
        "",
        title="KMS key of the tables",
        help="The ARN of the KMS key of the tables' bucket. Leave it empty if the bucket has none.",
    ),
}

_DATABRICKS = {
    "databricks_conn_id": replace(
        INGEST["databricks_conn_id"],
        help="The connection of a workspace admin. See docs/setup.md for the permissions that it needs.",
    ),
    "ingest_principal": Declaration(
        or_empty(_PRINCIPAL),
        "",
        title="Principal of the ingest",
        help="The service principal (its application ID) or user (email) that runs the ingest. It gets the "
        "compute that the set-up makes. Leave it empty if the ingest uses the connection above.",
    ),
    "databricks_compute": Declaration(
        one_of("cluster_policy", "cluster", "existing_cluster", "none"),
        "cluster_policy",
        title="Compute",
        help="*cluster_policy*: create rules for the cluster that each ingest run starts, which costs less. "
        "*cluster*: create a cluster that stops when it is idle. *existing_cluster*: use the cluster below "
        "and do not change it. *none*: no compute.",
    ),
    "cluster_name": Declaration(
        or_empty(_NAME),
        "",
        title="Cluster name",
        help="The name of the cluster or the policy. Leave it empty to use the set-up's name.",
    ),
    "cluster_id": Declaration(
        or_empty(CLUSTER_ID),
        "",
        title="Cluster ID",
        help="For *existing_cluster*: the cluster's ID, not its name.",
    ),
    "access_mode": Declaration(
        # The access modes that reach S3 for the ingest. Source: Clusters API, `data_security_mode`.
        one_of("SINGLE_USER", "USER_ISOLATION"),
        "SINGLE_USER",
        title="Access mode",
        help="The access mode of the cluster or the policy. File notifications need *dedicated*.",
        labels={"SINGLE_USER": "dedicated", "USER_ISOLATION": "standard"},
    ),
    "spark_version": Declaration(
        RUNTIME,
        NEW_CLUSTER["spark_version"],
        title="Runtime",
        help="Databricks Runtime 17.3 LTS or later.",
    ),
    "node_type_id": Declaration(
        NODE_TYPE,
        NEW_CLUSTER["node_type_id"],
        title="Node type",
        help="The node type of the driver and of each worker.",
    ),
    "min_workers": Declaration(
        number(0, 100),
        0,
        title="Minimum workers",
        help="If minimum and maximum are 0, the cluster has a single node, which is enough for most "
        "accounts.",
    ),
    "max_workers": Declaration(
        number(0, 100),
        0,
        title="Maximum workers",
        help="If this is more than the minimum, the cluster scales automatically.",
    ),
    "autotermination_minutes": Declaration(
        # Source: Clusters API, `autotermination_minutes`. A cluster that never stops is billed without end.
        number(10, 10_000),
        30,
        title="Stop an idle cluster after (minutes)",
    ),
    "storage_credential": Declaration(
        or_empty(_NAME),
        "",
        title="Storage credential",
        help="For the reader *storage_credential*: the name in Unity Catalog. Leave it empty to use the "
        "set-up's name.",
    ),
    "warehouse_id": Declaration(
        or_empty(WAREHOUSE_ID),
        "",
        title="SQL warehouse ID",
        help="For the preflight after the set-up. If it is empty, that preflight is skipped.",
    ),
}

# They are notified of a failed task. The AWS connection has more uses in the ingest.
_ALERTS = {
    "alert_topic_arn": INGEST["alert_topic_arn"],
    "alert_conn_ids": INGEST["alert_conn_ids"],
    "aws_conn_id": replace(
        INGEST["aws_conn_id"],
        title="AWS connection of the alert topic",
        help="Only publishes to the alert topic. The set-up itself uses the connections in *Accounts*.",
    ),
}

_ADVANCED = {
    "code_root": replace(
        INGEST["code_root"],
        help="The folder for the job wheel. For the reader *storage_credential* a Unity Catalog volume that "
        "exists, */Volumes/catalog/schema/volume*. For *instance_profile* you may leave it empty: a folder "
        "*code* next to the checkpoint root.",
    ),
    "code_kms_key": Declaration(
        or_empty(_KEY),
        "",
        title="KMS key of the code",
        help="The ARN of the KMS key of the code root's bucket, if that is not the tables' bucket. Leave it "
        "empty if the bucket has none.",
    ),
    "discovery": replace(
        INGEST["discovery"],
        default="file_events",
        help="How Auto Loader will find new files. *file_events*: the external location of the logs "
        "announces them, and the role gets the SNS and SQS actions for that. *notifications*: each stream "
        "has a queue. *listing*: each run lists the whole logs path.",
    ),
    "iam_simulation": INGEST["iam_simulation"],
    "verify_timeout_minutes": Declaration(
        number(1, 720),
        30,
        title="Longest verification job (minutes)",
        help="Includes the cluster start, which takes some minutes.",
    ),
    "skip_profile_validation": Declaration(
        yes_or_no,
        False,
        title="Skip the validation of the instance profile",
        help="Databricks tests the instance profile with a dry run when it is registered. Skip the test only "
        "if the dry run fails for a reason other than a missing permission.",
    ),
}

SETUP_PARAMS: dict[str, Declaration] = {
    **_ESSENTIALS,
    **in_section("Plan and approval", _PLAN),
    **in_section("Log bucket", _BUCKET),
    **in_section("Trail", _TRAILS),
    **in_section("Reader role", _READER),
    **in_section("Tables", {f"{kind}_table": INGEST[f"{kind}_table"] for kind in KINDS}),
    **in_section("Databricks", _DATABRICKS),
    **in_section("Alerts", _ALERTS),
    **in_section("Advanced", _ADVANCED),
}


def setup_params() -> dict[str, Param]:
    """Return the trigger form of the set-up."""
    return form_of(SETUP_PARAMS)


# Source: AWS CloudTrail User Guide, "Quotas in AWS CloudTrail": values of all advanced event selectors.
MOST_SELECTOR_VALUES = 500
# The values that are not in a list of the params: categories, types, exclusions, names of fields.
_OTHER_VALUES = 20


def pipeline_objects(bucket: str, roots: Iterable[str]) -> list[str]:
    """Return the start of the ARNs of the objects that the pipeline writes: log files, tables, checkpoints.

    Data events about them would become log files that the next run writes to its tables, without an end.
    `roots` are folders; those outside S3 are left out.
    """
    folders = [root.removeprefix("s3://").rstrip("/") for root in roots if root.startswith("s3://")]
    return [f"arn:aws:s3:::{one}/" for one in dict.fromkeys((bucket, *folders))]


def _records_itself(objects: Any, bucket: str, target: str, checkpoint: str, code: str) -> bool:
    roots = (target, checkpoint, code or f"{checkpoint.rpartition('/')[0]}/code")
    named = [re.sub("^arn:aws[a-z-]*:", "arn:aws:", one) for one in objects or () if one != "*"]
    mine = pipeline_objects(bucket, roots)
    return any(one.startswith(own) or own.startswith(one) for one in named for own in mine)


SETUP_CHOICES = (
    ChoiceRule(
        ("accounts", "bucket_account"),
        lambda accounts, account: account and account not in accounts,
        "the bucket's account needs an AWS connection: add it to accounts.",
    ),
    # A database may reorder a JSON object (PostgreSQL's jsonb does), so no account counts as the first.
    ChoiceRule(
        ("accounts", "bucket_account"),
        lambda accounts, account: not account and len(accounts) > 1,
        "there are several accounts: give the account of the bucket.",
    ),
    ChoiceRule(
        ("accounts", "reader_account"),
        lambda accounts, account: account and account not in accounts,
        "the reader role's account needs an AWS connection: add it to accounts.",
    ),
    ChoiceRule(
        ("accounts", "deployment_role_arn"),
        lambda accounts, role: role and role.split(":")[4] not in accounts,
        "the deployment role's account needs an AWS connection: add it to accounts, or leave the role empty.",
    ),
    ChoiceRule(
        ("accounts", "trail_accounts"),
        lambda accounts, trails: not set(trails) <= set(accounts),
        "each account that gets a trail needs an AWS connection: add it to accounts.",
    ),
    ChoiceRule(
        ("organization", "accounts", "trail_accounts"),
        lambda organization, accounts, trails: organization and len(trails or accounts) != 1,
        "an organization has one trail for all its accounts: give the management account in trail_accounts.",
    ),
    ChoiceRule(
        ("organization", "management_account"),
        lambda organization, account: account and not organization,
        "only an organization trail belongs to a management account: give the organization, or leave "
        "management_account empty.",
    ),
    # Source: Amazon S3 User Guide, "Configuring S3 Object Lock".
    ChoiceRule(
        ("object_lock_days", "versioning"),
        lambda days, versioning: days and not versioning,
        "Object Lock needs versioning: turn versioning on, or set object_lock_days to 0.",
    ),
    # Source: AWS CloudTrail User Guide, "Logging Insights events": the call rate of write management
    # events, the error rate of read or write ones.
    ChoiceRule(
        ("insights", "management_events"),
        lambda insights, events: (
            (insights and events == "none") or (events == "read" and "ApiCallRateInsight" in (insights or ()))
        ),
        "Insights analyze management events, and ApiCallRateInsight those that write: choose all or write, "
        "or leave it out of insights.",
    ),
    ChoiceRule(
        ("management_events", "exclude_kms_events"),
        lambda events, exclude: events == "none" and exclude,
        "there are no management events to exclude KMS events from: turn exclude_kms_events off.",
    ),
    ChoiceRule(
        ("management_events", "exclude_rds_data_events"),
        lambda events, exclude: events == "none" and exclude,
        "there are no management events to exclude RDS Data API events from: turn exclude_rds_data_events "
        "off.",
    ),
    ChoiceRule(
        ("management_events", "s3_data_events", "lambda_data_events", "network_activity_sources"),
        lambda events, *others: events == "none" and not any(others),
        "the trail would record nothing: choose at least one kind of events.",
    ),
    ChoiceRule(
        ("s3_data_events", "bucket", "target_root", "checkpoint_root", "code_root"),
        _records_itself,
        "these are objects that the pipeline itself writes, and each run would cause new events without end: "
        "leave out the log bucket and the folders of tables, checkpoints and code.",
    ),
    ChoiceRule(
        ("s3_data_events", "lambda_data_events", "network_activity_sources"),
        lambda objects, functions, sources: (
            len(objects or ()) + len(functions or ()) + 2 * len(sources or ())
            > MOST_SELECTOR_VALUES - _OTHER_VALUES
        ),
        f"a trail's selectors hold {MOST_SELECTOR_VALUES} values, of which {_OTHER_VALUES} are reserved; a "
        "network activity source counts twice: give fewer, or * for all.",
    ),
    # Source: Databricks, Auto Loader file notification mode; managed file events.
    ChoiceRule(
        ("discovery", "reader"),
        lambda discovery, reader: discovery == "file_events" and reader == "instance_profile",
        "file events need a Unity Catalog external location: choose the reader storage_credential, or set "
        "discovery to listing.",
    ),
    ChoiceRule(
        ("kms_key", "region"),
        lambda key, region: ":" in key and key.split(":")[3] != region,
        "the key must be in the region of the bucket: give a key of that region.",
    ),
    ChoiceRule(
        ("kms_key", "accounts"),
        lambda key, accounts: ":" in key and key.split(":")[4] not in accounts,
        "the set-up changes the policy of the key, so its account needs an AWS connection: add it to "
        "accounts.",
    ),
    ChoiceRule(
        ("databricks_compute", "cluster_id"),
        lambda compute, cluster_id: compute == "existing_cluster" and not cluster_id,
        "give the cluster ID, or choose cluster or cluster_policy.",
    ),
    ChoiceRule(
        ("min_workers", "max_workers"),
        lambda least, most: most < least,
        "max_workers must not be below min_workers: correct one of them. Equal values mean a fixed size.",
    ),
    # Source: Clusters API, AutoScale: a cluster that scales keeps at least one worker.
    ChoiceRule(
        ("min_workers", "max_workers"),
        lambda least, most: least == 0 and most > 0,
        "autoscaling needs at least one worker: set min_workers to 1, or both to 0 for a single node.",
    ),
    # Source: Databricks, "Create a storage credential for connecting to AWS S3": no dot notation.
    *(
        ChoiceRule(
            ("reader", name, "actions"),
            lambda reader, place, actions: (
                reader == "storage_credential"
                and "databricks" in (actions or ACTIONS)
                and "." in place.removeprefix("s3://").partition("/")[0]
            ),
            "Unity Catalog accepts no bucket with a dot in its name: give another bucket, or choose the "
            "reader instance_profile.",
        )
        for name in ("bucket", "target_root", "checkpoint_root")
    ),
    # Source: Databricks, "Standard access mode limitations".
    ChoiceRule(
        ("reader", "access_mode"),
        lambda reader, mode: reader == "instance_profile" and mode == "USER_ISOLATION",
        "in standard access mode, code cannot use an instance profile: set access_mode to SINGLE_USER, or "
        "reader to storage_credential.",
    ),
    # Source: Databricks REST, Libraries API, `whl`.
    ChoiceRule(
        ("reader", "databricks_compute", "code_root", "actions"),
        lambda reader, compute, root, actions: (
            reader == "storage_credential"
            and "databricks" in (actions or ACTIONS)
            and compute in ("cluster", "cluster_policy")
            and not root.startswith("/Volumes/")
        ),
        "a cluster without an instance profile cannot read the job wheel from S3: give a code_root of "
        "/Volumes/catalog/schema/volume.",
    ),
    # Source: Databricks, "Configure Auto Loader streams in file notification mode".
    ChoiceRule(
        ("discovery", "access_mode"),
        lambda discovery, mode: discovery == "notifications" and mode != "SINGLE_USER",
        "file notifications need dedicated compute: set access_mode to SINGLE_USER.",
    ),
)
