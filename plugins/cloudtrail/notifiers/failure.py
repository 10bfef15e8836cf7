"""The alert on a failed task: which account, which task, why, the Databricks run, what to do."""

from typing import Any

from airflow.providers.amazon.aws.notifications.sns import SnsNotifier
from airflow.sdk import Context

from cloudtrail.guidance import guidance_for

# SNS refuses a subject above 100 characters; a reason may quote a long driver error.
SUBJECT_LIMIT = 100
REASON_LIMIT = 2000


class FailureNotifier(SnsNotifier):
    """Publishes a failed task to the SNS topic in param `alert_topic_arn`; does nothing without a topic.

    Airflow calls it after the last retry. A topic that cannot be reached is an error in the task's log and
    changes nothing about the task.
    """

    template_fields = ()

    def __init__(self) -> None:
        super().__init__(target_arn="", message="")

    def notify(self, context: Context) -> None:
        """Compose the message and publish it."""
        params: dict[str, Any] = dict(context.get("params") or {})
        topic = params.get("alert_topic_arn")
        if not topic:
            self.log.info("No alert is sent: param alert_topic_arn names no topic")
            return
        self.aws_conn_id = params["aws_conn_id"]
        self.region_name = topic.split(":")[3]
        self.target_arn = topic
        self.subject = compose_subject(context, params)
        self.message = compose_message(context, params)
        super().notify(context)


def compose_subject(context: Context, params: dict[str, Any]) -> str:
    """One line, within SNS's limit."""
    ti = context["ti"]
    return f"CloudTrail ingest: {ti.task_id} failed for {account_name(params)}"[:SUBJECT_LIMIT]


def compose_message(context: Context, params: dict[str, Any]) -> str:
    """The alert's text."""
    ti = context["ti"]
    reason = str(context.get("exception") or "Airflow gave no reason; see the task's log")
    return "\n".join(
        [
            f"Account:     {account_name(params)}",
            f"Task:        {ti.dag_id}.{ti.task_id} (DAG run {ti.run_id}, try {ti.try_number})",
            f"Why:         {reason[:REASON_LIMIT]}",
            f"Databricks:  {run_page(context) or 'no run was submitted'}",
            f"What to do:  {guidance_for(ti.task_id)}",
            f"Task log:    {getattr(ti, 'log_url', None) or 'see the Airflow UI'}",
        ]
    )


def account_name(params: dict[str, Any]) -> str:
    """The account (or organization) and bucket that the DAG run was about."""
    who = params.get("organization") or params.get("account")
    return f"{'every account' if who in ('*', None, '') else who} in bucket {params.get('bucket')!r}"


def run_page(context: Context) -> str | None:
    """The Databricks run page that this kind's `submit` recorded."""
    ti = context["ti"]
    group, _, _ = ti.task_id.rpartition(".")
    if not group:
        return None
    page: str | None = ti.xcom_pull(task_ids=f"{group}.submit", key="run_page_url")
    return page
