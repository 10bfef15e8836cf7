"""The Statement Execution API: submit, get, cancel, and the one chunk of a result.

Source: Databricks REST, `/api/2.0/sql/statements`, and databricks-sdk's `StatementExecutionAPI`. Results are
INLINE as JSON_ARRAY; the stand-in refuses the service's other formats.
"""

import re
import uuid
from collections import Counter

from databricks.sdk.service.sql import StatementExecutionAPI
from fastapi import APIRouter

from sandbox.databricks.clock import now_ms
from sandbox.databricks.errors import InvalidParameterError, NotFoundError, NotSupportedError
from sandbox.databricks.grants import Grants
from sandbox.databricks.named import legacy_refusal, refusal
from sandbox.databricks.parameters import Parameters
from sandbox.databricks.payloads import Json, checked
from sandbox.databricks.principals import Permissions, caller
from sandbox.databricks.settings import WAREHOUSE_ID
from sandbox.databricks.store import Statement, Store
from sandbox.databricks.warehouse import Warehouse

ROOT = "/api/2.0/sql/statements"
DEFAULT_WAIT = "10s"
_TYPE = re.compile(r"[A-Za-z_]+(\(\d+(,\s*\d+)?\))?")
_FOR_THE_ENGINE = ("statement", "catalog", "schema", "parameters", "row_limit")


class Statements:
    """The routes."""

    def __init__(self, store: Store, warehouse: Warehouse, permissions: Permissions, grants: Grants) -> None:
        self._store, self._warehouse = store, warehouse
        self._permissions, self._grants = permissions, grants

    def router(self) -> APIRouter:
        """Return the routes to submit, get and cancel a statement, and to get a chunk."""
        router = APIRouter()
        router.add_api_route(ROOT, self.submit, methods=["POST"])
        router.add_api_route(f"{ROOT}/{{statement_id}}", self.get, methods=["GET"])
        router.add_api_route(f"{ROOT}/{{statement_id}}/cancel", self.cancel, methods=["POST"])
        router.add_api_route(f"{ROOT}/{{statement_id}}/result/chunks/{{index}}", self.chunk, methods=["GET"])
        return router

    def submit(self, parameters: Parameters) -> Json:
        """Start a statement and wait for it up to the requested time."""
        request = statement_request(parameters)
        self._permissions.require("warehouses", WAREHOUSE_ID, "CAN_USE", caller())
        statement = Statement(
            statement_id=str(uuid.uuid4()),
            request={key: request[key] for key in _FOR_THE_ENGINE if key in request} | {"owner": caller()},
            submitted=now_ms(),
        )
        legacy = "" if self._grants.has_legacy else legacy_refusal(request)
        self._warehouse.submit(statement, refused=legacy or refusal(request, caller(), self._grants))
        seconds = wait_seconds(request.get("wait_timeout", DEFAULT_WAIT))
        if seconds:
            self._warehouse.wait(statement.statement_id, seconds)
            if request.get("on_wait_timeout") == "CANCEL":
                self._warehouse.cancel(statement.statement_id)
        return response_of(self._find(statement.statement_id))

    def get(self, statement_id: str) -> Json:
        """Return a statement's state, with its result if it has succeeded."""
        return response_of(self._find(statement_id))

    def cancel(self, statement_id: str) -> Json:
        """End a statement."""
        self._warehouse.cancel(self._find(statement_id).statement_id)
        return {}

    def chunk(self, statement_id: str, index: int) -> Json:
        """Return a chunk of the result, which has only one."""
        statement = self._find(statement_id)
        if statement.state != "SUCCEEDED" or index != 0:
            raise NotFoundError(f"The statement {statement_id} ({statement.state}) has no chunk {index}")
        return result_of(statement)

    def _find(self, statement_id: str) -> Statement:
        statement = self._store.statement(statement_id)
        if statement is None:
            raise NotFoundError(f"The statement {statement_id} was not found.")
        return statement


def statement_request(parameters: Json) -> Json:
    """Check and return the body of a submission.

    Raises:
        InvalidParameterError: for parameters that the service refuses.
        NotSupportedError: for result formats that the stand-in does not support.
    """
    request = checked(StatementExecutionAPI.execute_statement, parameters)
    if request["warehouse_id"] != WAREHOUSE_ID:
        raise InvalidParameterError(f"{request['warehouse_id']} is not a valid endpoint id.")
    if not request["statement"].strip():
        raise InvalidParameterError("The statement must not be empty")
    wait_seconds(request.get("wait_timeout", DEFAULT_WAIT))
    if request.get("disposition", "INLINE") != "INLINE":
        raise NotSupportedError("disposition EXTERNAL_LINKS is not implemented by the sandbox; use INLINE")
    if request.get("format", "JSON_ARRAY") != "JSON_ARRAY":
        raise InvalidParameterError("The format must be JSON_ARRAY when the disposition is INLINE")
    if "byte_limit" in request:
        raise NotSupportedError("byte_limit is not implemented by the sandbox; use row_limit")
    given = request.get("parameters", [])
    for name, count in Counter(parameter["name"] for parameter in given).items():
        if count > 1:
            raise InvalidParameterError(f"The parameter {name!r} is given {count} times")
    for parameter in given:
        if not _TYPE.fullmatch(parameter.get("type", "STRING")):
            raise InvalidParameterError(
                f"Invalid type {parameter['type']!r} of parameter {parameter['name']!r}"
            )
    return request


def wait_seconds(wait_timeout: str) -> int:
    """Return the seconds of a `wait_timeout`: "0s", or "5s" to "50s"."""
    match = re.fullmatch(r"(\d+)s", wait_timeout)
    seconds = int(match[1]) if match else -1
    if seconds != 0 and not 5 <= seconds <= 50:
        raise InvalidParameterError(
            f"Invalid wait_timeout {wait_timeout!r}: it must be 0s, or between 5s and 50s"
        )
    return seconds


def response_of(statement: Statement) -> Json:
    """Return a statement as `StatementResponse`."""
    status: Json = {"state": statement.state}
    if statement.error:
        status["error"] = {key: statement.error[key] for key in ("error_code", "message")}
        if statement.error["sql_state"]:
            status["sql_state"] = statement.error["sql_state"]
    answer: Json = {"statement_id": statement.statement_id, "status": status}
    if statement.state == "SUCCEEDED":
        answer["manifest"] = manifest_of(statement)
        answer["result"] = result_of(statement)
    return answer


def manifest_of(statement: Statement) -> Json:
    """Return the manifest of a result."""
    count = len(statement.rows)
    return {
        "format": "JSON_ARRAY",
        "schema": {"column_count": len(statement.columns), "columns": statement.columns},
        "total_chunk_count": 1,
        "chunks": [{"chunk_index": 0, "row_offset": 0, "row_count": count}],
        "total_row_count": count,
        "truncated": statement.truncated,
    }


def result_of(statement: Statement) -> Json:
    """Return the rows; as in the service, a result without rows has no `data_array`."""
    chunk: Json = {"chunk_index": 0, "row_offset": 0, "row_count": len(statement.rows)}
    return chunk | {"data_array": statement.rows} if statement.rows else chunk
