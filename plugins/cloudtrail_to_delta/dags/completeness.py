"""# CloudTrail completeness

Compares what S3 lists with what the tables hold, by account, region and delivery day: the recent days in
every run, older days in turn. It finds log files that are missing, that were overwritten or archived, and
names that Spark passes over. It only reads, starts no cluster, and needs LIST requests for the log bucket and
the Delta logs of the tables.

If the ingest reads digests (`kinds`), it also asks their views, on the SQL warehouse, which log files and
hours CloudTrail's signatures prove. Without digests it starts no warehouse, and the report says that
signatures prove nothing.

If the ingest is a continuous stream (`trigger`), it also fails, and alerts, if the stream no longer runs.

It sends one alert for each new gap, and a recovery message when the gap is closed. The report is the return
value of `report_gaps`. Each table's asset event has the result, so that other DAGs can use it.

| task | does | when it fails |
|---|---|---|
{rows}

With `read_missing` it triggers one run of the ingest that reads the missing log files again.

You can retry or clear every task.
"""

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param

from cloudtrail_to_delta import dag_ids
from cloudtrail_to_delta.accounts import Account
from cloudtrail_to_delta.accounts.dags import entry_settings, with_values
from cloudtrail_to_delta.dags.one_run import ONE_RUN_AT_A_TIME
from cloudtrail_to_delta.guidance import COMPLETENESS, with_rows
from cloudtrail_to_delta.notifiers.failure import FailureNotifier
from cloudtrail_to_delta.operators.completeness import (
    TITLE,
    AskDigestsOperator,
    CompletenessReportOperator,
    ReconcileOperator,
    StreamCheckOperator,
)
from cloudtrail_to_delta.operators.read_again import ReadAgainOperator
from cloudtrail_to_delta.params.completeness import COMPLETENESS_PARAMS, completeness_params
from cloudtrail_to_delta.params.declaration import form_of

TAGS = ("cloudtrail", "delta")
# Every day, when the digest is done and few ingests run.
SCHEDULE = "30 4 * * *"


def dag_page() -> str:
    """Return the DAG's page: the text above, with what each task does and what to do when it fails."""
    return with_rows(str(__doc__), COMPLETENESS)


def dag_params(account: Account | None) -> dict[str, Param]:
    """Return the form; for an account with the values of its entry."""
    if account is None:
        return completeness_params()
    return with_values(form_of(COMPLETENESS_PARAMS, with_examples=False), account, refused=())


def build_dag(dag_id: str, account: Account | None = None) -> DAG:
    """Return the check's DAG, for the trigger form or, scheduled, for an entry of accounts.yaml."""
    with DAG(
        dag_id,
        description="Every log file that S3 lists is in the tables, or has a name and an alert",
        schedule=CronTriggerTimetable(SCHEDULE, timezone="UTC") if account else None,
        **ONE_RUN_AT_A_TIME,
        default_args={
            "owner": account.owner if account else "cloudtrail",
            "retries": 2,
            "retry_delay": timedelta(seconds=30),
            "on_failure_callback": FailureNotifier(),
        },
        **entry_settings(account, title=TITLE, tags=TAGS, page=dag_page, disabled_page=lambda _: dag_page()),
    ) as dag:
        # Nothing waits for it: an ended stream is a reason to compare the tables, too.
        StreamCheckOperator(task_id="check_stream", doc_md=COMPLETENESS["check_stream"].doc_md)
        reconciled = ReconcileOperator(task_id="reconcile", doc_md=COMPLETENESS["reconcile"].doc_md)
        asked = AskDigestsOperator(task_id="ask_digests", doc_md=COMPLETENESS["ask_digests"].doc_md)
        report = CompletenessReportOperator(
            task_id="report_gaps",
            found=reconciled.output,
            signed=asked.output,
            doc_md=COMPLETENESS["report_gaps"].doc_md,
        )
        report >> ReadAgainOperator(
            task_id="read_again",
            found=reconciled.output,
            trigger_dag_id=dag_ids.ingest_of(dag_id),
            shares_params=account is None,
            doc_md=COMPLETENESS["read_again"].doc_md,
        )
    # Set the params after the tasks: Airflow copies a DAG's params into every task that is created later.
    dag.params.update(dag_params(account))
    return dag
