"""# CloudTrail digest

Once a day, what a security team wants to have read: where root was used, console sign-ins without MFA, denied
calls by principal, regions that an account had not used, insights that began. It asks one SQL statement of
each table that the ingest has written since the day began: the tables come from the asset events under the
alias `cloudtrail_tables`, so a new account is in it by itself.

It is an example of what can be built on the assets, and paused until somebody wants it: it starts the SQL
warehouse once a day. The last digest that was due is made as soon as it is unpaused. The digest is the task's
return value, as Markdown, and goes to the alert targets.

| task | does | when it fails |
|---|---|---|
{rows}
"""

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable

from cloudtrail_to_delta import dag_ids
from cloudtrail_to_delta.guidance import DIGEST, with_rows
from cloudtrail_to_delta.notifiers.failure import FailureNotifier
from cloudtrail_to_delta.notifiers.recovery import RecoveryNotifier
from cloudtrail_to_delta.operators.digest import DigestOperator
from cloudtrail_to_delta.params.digest import digest_params


def build_dag() -> DAG:
    """The digest as a DAG."""
    with DAG(
        dag_ids.DIGEST,
        dag_display_name="CloudTrail digest",
        description=(
            "The day before in root use, sign-ins without MFA, denied calls, new regions and insights"
        ),
        doc_md=with_rows(str(__doc__), DIGEST),
        # Late enough for the last log files of the day (CloudTrail delivers within minutes) and an hourly
        # ingest.
        schedule=CronTriggerTimetable("0 3 * * *", timezone="UTC"),
        catchup=False,
        is_paused_upon_creation=True,
        max_active_runs=1,
        params=digest_params(),
        default_args={
            "owner": "cloudtrail",
            "retries": 2,
            "retry_delay": timedelta(seconds=30),
            "on_failure_callback": FailureNotifier(),
            # A day without a table to ask is no failure either.
            "on_success_callback": RecoveryNotifier(),
            "on_skipped_callback": RecoveryNotifier(),
        },
        tags=["cloudtrail", "databricks"],
    ) as dag:
        DigestOperator(task_id="digest", doc_md=DIGEST["digest"].when_it_fails)
    return dag
