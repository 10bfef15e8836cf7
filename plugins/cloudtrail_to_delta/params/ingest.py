"""The params of the ingest: the check, default and help of each one, and the combinations that cannot work.

The rows are in the order of the form, which is also the order of the violations. The rules are those of the
original Databricks guide ("Ingesting AWS CloudTrail Logs Into Databricks", 2020) and of today's services.
Paths and names that follow from the params are checked where they are derived: see `request`.
"""

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param

from cloudtrail_to_delta.kinds import CHOICES as JOB_CHOICES
from cloudtrail_to_delta.kinds import KINDS, Kind
from cloudtrail_to_delta.params.declaration import ChoiceRule, Declaration, form_of, in_section
from cloudtrail_to_delta.params.locations import ACCOUNT, ANY, BUCKET, ORGANIZATION, SEGMENT
from cloudtrail_to_delta.params.values import (
    Check,
    arn,
    caption,
    code_root,
    connection_id,
    data_path,
    day,
    each,
    identifier,
    logs_path,
    matches,
    number,
    one_of,
    or_empty,
    partitions_by_region,
    region,
    storage_root,
    table,
    topic,
    yes_or_no,
)
from cloudtrail_to_delta.records.alert_events import CHOICES as EVENT_NAMES
from cloudtrail_to_delta.records.alert_events import DEFAULT_EVENTS, EVENTS

# More rows than any table has. Services, and arithmetic with times, do not accept numbers of any size.
MOST_ROWS = 10**12
# The most days to read again: the arguments of a job have at most 10,000 bytes. Source: Databricks REST, Jobs
# API 2.2, `python_wheel_task.named_parameters`.
MOST_DAYS = 366

_BUCKET = matches(BUCKET, "the name of an S3 bucket, without s3://")
_PREFIX = matches(
    rf"(?!(.*/)?AWSLogs(/|$)){SEGMENT.pattern}(/{SEGMENT.pattern})*",
    "the key prefix that precedes /AWSLogs/, without a slash at either end, or leave it empty",
)
_ORGANIZATION = matches(ORGANIZATION, "an organization ID like o-a1b2c3d4e5, or leave it empty")
_ACCOUNT = matches(rf"\*|{ACCOUNT.pattern}", "12 digits (in quotes in YAML), or '*' for all accounts")
_ROLE = arn(
    "iam|sts",
    "",
    r"(role|instance-profile|assumed-role)/[A-Za-z0-9_+=,.@/-]+",
    "arn:aws:iam::123456789012:role/reader",
)
_INSTANCE_PROFILE = arn(
    "iam",
    "",
    r"instance-profile/[A-Za-z0-9_+=,.@/-]+",
    "arn:aws:iam::123456789012:instance-profile/reader",
)
# Groups have names with spaces, which may not begin or end with one.
_VIEWER = matches(r"[^\s@][^@\n]{0,254}[^\s@]|[^\s@]+@[^\s@]+", "a user's email or the name of a group")
# The URL of an object's page contains its ID.
CLUSTER_ID = identifier("a cluster ID, not a name")
_POLICY_ID = identifier("a cluster policy ID, not a name")
WAREHOUSE_ID = identifier("a SQL warehouse ID, not a name")
NODE_TYPE = identifier("a node type like m6id.large", ".")
RUNTIME = identifier("a runtime like 17.3.x-scala2.13", ".:")
# What a new cluster is without a cluster policy: the first supported runtime, and the smallest node type with
# a local disk and 8 GB, which an hourly run needs. Preflight checks that the workspace has both.
NEW_CLUSTER: Mapping[str, str] = {"spark_version": "17.3.x-scala2.13", "node_type_id": "m6id.large"}
# Spark counts bytes in 64 bits.
_SIZE = matches(
    r"[1-9][0-9]{0,5}[kmgtKMGT][bB]?|[1-9][0-9]{0,15}[bB]?",
    "a size like 512m or 1g: at most 6 digits before the unit, or at most 16 digits for bytes",
)

# The classes of OCSF that have a view, by the end of its name.
OCSF_CLASSES = ("api_activity", "authentication", "account_change", "entity_management")
# What the table of accounts says of each account.
NAMES = ("alias", "owner", "environment")


def _account_names(value: Any) -> str | None:
    """Check an object that maps accounts to their names."""
    sound = isinstance(value, Mapping) and all(
        isinstance(account, str)
        and ACCOUNT.fullmatch(account)
        and isinstance(names, Mapping)
        and names
        and all(name in NAMES and caption(text) is None for name, text in names.items())
        for account, names in value.items()
    )
    return (
        None
        if sound
        else f"give an object that maps 12-digit accounts, in quotes, to one or more of {', '.join(NAMES)}, "
        'like {"111122223333": {"alias": "payments", "environment": "production"}}. A name has 1 to 100 '
        "characters on one line."
    )


# The fields that everyone has to fill in: the form shows them at first.
_ESSENTIALS = {
    "bucket": Declaration(
        _BUCKET,
        title="Log bucket",
        help="The S3 bucket to which the trail delivers its log files, without *s3://*.",
        example="cloudtrail-logs",
    ),
    "region": Declaration(
        region,
        title="Bucket region",
        help="The AWS region of the bucket. It is used for S3, for IAM and for Auto Loader's queues.",
        example="us-east-1",
    ),
    "account": Declaration(
        _ACCOUNT,
        title="Account",
        help="12 digits, or * for every account in the bucket.",
        example=ANY,
    ),
    "target_root": Declaration(
        storage_root,
        title="Delta root",
        help="The folder for the Delta tables. Each table gets a folder below it, with the table's name.",
        example="s3://cloudtrail-lake/delta",
    ),
    "checkpoint_root": Declaration(
        storage_root,
        title="Checkpoint root",
        help="The folder for the checkpoints, one for each table's stream. Do not put it below the Delta "
        "root.",
        example="s3://cloudtrail-lake/checkpoints",
    ),
    "code_root": Declaration(
        or_empty(code_root),
        "",
        title="Code root",
        help="The folder for the job wheel: a Unity Catalog volume, such as "
        "*/Volumes/catalog/schema/volume*. Compute with an instance profile can also read it from S3: leave "
        "this empty to use a folder *code* next to the checkpoint root.",
        example="/Volumes/main/default/code",
    ),
    "warehouse_id": Declaration(
        WAREHOUSE_ID,
        title="SQL warehouse ID",
        help="The SQL warehouse that runs the SQL statements: its ID, not its name.",
        example="sandbox-warehouse",
    ),
    "reader_role_arn": Declaration(
        or_empty(_ROLE),
        "",
        title="Reader role",
        help="The role with which the cluster reads the log files and writes the tables. Preflight simulates "
        "its permissions.",
        example="arn:aws:iam::123456789012:role/cloudtrail-reader",
    ),
}

_LOGS = {
    "kinds": Declaration(
        each(one_of(*KINDS)),
        [kind.name for kind in KINDS.values() if kind.asked_for],
        title="Kinds",
        help="; ".join(f"*{kind.name}*: {kind.summary}" for kind in KINDS.values())
        + ". If the bucket has no prefix for a kind other than *events*, that is not an error: that kind is "
        "skipped.",
    ),
    "organization": Declaration(
        or_empty(_ORGANIZATION),
        "",
        title="Organization",
        help="For an organization trail: the organization ID (*o-…*) that follows *AWSLogs/* in the keys. "
        "Otherwise leave it empty.",
    ),
    "prefix": Declaration(
        or_empty(_PREFIX),
        "",
        title="Prefix",
        help="The trail's key prefix, which precedes *AWSLogs/*. Leave it empty if the trail has none.",
    ),
    "regions": Declaration(
        each(region, alone=ANY),
        [ANY],
        title="Log regions",
        help="One region per line, or * for all. A checkpoint belongs to its logs path: changing this "
        "requires a new checkpoint and table.",
    ),
    "from": Declaration(
        or_empty(day),
        "",
        title="From (delivery day)",
        help="The first delivery day (UTC) to ingest. Leave it empty to ingest all days. You can widen it "
        "later, with discovery=listing for one run; skipped days are then ingested.",
    ),
    "until": Declaration(
        or_empty(day),
        "",
        title="Until (delivery day)",
        help="The last delivery day (UTC) to ingest. Leave it empty for no end. Digests are read for 31 more "
        "days, because they prove the last hours.",
    ),
    "read_again": Declaration(
        each(day, least=0, most=MOST_DAYS),
        [],
        title="Read days again",
        help="Delivery days (UTC) like 2026-01-31, one per line. The run first reads again what neither the "
        "table nor its quarantine has of these days, and then the new log files. It needs no new checkpoint.",
    ),
}


def _table(kind: Kind) -> Declaration:
    more = (
        "*table*, *schema.table* or *catalog.schema.table*, in lowercase. Its quarantine (*_quarantine*) and "
        "its views (*_files*, *_schema_drift*, *_accounts*, *_flat*, *_unique*, *_episodes* for insights) "
        "are in the same schema and are named after it."
    )
    return Declaration(
        table,
        f"cloudtrail_{kind.name}",
        title=f"{kind.title} table",
        help=more if kind.name == "events" else "",
    )


_TABLES = {
    **{f"{kind.name}_table": _table(kind) for kind in KINDS.values()},
    "duplicates": Declaration(
        one_of(*JOB_CHOICES["duplicates"]),
        "keep",
        title="Duplicates",
        help="CloudTrail delivers some events twice, and two trails that deliver to one bucket deliver every "
        "event twice. *keep* stores a record as often as it was delivered. *remove* stores each record once, "
        "also across runs. It counts the other copies and lists them in the quarantine as *duplicate*. "
        "*remove* costs more: it reads the IDs of the affected days from the table.",
    ),
    "account_names": Declaration(
        Check(
            _account_names,
            {
                "type": "object",
                "patternProperties": {
                    f"^{ACCOUNT.pattern}$": {
                        "type": "object",
                        "properties": dict.fromkeys(NAMES, caption.schema),
                        "additionalProperties": False,
                        "minProperties": 1,
                    }
                },
                "additionalProperties": False,
            },
        ),
        {},
        title="Names of accounts",
        help="Account → *alias*, *owner* and *environment*, as far as you know them. The view *_accounts* "
        "lists them, and *_flat* and *_unique* show them next to the account. An entry of accounts.yaml adds "
        "its own account.",
    ),
    "extra_views": Declaration(
        each(one_of("ocsf", "variant"), least=0),
        [],
        title="Extra views",
        help="*ocsf*: the events in the Open Cybersecurity Schema Framework, one view for each class "
        "(*_ocsf_api_activity*, *_ocsf_authentication*, *_ocsf_account_change*, *_ocsf_entity_management*). "
        "*variant*: each table with the whole record as a VARIANT (*_variant*). A view that you no longer "
        "select stays until you drop it.",
    ),
}

_COMPUTE = {
    "compute": Declaration(
        one_of("existing_cluster", "new_cluster", "serverless"),
        "new_cluster",
        title="Compute",
        help="*new_cluster*: a cluster that ends with the run, under a cluster policy if you name one. Its "
        "principal needs the policy, or the entitlement to create clusters. *existing_cluster*: the cluster "
        "in *Cluster ID*. *serverless*: has no instance profile, and needs a Unity Catalog volume as the "
        "code root. Nobody has reported a run on serverless compute yet: it is untested.",
    ),
    "cluster_id": Declaration(
        or_empty(CLUSTER_ID),
        "",
        title="Cluster ID",
        help="For *existing_cluster*: the cluster to run on, by its ID, not its name.",
    ),
    "policy_id": Declaration(
        or_empty(_POLICY_ID),
        "",
        title="Cluster policy ID",
        help="For *new_cluster*: a cluster policy's ID, not its name. The policy sets the access mode, and "
        "every field below that you leave empty.",
    ),
    "spark_version": Declaration(
        or_empty(RUNTIME),
        "",
        title="Runtime",
        help="For *new_cluster*: Databricks Runtime 17.3 LTS or later. Leave it empty for "
        f"{NEW_CLUSTER['spark_version']}, or for what the cluster policy sets.",
    ),
    "node_type_id": Declaration(
        or_empty(NODE_TYPE),
        "",
        title="Node type",
        help="For *new_cluster*: the node type of the driver and of each worker. Leave it empty for "
        f"{NEW_CLUSTER['node_type_id']}, or for what the cluster policy sets.",
    ),
    "num_workers": Declaration(
        number(0, 100),
        0,
        title="Workers",
        help="For *new_cluster*: 0 means a single-node cluster, which is enough for most accounts.",
    ),
    "instance_profile_arn": Declaration(
        or_empty(_INSTANCE_PROFILE),
        "",
        title="Instance profile",
        help="For *new_cluster*: the instance profile that contains the reader role. Leave it empty if "
        "Unity Catalog reads the log files, with a storage credential.",
    ),
    "accelerators": Declaration(
        one_of("package_index", "none"),
        "package_index",
        title="Accelerators",
        help="*package_index*: the compute installs *isal* and *msgspec* from its Python package index "
        "(PyPI, unless the workspace sets another). They unpack log files many times as fast. *none*: for "
        "compute without a package index. Each run then carries a warning.",
    ),
    "share_run": Declaration(
        yes_or_no,
        True,
        title="One run for all kinds",
        help="One Databricks run ingests all kinds, one after the other, and starts its compute only once. "
        "If one kind fails, the run fails for all kinds, although the others were ingested. A continuous "
        "stream never ends, so each kind then has a run of its own all the same.",
    ),
    "run_viewers": Declaration(
        each(_VIEWER, least=0),
        [],
        title="Who may see the runs",
        help="Users (email) and groups, one per line, that may see the Databricks runs and driver logs. "
        "Without them, only the principal of the connection and admins can.",
    ),
}

_CHECKS = {
    "preflight_only": Declaration(
        yes_or_no,
        False,
        title="Preflight only",
        help="Run every check, show the findings, and stop before anything is written or submitted.",
    ),
    "iam_simulation": Declaration(
        one_of("require", "warn", "off"),
        "require",
        title="IAM simulation",
        help="*require*: preflight fails if a permission is denied or cannot be simulated. *warn*: a "
        "permission that cannot be simulated is only a warning. *off*: permissions are not simulated.",
    ),
    "deployment_role_arn": Declaration(
        or_empty(_ROLE),
        "",
        title="Databricks deployment role",
        help="The role with which Databricks starts clusters (the workspace's credential configuration). If "
        "you give it, preflight simulates whether it may pass the reader role to them.",
    ),
    "minimum_rows": Declaration(
        number(0, MOST_ROWS),
        1,
        title="Minimum rows",
        help="The events table must hold at least this many rows after the run. 0 means no minimum.",
    ),
    "accept_mismatch": Declaration(
        or_empty(matches(r"[0-9a-f]{12}", "12 hexadecimal digits, from the error of validate_rows")),
        "",
        title="Accept a mismatch",
        help="The code from the error of *validate_rows*. This run accepts exactly the log files and changes "
        "that the error named, and later runs no longer check them.",
    ),
}

_ALERTS = {
    "alert_topic_arn": Declaration(
        or_empty(topic),
        "",
        title="Alert topic",
        help="The SNS topic that receives alerts. Leave it empty for none.",
    ),
    "alert_conn_ids": Declaration(
        each(connection_id("apprise"), least=0),
        [],
        title="Alert connections",
        help="IDs of Airflow connections of type *Apprise* (Slack, Teams, PagerDuty, email, …), one per "
        "line. Never enter a URL: tokens belong in the connection.",
    ),
    "alert_events": Declaration(
        each(one_of(*EVENT_NAMES), least=0),
        list(DEFAULT_EVENTS),
        title="Alert events",
        help="; ".join(f"*{name}*: {EVENTS[name].summary}" for name in EVENT_NAMES)
        + ". Each cause sends one message, then one reminder a day.",
    ),
    "alert_quarantined_above": Declaration(
        number(0, MOST_ROWS),
        0,
        title="Quarantine threshold",
        help="Alert when a run quarantines more records and files than this. Duplicates and log files "
        "without records do not count.",
    ),
    "alert_silent_hours": Declaration(
        number(0, 240),
        24,
        title="Longest silence (hours)",
        help="Alert when the newest log file of events was delivered more than this many hours ago. 0 "
        "disables the alert.",
    ),
    "test_alert": Declaration(
        yes_or_no,
        False,
        title="Test alert",
        help="Send one message to every target, then stop. Nothing is checked, written or submitted.",
    ),
}

_ADVANCED = {
    "discovery": Declaration(
        one_of(*JOB_CHOICES["discovery"]),
        "listing",
        title="Discovery",
        help="How Auto Loader finds new files. *file_events* needs a Unity Catalog external location with "
        "file events. *notifications* needs dedicated compute and the SNS/SQS policy.",
    ),
    "trigger": Declaration(
        one_of(*JOB_CHOICES["trigger"]),
        "available_now",
        title="Trigger",
        help="*available_now*: ingest the files that are available, then end. *continuous*: the stream runs, "
        "and is billed, until you cancel it.",
    ),
    "max_files_per_trigger": Declaration(
        number(1, 1_000_000),
        1000,
        title="Files per micro-batch",
        help="Applies on Databricks. Open-source Spark limits a micro-batch by bytes only.",
    ),
    "max_bytes_per_trigger": Declaration(
        _SIZE,
        "1g",
        title="Bytes per micro-batch",
        help="Compressed bytes, such as *512m* or *1g*.",
    ),
    "delta_log_timeout_minutes": Declaration(
        number(1, 10_080),
        30,
        title="Wait for the first commit (minutes)",
        help="Includes the cluster start. When it expires, the run is canceled and the task fails.",
    ),
    "run_timeout_minutes": Declaration(
        number(1, 43_200),
        720,
        title="Longest run (minutes)",
        help="Databricks ends a longer run. The next run continues where that one stopped.",
    ),
    "max_concurrent_runs": Declaration(
        # Source: Databricks, resource limits: tasks that run at once in a workspace.
        number(0, 2000),
        10,
        title="Concurrent runs",
        help="While this many ingest runs, for any account, are active in the workspace, *submit* waits "
        "without a worker slot. 0 means unlimited.",
    ),
    "databricks_conn_id": Declaration(
        connection_id("databricks"), "databricks_default", title="Databricks connection"
    ),
    "aws_conn_id": Declaration(connection_id("aws"), "aws_default", title="AWS connection"),
}


def _paths(kind: Kind) -> dict[str, Declaration]:
    """Return the three paths of a kind that the original guide asks for."""
    logs = f"Like s3://bucket/AWSLogs/account/{kind.folder}/region/*. Leave it empty to derive it."
    return {
        f"{kind.name}_{name}": Declaration(or_empty(check), "", title=f"{kind.title}: {title}", help=text)
        for name, check, title, text in (
            ("logs_path", logs_path, "logs path", logs),
            ("delta_path", data_path, "Delta path", "Leave it empty to derive it from the Delta root."),
            (
                "checkpoint_path",
                data_path,
                "checkpoint path",
                "Leave it empty to derive it from the checkpoint root.",
            ),
        )
    }


PARAMS: dict[str, Declaration] = {
    **_ESSENTIALS,
    **in_section("Log files", _LOGS),
    **in_section("Tables", _TABLES),
    **in_section("Databricks compute", _COMPUTE),
    **in_section("Checks", _CHECKS),
    **in_section("Alerts", _ALERTS),
    **in_section("Advanced: stream, limits and connections", _ADVANCED),
    **in_section(
        "Advanced: paths",
        {name: row for kind in KINDS.values() for name, row in _paths(kind).items()},
    ),
}


def ingest_params() -> dict[str, Param]:
    """Return the trigger form of the ingest."""
    return form_of(PARAMS)


CHOICES = (
    ChoiceRule(
        ("compute", "cluster_id"),
        lambda compute, cluster_id: compute == "existing_cluster" and not cluster_id,
        "give the cluster ID, or choose new_cluster.",
    ),
    ChoiceRule(
        ("compute", "cluster_id"),
        lambda compute, cluster_id: compute == "new_cluster" and cluster_id,
        "a cluster ID only applies to an existing cluster: choose existing_cluster, or leave cluster_id "
        "empty.",
    ),
    ChoiceRule(
        ("compute", "policy_id"),
        lambda compute, policy_id: compute != "new_cluster" and policy_id,
        "a cluster policy only applies to a new cluster: choose new_cluster, or leave policy_id empty.",
    ),
    # Source: Databricks, "Serverless compute limitations".
    ChoiceRule(
        ("compute", "trigger"),
        lambda compute, trigger: compute == "serverless" and trigger == "continuous",
        "serverless compute does not support continuous streams: choose available_now, or a cluster.",
    ),
    ChoiceRule(
        ("compute", "instance_profile_arn"),
        lambda compute, profile: compute == "serverless" and profile,
        "serverless compute has no instance profile: leave instance_profile_arn empty, or choose "
        "new_cluster.",
    ),
    ChoiceRule(
        ("compute", "code_root"),
        lambda compute, root: compute == "serverless" and not root.startswith("/Volumes/"),
        "serverless compute installs wheels from Unity Catalog: give /Volumes/catalog/schema/volume.",
    ),
    # Source: Databricks REST, Libraries API, `whl`. A cluster policy may set the profile: see preflight.
    ChoiceRule(
        ("compute", "instance_profile_arn", "policy_id", "code_root"),
        lambda compute, profile, policy, root: (
            compute == "new_cluster" and not profile and not policy and not root.startswith("/Volumes/")
        ),
        "a cluster without an instance profile cannot read the job wheel from S3: give "
        "instance_profile_arn, or a code_root of /Volumes/catalog/schema/volume.",
    ),
    # Source: Databricks, "Configure Auto Loader streams in file notification mode".
    ChoiceRule(
        ("compute", "discovery"),
        lambda compute, discovery: compute == "serverless" and discovery == "notifications",
        "notifications need dedicated compute: choose listing or file_events, or a cluster.",
    ),
    ChoiceRule(
        ("from", "until"),
        lambda first, last: first and last and first > last,
        "the first day is after the last day: correct one of them.",
    ),
    ChoiceRule(
        ("iam_simulation", "reader_role_arn"),
        lambda simulation, role: simulation != "off" and not role,
        "give the role with which Databricks reads, or set iam_simulation to off.",
    ),
    ChoiceRule(
        ("test_alert", "alert_topic_arn", "alert_conn_ids"),
        lambda test, topic, connections: test and not topic and not connections,
        "there is no alert target to test: give an alert topic or an alert connection.",
    ),
)


def check_partition(values: Mapping[str, Any]) -> list[str]:
    """Return the violations of one rule: buckets, roles and topics are in the partition of `region`."""
    if "region" not in values:
        return []
    partition = partitions_by_region()[values["region"]]
    arns = {
        name: values.get(name)
        for name in ("instance_profile_arn", "reader_role_arn", "deployment_role_arn", "alert_topic_arn")
    }
    places = {name: value.split(":")[1] for name, value in arns.items() if value}
    places |= {
        f"regions {name}": partitions_by_region().get(name, partition) for name in values.get("regions", [])
    }
    return [
        f"{name} is in partition {other!r}, but region={values['region']!r} is in {partition!r}: "
        "choose both from one partition."
        for name, other in places.items()
        if other != partition
    ]
