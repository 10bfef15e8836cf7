"""# CloudTrail digest

Sends a daily summary for a security team: use of root, console sign-ins without MFA, denied calls by
principal, regions that an account had not used before, and insights that began. It runs one SQL statement on
each table that the ingest has written since the day began. It finds the tables by the asset events under the
alias `cloudtrail_tables`, so it includes new accounts automatically.

This DAG is an example of what you can build on the assets. It is paused by default, because it starts the SQL
warehouse once a day. When you unpause it, it creates the last digest that was due. The digest is the task's
return value, as Markdown, and is sent to the alert targets.

| task | does | when it fails |
|---|---|---|
{rows}
"""

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable

from cloudtrail_to_delta import dag_ids
from cloudtrail_to_delta.dags.one_run import ONE_RUN_AT_A_TIME
from cloudtrail_to_delta.guidance import DIGEST, with_rows
from cloudtrail_to_delta.notifiers.failure import FailureNotifier
from cloudtrail_to_delta.notifiers.recovery import RecoveryNotifier
from cloudtrail_to_delta.operators.digest import DigestOperator
from cloudtrail_to_delta.params.digest import digest_params


def build_dag() -> DAG:
    """Return the digest's DAG."""
    with DAG(
        dag_ids.DIGEST,
        dag_display_name="CloudTrail digest",
        description=(
            "The previous day: root use, sign-ins without MFA, denied calls, new regions and insights"
        ),
        doc_md=with_rows(str(__doc__), DIGEST),
        # This is late enough for the day's last log files (CloudTrail delivers within minutes) and an
        # hourly ingest.
        schedule=CronTriggerTimetable("0 3 * * *", timezone="UTC"),
        is_paused_upon_creation=True,
        **ONE_RUN_AT_A_TIME,
        params=digest_params(),
        default_args={
            "owner": "cloudtrail",
            "retries": 2,
            "retry_delay": timedelta(seconds=30),
            "on_failure_callback": FailureNotifier(),
            # A day without a table to query also ends an earlier failure.
            "on_success_callback": RecoveryNotifier(),
            "on_skipped_callback": RecoveryNotifier(),
        },
        tags=["cloudtrail", "databricks"],
    ) as dag:
        DigestOperator(task_id="digest", doc_md=DIGEST["digest"].doc_md)
    return dag
