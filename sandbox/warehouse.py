"""SQL through the Databricks stand-in, by the SQL statements API and `databricks-sdk`, as a user's script."""

import logging
import os
import time

from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.service.sql import Disposition, Format, StatementState

from sandbox.errors import SandboxError

WAREHOUSE_ID = "sandbox-warehouse"
# The stand-in has no discovery document; the SDK warns of that and takes what it is given.
logging.getLogger("databricks.sdk").setLevel(logging.ERROR)
OPEN_STATES = (StatementState.PENDING, StatementState.RUNNING)

# A row: column → its value as text, or None for NULL.
Row = dict[str, str | None]


class Warehouse:
    """The SQL warehouse of a sandbox."""

    def __init__(self, url: str, token: str) -> None:
        # Neither a profile nor a file of the user's says where this goes.
        config = Config(host=url, token=token, auth_type="pat", config_file=os.devnull)
        self._statements = WorkspaceClient(config=config).statement_execution

    def sql(self, statement: str, *, timeout_seconds: float = 120) -> list[Row]:
        """Run a statement and return its rows; for a result that fits into one chunk.

        Raises:
            SandboxError: when it failed, with the warehouse's own words, or did not end in time.
        """
        deadline = time.monotonic() + timeout_seconds
        answer = self._statements.execute_statement(
            statement=statement,
            warehouse_id=WAREHOUSE_ID,
            wait_timeout="30s",
            disposition=Disposition.INLINE,
            format=Format.JSON_ARRAY,
        )
        while answer.status and answer.status.state in OPEN_STATES and time.monotonic() < deadline:
            time.sleep(0.5)
            answer = self._statements.get_statement(str(answer.statement_id))
        if answer.status is None or answer.status.state != StatementState.SUCCEEDED:
            error = answer.status and answer.status.error
            state = answer.status and answer.status.state
            raise SandboxError(f"{statement!r} ended as {state}: {error and error.message}")
        schema = answer.manifest and answer.manifest.schema
        columns = [str(column.name) for column in (schema and schema.columns) or []]
        rows = (answer.result and answer.result.data_array) or []
        return [dict(zip(columns, row, strict=True)) for row in rows]
