"""SQL through the Databricks stand-in: `databricks-sdk` calls its SQL statements API, as a user's script."""

import logging
import os
import time
from dataclasses import dataclass

from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.service.sql import Disposition, Format, StatementState, StatementStatus

from sandbox.errors import SandboxError

WAREHOUSE_ID = "sandbox-warehouse"
# The stand-in has no discovery document. The SDK warns about that and uses the given host and token.
logging.getLogger("databricks.sdk").setLevel(logging.ERROR)
OPEN_STATES = (StatementState.PENDING, StatementState.RUNNING)

# A row: column → its value as text, or None for NULL.
Row = dict[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The result of a statement, with values as text in column order; `truncated` if rows are missing."""

    columns: list[str]
    rows: list[list[str | None]]
    truncated: bool


class Warehouse:
    """The SQL warehouse of a sandbox."""

    def __init__(self, url: str, token: str) -> None:
        # Neither a profile nor a file of the user may choose another workspace.
        config = Config(host=url, token=token, auth_type="pat", config_file=os.devnull)
        self._statements = WorkspaceClient(config=config).statement_execution

    def sql(self, statement: str, *, timeout_seconds: float = 120) -> list[Row]:
        """Run a statement and return its rows, for a result that fits into one chunk.

        Raises:
            SandboxError: as for `ask`.
        """
        answer = self.ask(statement, timeout_seconds=timeout_seconds)
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]

    def ask(self, statement: str, *, row_limit: int | None = None, timeout_seconds: float = 120) -> Answer:
        """Run a statement and return at most `row_limit` of its rows.

        Raises:
            SandboxError: if the statement fails, with the warehouse's message, or does not end in time.
        """
        deadline = time.monotonic() + timeout_seconds
        answer = self._statements.execute_statement(
            statement=statement,
            warehouse_id=WAREHOUSE_ID,
            wait_timeout="30s",
            disposition=Disposition.INLINE,
            format=Format.JSON_ARRAY,
            row_limit=row_limit,
        )
        while answer.status and answer.status.state in OPEN_STATES and time.monotonic() < deadline:
            time.sleep(0.5)
            answer = self._statements.get_statement(str(answer.statement_id))
        if answer.status is None or answer.status.state != StatementState.SUCCEEDED:
            raise SandboxError(_failure(statement, answer.status))
        schema = answer.manifest and answer.manifest.schema
        columns = [str(column.name) for column in (schema and schema.columns) or []]
        rows = (answer.result and answer.result.data_array) or []
        truncated = bool(answer.manifest and answer.manifest.truncated)
        return Answer(columns=columns, rows=[list(row) for row in rows], truncated=truncated)


def _failure(statement: str, status: StatementStatus | None) -> str:
    state = status.state.value if status and status.state else "unknown"
    message = (status and status.error and status.error.message) or "the warehouse gave no reason"
    missing = "TABLE_OR_VIEW_NOT_FOUND" in message
    hint = "\nThe first ingest creates the tables. SHOW TABLES lists those that exist." if missing else ""
    return f"the statement ended as {state}: {statement}\n{message}{hint}"
