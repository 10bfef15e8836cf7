"""The sandbox's accounts as the product sets them up: its DAG makes log bucket, reader role and trails.

A person approves the plan in production; here the same call of Airflow's REST API does.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.airflow_client import AirflowClient, Run
from sandbox.aws.seed import ACCOUNT, REGION
from sandbox.errors import SandboxError
from sandbox.sample_logs.spec import ACCOUNTS

DAG = "cloudtrail_setup"
APPROVAL, APPROVE = "approve", "Approve"
# When this task has succeeded the trails record.
TRAILS = "apply.trail"
RUN_SECONDS = 300
# How long the sandbox's person reads the plan: longer than it takes the worker's supervisor to see that its
# task waits (`[workers] min_heartbeat_interval`, five seconds), and the scheduler after it. See `answer`.
READING_SECONDS = 12
# The role that each account's connection assumes there; the sandbox's STS lets it.
ROLE = "CloudTrailSetup"
NAME, BUCKET, READER = "accounts", "accounts-logs", "accounts-reader"
ORGANIZATION = "o-a1b2c3d4e5"


def connect(airflow: AirflowClient, aws_url: str) -> None:
    """Add a connection for each account that has none: the management connection, assuming a role there."""
    for account in ACCOUNTS:
        airflow.add_connection(
            f"aws_{account}",
            "aws",
            # Airflow masks a password wherever it prints it: it must not be a word of names.
            login="sandbox",
            password="any-key-will-do",  # noqa: S106 - the sandbox takes every key
            endpoint_url=aws_url,
            region_name=REGION,
            role_arn=f"arn:aws:iam::{account}:role/{ROLE}",
            service_config={"sts": {"endpoint_url": aws_url}},
        )


def params() -> dict[str, Any]:
    """A trail for each account of the sample logs; bucket, reader and cluster are in the sandbox's own.

    The names are none of those that the sandbox is seeded with: everything is made.
    """
    return {
        "name": NAME,
        "accounts": {ACCOUNT: "aws_default"} | {account: f"aws_{account}" for account in ACCOUNTS},
        "bucket_account": ACCOUNT,
        "trail_accounts": list(ACCOUNTS),
        "insights": ["ApiCallRateInsight", "ApiErrorRateInsight"],
        "bucket": BUCKET,
        "reader_role": READER,
        "warehouse_id": "sandbox-warehouse",
    }


def organization_params() -> dict[str, Any]:
    """One trail of the organization, in its management account, for all of its accounts."""
    return params() | {
        "name": "organization",
        "accounts": {ACCOUNT: "aws_default"},
        "trail_accounts": [ACCOUNT],
        "organization": ORGANIZATION,
        "bucket": "organization-logs",
        "reader_role": "organization-reader",
    }


def shortened(question: Mapping[str, Any]) -> str:
    """What an approval asks, without its Markdown: what becomes of each resource."""
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
    """Set up, approving the plan when it is asked for, and return the run when it has succeeded.

    `on_question` is given what the approval asks (`subject`, `body`), once, before it is answered; for
    `on_change` see `AirflowClient.wait`.

    Raises:
        SandboxError: when the run failed.
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
    """Answer the approval as often as it asks; where there is nothing to do, nobody is asked.

    No person answers within five seconds of the question: Airflow's scheduler, which may not have heard by
    then that the worker has ended, would take the task for one that was lost, and its retry would ask again.
    """
    while airflow.wait_for_task(run, APPROVAL, "awaiting_input", "success", "failed") == "awaiting_input":
        if on_question:
            on_question(airflow.question(run, APPROVAL))
            on_question = None
        time.sleep(READING_SECONDS)
        airflow.respond(run, APPROVAL, choice)
        airflow.wait_for_task(run, APPROVAL, "success", "failed", "up_for_retry")
