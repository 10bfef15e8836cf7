"""The trigger form: every param of the ingest DAG, with its section, help and the schema the UI checks.

The schema catches a slip while typing; the contract (`cloudtrail.request`) decides. Optional values are
nullable: Airflow's form sends null for an empty field.
"""

from typing import Any

from airflow.sdk import Param

LOGS = "1. CloudTrail logs"
TARGET = "2. Tables"
COMPUTE = "3. Databricks compute"
CHECKS = "4. Checks and alerts"
STREAM = "5. Stream"
OVERRIDES = "6. Paths, when the derived ones do not fit"

S3_PATH = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s]+)?/?$"
TABLE_NAME = r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){0,2}$"


def _optional(section: str, description: str, **schema: Any) -> Param:
    return Param(None, type=["null", "string"], section=section, description_md=description, **schema)


def ingest_params() -> dict[str, Param]:
    """The form's fields in the order in which they are shown."""
    return {**_logs(), **_target(), **_compute(), **_checks(), **_stream(), **_overrides()}


def _logs() -> dict[str, Param]:
    return {
        "kinds": Param(
            ["events", "insights"],
            type="array",
            items={"type": "string", "enum": ["events", "insights"]},
            examples=["events", "insights"],
            minItems=1,
            uniqueItems=True,
            section=LOGS,
            title="Kinds",
            description_md="`events` are the API calls; `insights` are unusual call or error rates. A bucket "
            "without an Insights prefix is no error: insights are then skipped.",
        ),
        "bucket": Param(
            "cloudtrail-logs",
            type="string",
            pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
            section=LOGS,
            title="Log bucket",
            description_md="The S3 bucket that the trail delivers to, without `s3://`.",
        ),
        "prefix": _optional(
            LOGS, "The trail's key prefix, before `AWSLogs/`; empty for none.", title="Prefix"
        ),
        "organization": _optional(
            LOGS,
            "For an organization trail, its id (`o-…`), which stands after `AWSLogs/`; empty for none.",
            title="Organization",
            pattern=r"^o-[a-z0-9]{10,32}$",
        ),
        "account": Param(
            "*",
            type="string",
            pattern=r"^(\*|\d{12})$",
            section=LOGS,
            title="Account",
            description_md="12 digits, or `*` for every account in the bucket.",
        ),
        "regions": Param(
            ["*"],
            type="array",
            items={"type": "string", "pattern": r"^(\*|[a-z]{2,}(-[a-z]+)+-\d)$"},
            minItems=1,
            section=LOGS,
            title="Regions of the logs",
            description_md="One region a line, or `*` for all. A checkpoint belongs to its logs path: "
            "another choice needs another checkpoint and table.",
        ),
        "region": Param(
            "us-east-1",
            type="string",
            pattern=r"^[a-z]{2,}(-[a-z]+)+-\d$",
            section=LOGS,
            title="Region of the bucket",
            description_md="Where the bucket is; used for S3, IAM and Auto Loader's queues.",
        ),
    }


def _target() -> dict[str, Param]:
    return {
        "target_root": Param(
            "s3://cloudtrail-lake/delta",
            type="string",
            pattern=S3_PATH,
            section=TARGET,
            title="Delta root",
            description_md="Each table gets a folder of its name below it.",
        ),
        "checkpoint_root": Param(
            "s3://cloudtrail-lake/checkpoints",
            type="string",
            pattern=S3_PATH,
            section=TARGET,
            title="Checkpoint root",
            description_md="Each table's stream keeps its checkpoint below it. Never below the Delta root.",
        ),
        "code_root": _optional(
            TARGET,
            "Where the job wheel goes; empty for `code` beside the checkpoint root.",
            title="Code root",
        ),
        "events_table": Param(
            "cloudtrail_events",
            type="string",
            pattern=TABLE_NAME,
            section=TARGET,
            title="Events table",
            description_md="`table`, `schema.table` or `catalog.schema.table`, lower case. Its quarantine is "
            "`<table>_quarantine`.",
        ),
        "insights_table": Param(
            "cloudtrail_insights",
            type="string",
            pattern=TABLE_NAME,
            section=TARGET,
            title="Insights table",
        ),
    }


def _compute() -> dict[str, Param]:
    return {
        "compute": Param(
            "existing_cluster",
            type="string",
            enum=["existing_cluster", "new_cluster", "serverless"],
            section=COMPUTE,
            title="Compute",
            description_md="`existing_cluster`: the one below. `new_cluster`: one that ends with the run. "
            "`serverless`: no instance profile, needs a Unity Catalog volume as the code root.",
        ),
        "cluster_id": Param(
            "sandbox-cluster",
            type=["null", "string"],
            section=COMPUTE,
            title="Cluster id",
            description_md="For `existing_cluster`: the cluster's id (not its name).",
        ),
        "spark_version": Param(
            "17.3.x-scala2.13",
            type=["null", "string"],
            section=COMPUTE,
            title="Runtime",
            description_md="For `new_cluster`: a Databricks runtime of at least 17.3 LTS.",
        ),
        "node_type_id": Param(
            "m6id.large",
            type=["null", "string"],
            section=COMPUTE,
            title="Node type of a new cluster",
        ),
        "num_workers": Param(
            0,
            type="integer",
            minimum=0,
            maximum=100,
            section=COMPUTE,
            title="Workers",
            description_md="For `new_cluster`: 0 is a single node, enough for most accounts.",
        ),
        "instance_profile_arn": _optional(
            COMPUTE,
            "For `new_cluster`: the instance profile with the reader role.",
            title="Instance profile",
            pattern=r"^arn:aws[a-z-]*:iam::\d{12}:instance-profile/.+$",
        ),
        "warehouse_id": Param(
            "sandbox-warehouse",
            type="string",
            minLength=1,
            section=COMPUTE,
            title="SQL warehouse id",
        ),
        "databricks_conn_id": Param(
            "databricks_default", type="string", section=COMPUTE, title="Databricks connection"
        ),
    }


def _checks() -> dict[str, Param]:
    return {
        "reader_role_arn": Param(
            "arn:aws:iam::123456789012:role/cloudtrail-reader",
            type=["null", "string"],
            pattern=r"^arn:aws[a-z-]*:(iam|sts)::\d{12}:(role|instance-profile|assumed-role)/.+$",
            section=CHECKS,
            title="Reader role",
            description_md="The role that the cluster reads the logs and writes the tables with; preflight "
            "simulates its permissions.",
        ),
        "iam_simulation": Param(
            "require",
            type="string",
            enum=["require", "warn", "off"],
            section=CHECKS,
            title="IAM simulation",
            description_md="`require`: a denied or unanswered simulation fails. `warn`: one that cannot be "
            "asked is a warning. `off`: not asked.",
        ),
        "minimum_rows": Param(
            1,
            type="integer",
            minimum=0,
            section=CHECKS,
            title="Minimum rows",
            description_md="The events table must hold at least this many rows afterwards; 0: no minimum.",
        ),
        "alert_topic_arn": _optional(
            CHECKS,
            "SNS topic that hears of every failed task; empty for no alerts.",
            title="Alert topic",
            pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:.+$",
        ),
        "aws_conn_id": Param("aws_default", type="string", section=CHECKS, title="AWS connection"),
        "delta_log_timeout_minutes": Param(
            30,
            type="integer",
            minimum=1,
            section=CHECKS,
            title="Wait for the first commit (minutes)",
            description_md="Cluster start included. After it the run is cancelled and the task fails.",
        ),
        "run_timeout_minutes": Param(
            720,
            type="integer",
            minimum=5,
            section=CHECKS,
            title="Longest run (minutes)",
            description_md="Databricks ends a longer run; the next one goes on where it stopped.",
        ),
    }


def _stream() -> dict[str, Param]:
    return {
        "discovery": Param(
            "listing",
            type="string",
            enum=["listing", "file_events", "notifications"],
            section=STREAM,
            title="Discovery",
            description_md="How Auto Loader finds new files. `file_events` needs a Unity Catalog external "
            "location with file events; `notifications` needs dedicated compute and the SNS/SQS policy.",
        ),
        "trigger": Param(
            "available_now",
            type="string",
            enum=["available_now", "continuous"],
            section=STREAM,
            title="Trigger",
            description_md="`available_now`: ingest what is there, then end. `continuous`: run, "
            "and cost, until it is cancelled, as the guide's stream did.",
        ),
        "max_files_per_trigger": Param(
            1000,
            type="integer",
            minimum=1,
            section=STREAM,
            title="Files per micro-batch",
            description_md="On Databricks; open-source Spark bounds a micro-batch by bytes only.",
        ),
        "max_bytes_per_trigger": Param(
            "1g",
            type="string",
            pattern=r"^\d+[kmgKMG]?[bB]?$",
            section=STREAM,
            title="Bytes per micro-batch",
            description_md="Compressed bytes, such as `512m` or `1g`.",
        ),
    }


def _overrides() -> dict[str, Param]:
    words = {
        "logs_path": "Logs path, `s3://bucket/AWSLogs/account/{folder}/region/*`; empty to derive it.",
        "delta_path": "Delta output path; empty to derive it.",
        "checkpoint_path": "Checkpoint path; empty to derive it.",
    }
    folders = {"events": "CloudTrail", "insights": "CloudTrail-Insight"}
    return {
        f"{kind}_{field}": _optional(
            OVERRIDES,
            text.replace("{folder}", folder),
            title=f"{kind.capitalize()}: {field.replace('_', ' ').replace('delta', 'Delta')}",
        )
        for kind, folder in folders.items()
        for field, text in words.items()
    }
