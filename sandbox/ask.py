"""Queries to a running sandbox: SQL on its tables, and the alerts that it has sent."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sandbox import tables
from sandbox.aws.seed import ALERTS, client
from sandbox.errors import SandboxError
from sandbox.processes import Processes
from sandbox.settings import Sandbox, Secrets
from sandbox.warehouse import Warehouse

SHOWN_ROWS = 100
EXAMPLE = 'make sql Q="SELECT eventName, COUNT(*) AS calls FROM cloudtrail_events GROUP BY 1 ORDER BY 2 DESC"'
NOTHING_SENT = (
    "No alert has been sent to the topic yet. To send one, enter the ARN that `make up` prints in the form's "
    "field *Alert topic* and select *Test alert*."
)
# A queue returns at most ten messages a call, and each of them once a minute.
MOST_CALLS = 100


def sql(sandbox: Sandbox, statement: str) -> str:
    """Run one statement in the sandbox's warehouse and return its result as text.

    Raises:
        SandboxError: if the statement is empty or fails, or the sandbox does not run.
    """
    if not statement.strip():
        raise SandboxError(
            f'the SQL statement is missing. For example:\n  {EXAMPLE}\nAll tables: make sql Q="SHOW TABLES"'
        )
    warehouse = Warehouse(_address(sandbox, "databricks"), Secrets.of(sandbox).databricks_token)
    answer = warehouse.ask(statement, row_limit=SHOWN_ROWS)
    if not answer.columns:
        return "Done. The statement returns no rows."
    count = len(answer.rows)
    shown = "1 row" if count == 1 else f"{count} rows"
    note = f"the first {shown}; there are more" if answer.truncated else shown
    return f"{tables.render(answer.columns, answer.rows)}\n({note})"


def alerts(sandbox: Sandbox) -> str:
    """Return the messages in the alert topic's queue, oldest first; they stay in the queue.

    Raises:
        SandboxError: if the sandbox does not run.
    """
    address = _address(sandbox, "aws")
    try:
        found = _messages(client("sqs", address))
    except (BotoCoreError, ClientError) as error:
        raise SandboxError(
            f"the AWS stand-in at {address} does not answer: {error}. See `make logs`"
        ) from error
    found.sort(key=lambda one: int(one["Attributes"]["SentTimestamp"]))
    return "\n\n".join(one["Body"] for one in found) or NOTHING_SENT


def _messages(queue: Any) -> list[Any]:
    url = queue.get_queue_url(QueueName=ALERTS)["QueueUrl"]
    found: list[Any] = []
    for _ in range(MOST_CALLS):
        some = queue.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60, AttributeNames=["SentTimestamp"]
        ).get("Messages", [])
        found += some
        if not some:
            break
    for one in found:
        # Make them visible to the next reader.
        queue.change_message_visibility(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"], VisibilityTimeout=0)
    return found


def _address(sandbox: Sandbox, service: str) -> str:
    for record in Processes(sandbox.state).running():
        if record.name == service:
            return record.url
    raise SandboxError(
        f"no sandbox is running in {sandbox.state}: start one with `make up`. Its first ingest creates the "
        "tables"
    )
