"""Operators that run a sequence of SQL statements, each of which may depend on the previous results.

The operator waits some seconds for a statement, because most take less. If a statement takes longer (because
the warehouse is starting), the task defers, so that it holds no worker slot. The deferral carries the results
so far. If a worker is killed, only the current statement is lost, and these statements are safe to repeat.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Generator, Sequence
from functools import cached_property
from typing import Any, TypeVar

from airflow.providers.common.compat.sdk import AirflowException
from airflow.sdk import BaseOperator, Context
from airflow.triggers.base import BaseTrigger, TriggerEvent

from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.hooks.databricks import IngestHook, Row, result_rows
from cloudtrail_to_delta.hooks.waiting import workspace

# The result of one statement: its rows, or the error's text if the operator tolerates errors.
Result = dict[str, Any]
ACTIVE = ("PENDING", "RUNNING")


class StatementTrigger(BaseTrigger):
    """Fires when the SQL statement has ended, or at `deadline`. Killing the wait cancels the statement.

    Args:
        databricks_conn_id: the connection to the workspace.
        statement_id: the statement.
        deadline: epoch seconds after which to give up.
        poll_seconds: how often to check.
    """

    def __init__(
        self, *, databricks_conn_id: str, statement_id: str, deadline: float, poll_seconds: int
    ) -> None:
        super().__init__()
        self.databricks_conn_id = databricks_conn_id
        self.statement_id = statement_id
        self.deadline = deadline
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what another triggerer process needs to continue this wait."""
        return (
            "cloudtrail_to_delta.operators.sql.StatementTrigger",
            {
                "databricks_conn_id": self.databricks_conn_id,
                "statement_id": self.statement_id,
                "deadline": self.deadline,
                "poll_seconds": self.poll_seconds,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Check until the trigger can fire."""
        databricks = workspace(self.databricks_conn_id)
        while time.time() < self.deadline:
            answer = await databricks.ask(lambda hook: hook.get_statement(self.statement_id))
            if answer["status"]["state"] not in ACTIVE:
                break
            await asyncio.sleep(self.poll_seconds)
        yield TriggerEvent({"statement_id": self.statement_id})

    async def on_kill(self) -> None:
        """Cancel the statement if a person cancels, clears or fails the waiting task."""
        await workspace(self.databricks_conn_id).cancel(
            lambda hook: hook.cancel_sql_statement(self.statement_id)
        )


Concluded = TypeVar("Concluded")


class StatementsOperator(BaseOperator):
    """Runs the statements that `next_statement` returns, one after another, then calls `conclude`.

    It does not retry a failed statement: a retry by Airflow starts the sequence again.

    Args:
        statement_timeout_seconds: how long one statement may take before it is canceled.
        poll_seconds: how often the triggerer checks the state of a statement.
    """

    template_fields: Sequence[str] = ("databricks_conn_id", "warehouse_id")
    tolerates_errors = False

    def __init__(
        self,
        *,
        databricks_conn_id: str = "{{ params.databricks_conn_id }}",
        warehouse_id: str = "{{ params.warehouse_id }}",
        statement_timeout_seconds: int = 3600,
        poll_seconds: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.databricks_conn_id = databricks_conn_id
        self.warehouse_id = warehouse_id
        self.statement_timeout_seconds = statement_timeout_seconds
        self.poll_seconds = poll_seconds
        self.statement_id: str | None = None

    @cached_property
    def databricks(self) -> IngestHook:
        """The hook, created on first use so that parsing a DAG needs no connection."""
        return IngestHook(self.databricks_conn_id, caller=type(self).__name__)

    def gather(self, context: Context) -> dict[str, Any]:
        """Return facts that are read once, before the first statement; they must be JSON-serializable."""
        raise NotImplementedError

    def next_statement(self, facts: dict[str, Any], results: list[Result]) -> str | None:
        """Return the next statement, given the facts and the results so far; None after the last one."""
        raise NotImplementedError

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> Any:
        """Return the task's result, once every statement has its result."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        """Gather the facts and run the statements."""
        return self._continue(context, self.gather(context), [])

    def resume(
        self, context: Context, event: dict[str, Any], facts: dict[str, Any], results: list[Result]
    ) -> Any:
        """Take the result of the deferred statement and continue."""
        self.statement_id = event["statement_id"]
        results.append(self._result(self._ask(lambda: self.databricks.get_statement(event["statement_id"]))))
        return self._continue(context, facts, results)

    def on_kill(self) -> None:
        """Cancel the current statement."""
        if self.statement_id:
            self.databricks.cancel_sql_statement(self.statement_id)

    def _continue(self, context: Context, facts: dict[str, Any], results: list[Result]) -> Any:
        while (statement := self.next_statement(facts, results)) is not None:
            self.log.info("SQL: %s", statement)
            answer = self._ask(
                lambda sql=statement: self.databricks.start_statement(sql, warehouse_id=self.warehouse_id)
            )
            self.statement_id = answer.get("statement_id")
            if answer["status"]["state"] in ACTIVE:
                self._defer(facts, results)
            results.append(self._result(answer))
            self.statement_id = None
        return self.conclude(context, facts, results)

    def _ask(self, call: Any) -> dict[str, Any]:
        """Call the service; if the operator tolerates errors, return a refused call as an answer."""
        try:
            answer: dict[str, Any] = call()
        except AirflowException as refused:
            if not self.tolerates_errors:
                raise
            return {"status": {"state": "FAILED", "error": {"message": str(refused)}}}
        return answer

    def _result(self, answer: dict[str, Any]) -> Result:
        state = answer["status"]["state"]
        if state == "SUCCEEDED":
            return {"rows": result_rows(answer)}
        if state in ACTIVE:
            self.databricks.cancel_sql_statement(answer["statement_id"])
            state = f"still {state} after {self.statement_timeout_seconds} s, so it was canceled"
        error = answer["status"].get("error", {})
        message = f"{error.get('error_code', '')} {error.get('message', '')}".strip() or state
        failed: Result = {"error": message}
        return failed if self.tolerates_errors else self._succeeded(failed)

    def _succeeded(self, result: Result) -> Result:
        """Return the result of a statement; raise CloudTrailError if it failed."""
        if "error" in result:
            raise CloudTrailError(
                f"SQL warehouse {self.warehouse_id!r} could not run a statement of {self.task_id!r}: "
                f"{result['error']}"
            )
        return result

    def _defer(self, facts: dict[str, Any], results: list[Result]) -> None:
        self.defer(
            trigger=StatementTrigger(
                databricks_conn_id=self.databricks_conn_id,
                statement_id=str(self.statement_id),
                deadline=time.time() + self.statement_timeout_seconds,
                poll_seconds=self.poll_seconds,
            ),
            method_name="resume",
            kwargs={"facts": facts, "results": results},
        )


def replay(
    plan: Generator[str, Result, Concluded], results: Sequence[Result]
) -> tuple[str | None, Concluded | None]:
    """Return the next statement of a plan, given the results so far; after the last one what it returns."""
    statement = ""
    try:
        # A generator begins with None.
        for result in (None, *results):
            statement = plan.send(result)  # type: ignore[arg-type] # see above
    except StopIteration as end:
        return None, end.value
    return statement, None


def first_row(result: Result) -> Row:
    """Return the row of a result that must have exactly one."""
    rows: list[Row] = result["rows"]
    if len(rows) != 1:
        raise CloudTrailError(f"expected one row, got {len(rows)}: {rows[:3]!r}")
    return rows[0]


__all__ = ["Result", "StatementsOperator", "first_row", "replay"]
