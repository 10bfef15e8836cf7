"""Calls that change something in Databricks, and the refusals that mean "not yet"."""

import json
import re
from typing import Any

from airflow.sdk.exceptions import AirflowException

from cloudtrail_to_delta.setup.resources import Clouds

# The code in `not_yet` of the Databricks resources.
NOT_YET = "NotYet"
# A role or profile, its trust policy or its permissions have not spread through IAM yet.
_SPREADING = (
    "Invalid IAM Instance Profile",
    "is not authorized to perform: iam:PassRole",
    "is not authorized to perform: sts:AssumeRole",
    "not self-assuming",
    "AWS IAM role does not have",
)
# A cluster cannot be edited while it starts or stops.
_BUSY = re.compile(r"unexpected state (PENDING|RESTARTING|RESIZING|TERMINATING)", re.IGNORECASE)


class NotYetError(AirflowException):
    """A refusal that may resolve itself. The call is retried; the last refusal is an error like any other.

    It does not derive from this project's root error, so `refused_calls` explains it like any refused call.
    It carries its code in the same place as a botocore error.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.response = {"Error": {"Code": NOT_YET}}


def send(clouds: Clouds, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make one call that changes something, and return its answer.

    Raises:
        NotYetError: if a retry may help.
        DatabricksApiError: for any other refusal.
    """
    from airflow.providers.databricks.exceptions import DatabricksApiError

    try:
        return clouds.databricks.send(method, path, body)
    except DatabricksApiError as refused:
        words = message_of(refused)
        if refused.http_status_code == 429:
            raise NotYetError(f"{method} {path}: too many requests: {words}") from refused
        if any(reason in words for reason in _SPREADING):
            raise NotYetError(
                f"{method} {path}: {words}. AWS refused a call of Databricks: correct the policy or the "
                "trust policy of the role that the error names; the actions role and databricks write them"
            ) from refused
        if _BUSY.search(words):
            raise NotYetError(f"{method} {path}: {words}") from refused
        raise


def look_up(clouds: Clouds, path: str, **query: str) -> dict[str, Any] | None:
    """Return the answer to a GET of one object, or None if the object does not exist.

    Raises:
        DatabricksApiError: for any other refusal.
    """
    from airflow.providers.databricks.exceptions import DatabricksApiError

    try:
        return clouds.databricks.get(path, **query)
    except DatabricksApiError as refused:
        if refused.http_status_code == 404 or code_of(refused).endswith("DOES_NOT_EXIST"):
            return None
        raise


def code_of(refused: Exception) -> str:
    """Return the error code in Databricks' answer, such as PERMISSION_DENIED; empty for none."""
    return str(_answer(refused).get("error_code", ""))


def message_of(refused: Exception) -> str:
    """Return the message of Databricks."""
    return str(_answer(refused).get("message") or refused)


def _answer(refused: Exception) -> dict[str, Any]:
    """Parse the JSON in the text of the hook's error: `Response: {…}, Status Code: 400`."""
    found = re.fullmatch(r"Response: (.*), Status Code: [0-9]+", str(refused), re.DOTALL)
    try:
        answer = json.loads(found[1]) if found else {}
    except ValueError:
        answer = {}
    return answer if isinstance(answer, dict) else {}
