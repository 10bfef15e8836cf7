"""The sandbox's accounts as the product sets them up: its DAG makes log bucket, reader role and trails.

A person approves the plan in production; here the same call of Airflow's REST API does.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.airflow_client import AirflowClient, Run
from sandbox.aws.seed import ACCOUNT
from sandbox.errors import SandboxError
from sandbox.sample_logs.spec import ACCOUNTS

DAG = "cloudtrail_setup"
APPROVAL, APPROVE = "approve", "Approve"
RUN_SECONDS = 300
# The role that the connection assumes in each account; the sandbox's STS lets it.
ROLE = "CloudTrailSetup"
BUCKET, READER = "organization-logs", "organization-reader"


def params() -> dict[str, Any]:
    """A trail for each account of the sample logs; bucket and reader are in the sandbox's own account.

    The names are none of those that the sandbox is seeded with: everything is made.
    """
    return {
        "name": "organization",
        "accounts": dict.fromkeys((ACCOUNT, *ACCOUNTS), "aws_default"),
        "assume_role": ROLE,
        "trail_accounts": list(ACCOUNTS),
        "bucket": BUCKET,
        "reader_role": READER,
        "databricks_compute": "none",
    }


def run(
    airflow: AirflowClient,
    changed: Mapping[str, Any] | None = None,
    *,
    on_change: Callable[[dict[str, Any]], None] | None = None,
) -> Run:
    """Set up, approving the plan as soon as it is asked for, and return the run when it has succeeded.

    Raises:
        SandboxError: when the run failed.
    """
    airflow.wait_for_dag(DAG)
    run = airflow.trigger(DAG, params() | dict(changed or {}))
    # Where there is nothing to do, nobody is asked.
    if airflow.wait_for_task(run, APPROVAL, "awaiting_input", "success") == "awaiting_input":
        airflow.respond(run, APPROVAL, APPROVE)
    if airflow.wait(run, timeout_seconds=RUN_SECONDS, on_change=on_change) != "success":
        failed = [task for task in airflow.task_instances(run) if task["state"] == "failed"]
        logs = [airflow.task_log(run, task["task_id"], task["try_number"])[-3000:] for task in failed]
        raise SandboxError("the set-up failed:\n" + "\n".join(logs))
    return run
