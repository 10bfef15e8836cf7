"""The parameters of API calls: from a JSON body, a query, or both."""

import json
from typing import Annotated

from fastapi import Depends, Request

from sandbox.databricks.errors import MalformedRequestError
from sandbox.databricks.payloads import Json


async def _parameters(request: Request) -> Json:
    """Return the JSON body's keys, for a GET also the query's: Airflow's triggers send a GET with a body."""
    body = await request.body()
    try:
        values = json.loads(body) if body.strip() else {}
    except ValueError as error:
        raise MalformedRequestError(f"Invalid JSON given in the body of the request: {error}") from error
    if not isinstance(values, dict):
        raise MalformedRequestError(f"The body of the request must be a JSON object, not {values!r}")
    return values | dict(request.query_params) if request.method == "GET" else values


Parameters = Annotated[Json, Depends(_parameters)]


def base_url(request: Request) -> str:
    """Return the stand-in's address that the caller used, without a slash at its end."""
    return str(request.base_url).rstrip("/")
