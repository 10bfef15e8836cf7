"""Section 4: what is checked, who is told, and how long anything may take."""

from airflow.sdk import Param

from cloudtrail_to_delta.alerts.events import CHOICES, DEFAULT_EVENTS, EVENTS
from cloudtrail_to_delta.contract import PARAMS
from cloudtrail_to_delta.form.declared import declared
from cloudtrail_to_delta.form.optional import optional

SECTION = "4. Checks and alerts"


def fields() -> dict[str, Param]:
    """The section's fields."""
    return {
        "preflight_only": Param(
            False,
            type="boolean",
            section=SECTION,
            title="Preflight only",
            description_md="Make every check, show what was found, and stop before anything is written or "
            "submitted.",
        ),
        "reader_role_arn": Param(
            "arn:aws:iam::123456789012:role/cloudtrail-reader",
            type=["null", "string"],
            section=SECTION,
            title="Reader role",
            description_md="The role that the cluster reads the logs and writes the tables with; preflight "
            "simulates its permissions.",
        ),
        "deployment_role_arn": optional(
            SECTION,
            "The role that Databricks starts clusters with (the workspace's credential configuration). When "
            "it is given, preflight simulates that it may pass the reader role to them.",
            title="Databricks deployment role",
        ),
        "iam_simulation": Param(
            "require",
            **declared(PARAMS["iam_simulation"]),
            section=SECTION,
            title="IAM simulation",
            description_md="*require*: a denied or unanswered simulation fails. *warn*: one that cannot be "
            "asked is a warning. *off*: not asked.",
        ),
        "minimum_rows": Param(
            1,
            **declared(PARAMS["minimum_rows"]),
            section=SECTION,
            title="Minimum rows",
            description_md="The events table must hold at least this many rows afterwards; 0: no minimum.",
        ),
        "alert_topic_arn": optional(
            SECTION,
            "SNS topic that alerts go to; empty for none.",
            title="Alert topic",
        ),
        **_alert_fields(),
        "aws_conn_id": Param("aws_default", type="string", section=SECTION, title="AWS connection"),
        "delta_log_timeout_minutes": Param(
            30,
            **declared(PARAMS["delta_log_timeout_minutes"]),
            section=SECTION,
            title="Wait for the first commit (minutes)",
            description_md="Cluster start included. After it the run is cancelled and the task fails.",
        ),
        "run_timeout_minutes": Param(
            720,
            **declared(PARAMS["run_timeout_minutes"]),
            section=SECTION,
            title="Longest run (minutes)",
            description_md="Databricks ends a longer run; the next one goes on where it stopped.",
        ),
    }


def _alert_fields() -> dict[str, Param]:
    """Who else is told, and of what."""
    return {
        "alert_conn_ids": Param(
            [],
            type=["null", "array"],
            items={"type": "string"},
            section=SECTION,
            title="Alert connections",
            description_md="Ids of Airflow connections of type *Apprise* (Slack, Teams, PagerDuty, e-mail, "
            "…), one a line. Never a URL: tokens belong in the connection.",
        ),
        "alert_events": Param(
            list(DEFAULT_EVENTS),
            type=["null", "array"],
            items={"type": "string"},
            examples=list(CHOICES),
            section=SECTION,
            title="Alert events",
            description_md="; ".join(f"*{name}*: {EVENTS[name].summary}" for name in CHOICES)
            + ". One message per cause, then a reminder a day.",
        ),
        "alert_quarantined_above": Param(
            0,
            **declared(PARAMS["alert_quarantined_above"]),
            section=SECTION,
            title="Quarantine threshold",
            description_md="Alert when a run quarantines more records and files than this, duplicates not "
            "counted.",
        ),
        "alert_silent_hours": Param(
            24,
            **declared(PARAMS["alert_silent_hours"]),
            section=SECTION,
            title="Longest silence (hours)",
            description_md="Alert when the newest log file of events was delivered longer ago; 0: never.",
        ),
        "test_alert": Param(
            False,
            type="boolean",
            section=SECTION,
            title="Test alert",
            description_md="Send one message to every target, then stop: nothing is looked at, written or "
            "submitted.",
        ),
    }
