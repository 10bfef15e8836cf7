"""Operators whose work is a sequence of SQL statements, each of which may depend on the results before it.

A statement is waited for a few seconds, since most take less; a longer one (a warehouse that is starting)
is deferred, so no worker slot is held. What has been learned so far travels with the deferral: a killed
worker loses nothing but the statement at hand, and statements here are safe to repeat.
"""

import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import AirflowException
from airflow.providers.databricks.triggers.databricks import DatabricksSQLStatementExecutionTrigger
from airflow.sdk import BaseOperator, Context

from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.hooks.databricks import IngestHook, Row, result_rows

# What one statement gave: its rows, or, where the operator tolerates errors, the error's text.
Result = dict[str, Any]


class StatementsOperator(BaseOperator):
    """Runs the statements that `next_statement` asks for, one after another, then `conclude`s.

    It does not retry a failed statement: Airflow's retries start the sequence again.

    Args:
        statement_timeout_seconds: how long one statement may take before it is cancelled.
        poll_seconds: how often the triggerer asks for a statement's state.
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
        """The hook, made on first use so that parsing a DAG needs no connection."""
        return IngestHook(self.databricks_conn_id, caller=type(self).__name__)

    def gather(self, context: Context) -> dict[str, Any]:
        """Facts read once, before the first statement; JSON-serializable."""
        raise NotImplementedError

    def next_statement(self, facts: dict[str, Any], results: list[Result]) -> str | None:
        """The next statement, given the facts and the results so far; None when there is no more."""
        raise NotImplementedError

    def conclude(self, context: Context, facts: dict[str, Any], results: list[Result]) -> Any:
        """What the task returns once every statement has its result."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        """Gather the facts and run the statements."""
        return self._continue(context, self.gather(context), [])

    def resume(
        self, context: Context, event: dict[str, Any], facts: dict[str, Any], results: list[Result]
    ) -> Any:
        """Take the result of the deferred statement and go on."""
        self.statement_id = event["statement_id"]
        results.append(self._result(self._ask(lambda: self.databricks.get_statement(event["statement_id"]))))
        return self._continue(context, facts, results)

    def on_kill(self) -> None:
        """Cancel the statement at hand."""
        if self.statement_id:
            self.databricks.cancel_sql_statement(self.statement_id)

    def _continue(self, context: Context, facts: dict[str, Any], results: list[Result]) -> Any:
        while (statement := self.next_statement(facts, results)) is not None:
            self.log.info("SQL: %s", statement)
            answer = self._ask(
                lambda sql=statement: self.databricks.start_statement(sql, warehouse_id=self.warehouse_id)
            )
            self.statement_id = answer.get("statement_id")
            if answer["status"]["state"] in ("PENDING", "RUNNING"):
                self._defer(facts, results)
            results.append(self._result(answer))
            self.statement_id = None
        return self.conclude(context, facts, results)

    def _ask(self, call: Any) -> dict[str, Any]:
        """Call the service; where errors are tolerated, a refused call is an answer like any other."""
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
        if state in ("PENDING", "RUNNING"):
            self.databricks.cancel_sql_statement(answer["statement_id"])
            state = f"still {state} after {self.statement_timeout_seconds} s, so it was cancelled"
        error = answer["status"].get("error", {})
        message = f"{error.get('error_code', '')} {error.get('message', '')}".strip() or state
        if self.tolerates_errors:
            return {"error": message}
        raise CloudTrailError(
            f"SQL warehouse {self.warehouse_id!r} could not run a statement of {self.task_id!r}: {message}"
        )

    def _defer(self, facts: dict[str, Any], results: list[Result]) -> None:
        self.defer(
            trigger=DatabricksSQLStatementExecutionTrigger(
                statement_id=str(self.statement_id),
                databricks_conn_id=self.databricks_conn_id,
                end_time=time.time() + self.statement_timeout_seconds,
                polling_period_seconds=self.poll_seconds,
            ),
            method_name="resume",
            kwargs={"facts": facts, "results": results},
        )


def first_row(result: Result) -> Row:
    """The only row of a result that always has one."""
    rows: list[Row] = result["rows"]
    if len(rows) != 1:
        raise CloudTrailError(f"one row was expected, {len(rows)} came: {rows[:3]!r}")
    return rows[0]


__all__ = ["Result", "StatementsOperator", "first_row"]
