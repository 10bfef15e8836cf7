"""The set-up of the sandbox's accounts by the product's DAG: log bucket, reader role and trails.

In production a person approves the plan. Here a call of Airflow's REST API does.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sandbox import permissions
from sandbox.airflow_client import AirflowClient, Run
from sandbox.aws.moto_organizations import CLOUDTRAIL, ORGANIZATION
from sandbox.aws.seed import ACCOUNT, LAKE_BUCKET, REGION, client
from sandbox.databricks.settings import SERVICE_PRINCIPAL
from sandbox.errors import SandboxError
from sandbox.sample_logs.spec import ACCOUNTS

DAG = "cloudtrail_setup"
APPROVAL, APPROVE, REJECT = "approve", "Approve", "Reject"
# The trails record once this task has succeeded.
TRAILS = "apply.trail"
RUN_SECONDS = 300
# The pause before the sandbox answers. It is longer than the worker's supervisor needs to notice that the
# task waits (`[workers] min_heartbeat_interval`, 5 seconds), and the scheduler after it. See `answer`.
READING_SECONDS = 12
NAME, BUCKET, READER = "accounts", "accounts-logs", "accounts-reader"
ADMIN = "databricks_admin"


def connect(airflow: AirflowClient, aws_url: str, databricks_url: str, admin_token: str) -> None:
    """Add a connection for each account, which assumes a role there, and that of the workspace's admin.

    As in production, an admin makes the set-up, and a service principal runs the ingest. The roles may do
    nothing until `permissions.allow_setup`.
    """
    organize(aws_url)
    airflow.add_connection(ADMIN, "databricks", url=databricks_url, password=admin_token)
    for account in (ACCOUNT, *ACCOUNTS):
        permissions.connect(airflow, aws_url, f"aws_{account}", permissions.SETUP_ROLE, account=account)


def organize(aws_url: str) -> None:
    """Make an organization of the sandbox's account, which CloudTrail may work in."""
    organizations = client("organizations", aws_url)
    with suppress(organizations.exceptions.AlreadyInOrganizationException):
        organizations.create_organization(FeatureSet="ALL")
    organizations.enable_aws_service_access(ServicePrincipal=CLOUDTRAIL)


def params() -> dict[str, Any]:
    """Return params for a trail in each account of the sample logs, and the rest in the sandbox's account.

    The names differ from those that the sandbox is seeded with, so the set-up creates everything.
    """
    return {
        "name": NAME,
        "accounts": {account: f"aws_{account}" for account in (ACCOUNT, *ACCOUNTS)},
        "bucket_account": ACCOUNT,
        "trail_accounts": list(ACCOUNTS),
        "insights": ["ApiCallRateInsight", "ApiErrorRateInsight"],
        "bucket": BUCKET,
        "region": REGION,
        "target_root": f"s3://{LAKE_BUCKET}/delta",
        "checkpoint_root": f"s3://{LAKE_BUCKET}/checkpoints",
        "reader_role": READER,
        "warehouse_id": "sandbox-warehouse",
        "databricks_conn_id": ADMIN,
        "ingest_principal": SERVICE_PRINCIPAL,
        "code_root": "/Volumes/main/default/code",
        # The sandbox's Spark has no Auto Loader.
        "discovery": "listing",
    }


def legacy_params() -> dict[str, Any]:
    """Return the params of the way of the original Databricks guide (2020), over those of `params`."""
    return {
        "reader": "instance_profile",
        "databricks_compute": "cluster",
        "discovery": "listing",
        "code_root": None,
        "events_table": "hive_metastore.default.cloudtrail_events",
        "insights_table": "hive_metastore.default.cloudtrail_insights",
    }


def organization_params() -> dict[str, Any]:
    """Return params for one trail of the organization, in its management account, for all its accounts."""
    own = {
        "name": "organization",
        "accounts": {ACCOUNT: f"aws_{ACCOUNT}"},
        "trail_accounts": [ACCOUNT],
        "organization": ORGANIZATION,
        "bucket": "organization-logs",
        "reader_role": "organization-reader",
    }
    return params() | own | legacy_params() | {"events_table": "hive_metastore.default.organization_events"}


def shortened(question: Mapping[str, Any]) -> str:
    """Return the question of an approval without its Markdown: its subject and one line for each resource."""
    body = str(question["body"]).splitlines()
    lines = [f"  {line.removeprefix('- ')}" for line in body if line.startswith("- ")]
    return "\n".join([str(question["subject"]), *lines])


def run(
    airflow: AirflowClient,
    changed: Mapping[str, Any] | None = None,
    *,
    on_question: Callable[[dict[str, Any]], None] | None = None,
    on_change: Callable[[dict[str, Any]], None] | None = None,
) -> Run:
    """Run the set-up, approve its plan, and return the run once it has succeeded.

    `on_question` receives the question of the approval (`subject`, `body`), once, before the answer. For
    `on_change` see `AirflowClient.wait`.

    Raises:
        SandboxError: if the run failed.
    """
    airflow.wait_for_dag(DAG)
    run = airflow.trigger(DAG, params() | dict(changed or {}))
    answer(airflow, run, APPROVE, on_question=on_question)
    if airflow.wait(run, timeout_seconds=RUN_SECONDS, on_change=on_change) != "success":
        failed = [task for task in airflow.task_instances(run) if task["state"] == "failed"]
        logs = [airflow.task_log(run, task["task_id"], task["try_number"])[-3000:] for task in failed]
        raise SandboxError("the set-up failed:\n" + "\n".join(logs))
    return run


def answer(
    airflow: AirflowClient,
    run: Run,
    choice: str,
    *,
    on_question: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Answer the approval as often as it asks. If there is nothing to do, it does not ask.

    `choice` is `APPROVE` or `REJECT`. The option that approves also names the plan that is shown.

    It waits before each answer: within 5 seconds of the question, Airflow's scheduler may not know yet that
    the worker has ended. It would then treat the task as lost, and the retry would ask again.
    """
    while airflow.wait_for_task(run, APPROVAL, "awaiting_input", "success", "failed") == "awaiting_input":
        question = airflow.question(run, APPROVAL)
        if on_question:
            on_question(question)
            on_question = None
        time.sleep(READING_SECONDS)
        option = next(one for one in question["options"] if one.startswith(choice))
        airflow.respond(run, APPROVAL, option)
        airflow.wait_for_task(run, APPROVAL, "success", "failed", "up_for_retry")
