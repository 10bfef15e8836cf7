"""The params of the ingest: every one with its check, its default and its help, and what cannot be together.

The rows stand in the order of the form, which is also the order of the violations. The rules are those of the
guide ("Ingesting AWS CloudTrail Logs Into Databricks") and of the services as they are today. What follows
from the params, paths and names, is checked where it is derived: see `request`.
"""

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param

from cloudtrail_to_delta.kinds import CHOICES as JOB_CHOICES
from cloudtrail_to_delta.kinds import KINDS, Kind
from cloudtrail_to_delta.params.declaration import ChoiceRule, Declaration, form_of, in_section
from cloudtrail_to_delta.params.locations import ACCOUNT, ANY, BUCKET, ORGANIZATION, SEGMENT
from cloudtrail_to_delta.params.values import (
    arn,
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

# More than a table has; a number of any size is not for every service, nor for arithmetic of times.
MOST_ROWS = 10**12

_BUCKET = matches(BUCKET, "the name of an S3 bucket, without s3://")
_PREFIX = matches(
    rf"(?!(.*/)?AWSLogs(/|$)){SEGMENT.pattern}(/{SEGMENT.pattern})*",
    "what precedes /AWSLogs/ in the keys, without a slash at its ends, or nothing",
)
_ORGANIZATION = matches(ORGANIZATION, "an organization id like o-a1b2c3d4e5, or nothing")
_ACCOUNT = matches(rf"\*|{ACCOUNT.pattern}", "12 digits (in quotes where it is YAML), or '*' for all")
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
# An id is in the URL of its object's page.
CLUSTER_ID = identifier("a cluster's id (not its name)")
_POLICY_ID = identifier("a cluster policy's id (not its name)")
WAREHOUSE_ID = identifier("a SQL warehouse's id (not its name)")
NODE_TYPE = identifier("a node type like m6id.large", ".")
RUNTIME = identifier("a runtime like 17.3.x-scala2.13", ".:")
# Spark counts bytes in 64 bits.
_SIZE = matches(
    r"[1-9][0-9]{0,5}[kmgtKMGT][bB]?|[1-9][0-9]{0,15}[bB]?",
    "a size like 512m or 1g, of at most 6 digits before the unit, or 16 digits of bytes",
)

_LOGS = {
    "kinds": Declaration(
        each(one_of(*KINDS)),
        [kind.name for kind in KINDS.values() if kind.asked_for],
        title="Kinds",
        help="; ".join(f"*{kind.name}*: {kind.summary}" for kind in KINDS.values())
        + ". A bucket without a prefix of a kind other than events is no error: the kind is skipped.",
    ),
    "bucket": Declaration(
        _BUCKET,
        title="Log bucket",
        help="The S3 bucket that the trail delivers to, without *s3://*.",
        example="cloudtrail-logs",
    ),
    "prefix": Declaration(
        or_empty(_PREFIX),
        "",
        title="Prefix",
        help="The trail's key prefix, before *AWSLogs/*; empty for none.",
    ),
    "organization": Declaration(
        or_empty(_ORGANIZATION),
        "",
        title="Organization",
        help="For an organization trail, its id (*o-…*), which stands after *AWSLogs/*; empty for none.",
    ),
    "account": Declaration(
        _ACCOUNT,
        title="Account",
        help="12 digits, or * for every account in the bucket.",
        example=ANY,
    ),
    "regions": Declaration(
        each(region, alone=ANY),
        [ANY],
        title="Regions of the logs",
        help="One region a line, or * for all. A checkpoint belongs to its logs path: another choice needs "
        "another checkpoint and table.",
    ),
    "region": Declaration(
        region,
        title="Region of the bucket",
        help="Where the bucket is; used for S3, IAM and Auto Loader's queues.",
        example="us-east-1",
    ),
    "from": Declaration(
        or_empty(day),
        "",
        title="From (delivery day)",
        help="The first delivery day (UTC) to ingest: earlier days are not even listed. Empty for all there "
        "is. To widen it later is safe, what was left out is then added.",
    ),
    "until": Declaration(
        or_empty(day),
        "",
        title="Until (delivery day)",
        help="The last delivery day (UTC) to ingest; empty for no end.",
    ),
}


def _table(kind: Kind) -> Declaration:
    more = (
        "*table*, *schema.table* or *catalog.schema.table*, lower case. Beside it, named after it: its "
        "quarantine (*_quarantine*) and its views (*_files*, *_schema_drift*, for insights also *_episodes*)."
    )
    return Declaration(
        table,
        f"cloudtrail_{kind.name}",
        title=f"{kind.title} table",
        help=more if kind.name == "events" else "",
    )


_TABLES = {
    "target_root": Declaration(
        storage_root,
        title="Delta root",
        help="Each table gets a folder of its name below it.",
        example="s3://cloudtrail-lake/delta",
    ),
    "checkpoint_root": Declaration(
        storage_root,
        title="Checkpoint root",
        help="Each table's stream keeps its checkpoint below it. Never below the Delta root.",
        example="s3://cloudtrail-lake/checkpoints",
    ),
    "code_root": Declaration(
        or_empty(code_root),
        "",
        title="Code root",
        help="Where the job wheel goes; empty for *code* beside the checkpoint root.",
    ),
    **{f"{kind.name}_table": _table(kind) for kind in KINDS.values()},
    "duplicates": Declaration(
        one_of(*JOB_CHOICES["duplicates"]),
        "keep",
        title="Duplicates",
        help="CloudTrail delivers some events twice, and two trails into one bucket deliver all of them "
        "twice. *keep*: as often as delivered. *remove*: each record once, also across runs; the others are "
        "counted, and named in the quarantine as *duplicate*. It costs reading the ids of the days concerned "
        "in the table.",
    ),
}

_COMPUTE = {
    "compute": Declaration(
        one_of("existing_cluster", "new_cluster", "serverless"),
        "existing_cluster",
        title="Compute",
        help="*existing_cluster*: the one below. *new_cluster*: one that ends with the run, under a cluster "
        "policy where you name one. *serverless*: no instance profile, needs a Unity Catalog volume as the "
        "code root.",
    ),
    "cluster_id": Declaration(
        or_empty(CLUSTER_ID),
        "",
        title="Cluster id",
        help="For *existing_cluster*: the cluster's id (not its name).",
        example="sandbox-cluster",
    ),
    "policy_id": Declaration(
        or_empty(_POLICY_ID),
        "",
        title="Cluster policy id",
        help="For *new_cluster*: a cluster policy's id (not its name). The access mode, and what is empty "
        "below, come from it.",
    ),
    "spark_version": Declaration(
        or_empty(RUNTIME),
        "",
        title="Runtime",
        help="For *new_cluster*: a Databricks runtime of at least 17.3 LTS.",
        example="17.3.x-scala2.13",
    ),
    "node_type_id": Declaration(
        or_empty(NODE_TYPE), "", title="Node type of a new cluster", example="m6id.large"
    ),
    "num_workers": Declaration(
        number(0, 100),
        0,
        title="Workers",
        help="For *new_cluster*: 0 is a single node, enough for most accounts.",
    ),
    "instance_profile_arn": Declaration(
        or_empty(_INSTANCE_PROFILE),
        "",
        title="Instance profile",
        help="For *new_cluster*: the instance profile with the reader role.",
    ),
    "warehouse_id": Declaration(WAREHOUSE_ID, title="SQL warehouse id", example="sandbox-warehouse"),
    "max_concurrent_runs": Declaration(
        # Source: Databricks, resource limits: tasks that run at once in a workspace.
        number(0, 2000),
        10,
        title="Concurrent runs",
        help="While this many ingest runs, of whatever account, are active in the workspace, *submit* "
        "waits, without a worker slot. 0: no bound.",
    ),
    "share_run": Declaration(
        yes_or_no,
        False,
        title="One run for all kinds",
        help="One Databricks run, with one start of its compute, ingests one kind after the other. A kind "
        "that fails fails the run for all of them, though the others were ingested.",
    ),
    "databricks_conn_id": Declaration(
        connection_id("databricks"), "databricks_default", title="Databricks connection"
    ),
}

_CHECKS = {
    "preflight_only": Declaration(
        yes_or_no,
        False,
        title="Preflight only",
        help="Make every check, show what was found, and stop before anything is written or submitted.",
    ),
    "reader_role_arn": Declaration(
        or_empty(_ROLE),
        "",
        title="Reader role",
        help="The role that the cluster reads the logs and writes the tables with; preflight simulates its "
        "permissions.",
        example="arn:aws:iam::123456789012:role/cloudtrail-reader",
    ),
    "deployment_role_arn": Declaration(
        or_empty(_ROLE),
        "",
        title="Databricks deployment role",
        help="The role that Databricks starts clusters with (the workspace's credential configuration). "
        "When it is given, preflight simulates that it may pass the reader role to them.",
    ),
    "iam_simulation": Declaration(
        one_of("require", "warn", "off"),
        "require",
        title="IAM simulation",
        help="*require*: a denied or unanswered simulation fails. *warn*: one that cannot be asked is a "
        "warning. *off*: not asked.",
    ),
    "minimum_rows": Declaration(
        number(0, MOST_ROWS),
        1,
        title="Minimum rows",
        help="The events table must hold at least this many rows afterwards; 0: no minimum.",
    ),
    "alert_topic_arn": Declaration(
        or_empty(topic),
        "",
        title="Alert topic",
        help="SNS topic that alerts go to; empty for none.",
    ),
    "alert_conn_ids": Declaration(
        each(connection_id("apprise"), least=0),
        [],
        title="Alert connections",
        help="Ids of Airflow connections of type *Apprise* (Slack, Teams, PagerDuty, e-mail, …), one a line. "
        "Never a URL: tokens belong in the connection.",
    ),
    "alert_events": Declaration(
        each(one_of(*EVENT_NAMES), least=0),
        list(DEFAULT_EVENTS),
        title="Alert events",
        help="; ".join(f"*{name}*: {EVENTS[name].summary}" for name in EVENT_NAMES)
        + ". One message per cause, then a reminder a day.",
    ),
    "alert_quarantined_above": Declaration(
        number(0, MOST_ROWS),
        0,
        title="Quarantine threshold",
        help="Alert when a run quarantines more records and files than this, duplicates not counted.",
    ),
    "alert_silent_hours": Declaration(
        number(0, 240),
        24,
        title="Longest silence (hours)",
        help="Alert when the newest log file of events was delivered longer ago; 0: never.",
    ),
    "test_alert": Declaration(
        yes_or_no,
        False,
        title="Test alert",
        help="Send one message to every target, then stop: nothing is looked at, written or submitted.",
    ),
    "aws_conn_id": Declaration(connection_id("aws"), "aws_default", title="AWS connection"),
    "delta_log_timeout_minutes": Declaration(
        number(1, 10_080),
        30,
        title="Wait for the first commit (minutes)",
        help="Cluster start included. After it the run is cancelled and the task fails.",
    ),
    "run_timeout_minutes": Declaration(
        number(1, 43_200),
        720,
        title="Longest run (minutes)",
        help="Databricks ends a longer run; the next one goes on where it stopped.",
    ),
}

_STREAM = {
    "discovery": Declaration(
        one_of(*JOB_CHOICES["discovery"]),
        "listing",
        title="Discovery",
        help="How Auto Loader finds new files. *file_events* needs a Unity Catalog external location with "
        "file events; *notifications* needs dedicated compute and the SNS/SQS policy.",
    ),
    "trigger": Declaration(
        one_of(*JOB_CHOICES["trigger"]),
        "available_now",
        title="Trigger",
        help="*available_now*: ingest what is there, then end. *continuous*: run, and cost, until it is "
        "cancelled, as the guide's stream did.",
    ),
    "max_files_per_trigger": Declaration(
        number(1, 1_000_000),
        1000,
        title="Files per micro-batch",
        help="On Databricks; open-source Spark bounds a micro-batch by bytes only.",
    ),
    "max_bytes_per_trigger": Declaration(
        _SIZE,
        "1g",
        title="Bytes per micro-batch",
        help="Compressed bytes, such as *512m* or *1g*.",
    ),
}


def _paths(kind: Kind) -> dict[str, Declaration]:
    """The guide's three paths of a kind."""
    logs = f"Logs path, s3://bucket/AWSLogs/account/{kind.folder}/region/*; empty to derive it."
    return {
        f"{kind.name}_{name}": Declaration(or_empty(check), "", title=f"{kind.title}: {title}", help=text)
        for name, check, title, text in (
            ("logs_path", logs_path, "logs path", logs),
            ("delta_path", data_path, "Delta path", "Delta output path; empty to derive it."),
            ("checkpoint_path", data_path, "checkpoint path", "Checkpoint path; empty to derive it."),
        )
    }


PARAMS: dict[str, Declaration] = {
    **in_section("1. CloudTrail logs", _LOGS),
    **in_section("2. Tables", _TABLES),
    **in_section("3. Databricks compute", _COMPUTE),
    **in_section("4. Checks and alerts", _CHECKS),
    **in_section("5. Stream", _STREAM),
    **in_section(
        "6. Paths, when the derived ones do not fit",
        {name: row for kind in KINDS.values() for name, row in _paths(kind).items()},
    ),
}


def ingest_params() -> dict[str, Param]:
    """The trigger form of the ingest."""
    return form_of(PARAMS)


CHOICES = (
    ChoiceRule(
        ("compute", "cluster_id"),
        lambda compute, cluster_id: compute == "existing_cluster" and not cluster_id,
        "give the id of the cluster, or choose another compute.",
    ),
    ChoiceRule(
        ("compute", "node_type_id", "policy_id"),
        lambda compute, *given: compute == "new_cluster" and not any(given),
        "a new cluster needs a node type, or a cluster policy that gives it one.",
    ),
    ChoiceRule(
        ("compute", "spark_version", "policy_id"),
        lambda compute, *given: compute == "new_cluster" and not any(given),
        "a new cluster needs a Databricks runtime, 17.3 LTS or newer, or a cluster policy that gives it one.",
    ),
    ChoiceRule(
        ("compute", "policy_id"),
        lambda compute, policy_id: compute != "new_cluster" and policy_id,
        "a cluster policy is for a cluster that the run makes: choose new_cluster, or leave it empty.",
    ),
    # Source: Databricks, "Serverless compute limitations".
    ChoiceRule(
        ("compute", "trigger"),
        lambda compute, trigger: compute == "serverless" and trigger == "continuous",
        "serverless compute ends a stream only with available_now; choose that, or a cluster.",
    ),
    ChoiceRule(
        ("compute", "instance_profile_arn"),
        lambda compute, profile: compute == "serverless" and profile,
        "serverless compute takes no instance profile; leave it empty, or choose new_cluster.",
    ),
    ChoiceRule(
        ("compute", "code_root"),
        lambda compute, root: compute == "serverless" and not root.startswith("/Volumes/"),
        "serverless compute installs wheels from Unity Catalog: give /Volumes/catalog/schema/volume.",
    ),
    ChoiceRule(
        ("share_run", "trigger"),
        lambda shared, trigger: shared and trigger == "continuous",
        "a continuous stream never ends, so the kinds after the first would never be read; choose "
        "available_now, or a run for each kind.",
    ),
    # Source: Databricks, "Configure Auto Loader streams in file notification mode".
    ChoiceRule(
        ("compute", "discovery"),
        lambda compute, discovery: compute == "serverless" and discovery == "notifications",
        "notifications need dedicated compute; choose listing or file_events, or a cluster.",
    ),
    ChoiceRule(
        ("from", "until"),
        lambda first, last: first and last and first > last,
        "the first day is after the last one.",
    ),
    ChoiceRule(
        ("iam_simulation", "reader_role_arn"),
        lambda simulation, role: simulation != "off" and not role,
        "give the role that Databricks reads with, or turn iam_simulation off.",
    ),
    ChoiceRule(
        ("test_alert", "alert_topic_arn", "alert_conn_ids"),
        lambda test, topic, connections: test and not topic and not connections,
        "there is no target to test: give a topic or a connection.",
    ),
)


def check_partition(values: Mapping[str, Any]) -> list[str]:
    """Nothing crosses partitions: buckets, roles and topics are all where `region` is."""
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
        "give both of one partition."
        for name, other in places.items()
        if other != partition
    ]
