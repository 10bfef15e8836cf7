"""Calls of Databricks that change something, and which of its refusals mean "not yet"."""

import json
import re
from typing import Any

from airflow.sdk.exceptions import AirflowException

from cloudtrail_to_delta.setup.resources import Clouds

# What a resource of Databricks has as `not_yet`.
NOT_YET = "NotYet"
# A role or profile that IAM does not know everywhere, or whose trust or rights have not spread.
_SPREADING = (
    "Invalid IAM Instance Profile",
    "is not authorized to perform: iam:PassRole",
    "is not authorized to perform: sts:AssumeRole",
    "not self-assuming",
    "AWS IAM role does not have",
)
# A cluster that starts or stops takes no edit. A new credential may not be seen by what answers next.
_BUSY = re.compile(r"unexpected state (PENDING|RESTARTING|RESIZING|TERMINATING)", re.IGNORECASE)


class NotYetError(AirflowException):
    """Refused for a reason that may pass by itself; tried again, and an error like any other at the end.

    It is no error of this project's own root, so that what is said of refused calls is said of it, too. It
    carries its code where a botocore error has it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.response = {"Error": {"Code": NOT_YET}}


def send(clouds: Clouds, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The answer to one call that changes something.

    Raises:
        NotYetError: when trying again may help.
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
                f"{method} {path}: {words}. Databricks asked AWS and was refused: correct the policy or the "
                "trust policy of the role that it names; the actions role and databricks make them"
            ) from refused
        if _BUSY.search(words):
            raise NotYetError(f"{method} {path}: {words}") from refused
        raise


def look_up(clouds: Clouds, path: str, **query: str) -> dict[str, Any] | None:
    """The answer to a GET of one object, or None when there is none.

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
    """The error code of Databricks' answer, such as PERMISSION_DENIED; empty when it has none."""
    return str(_answer(refused).get("error_code", ""))


def message_of(refused: Exception) -> str:
    """The service's own words."""
    return str(_answer(refused).get("message") or refused)


def _answer(refused: Exception) -> dict[str, Any]:
    """The JSON in the text of the hook's error: `Response: {…}, Status Code: 400`."""
    found = re.fullmatch(r"Response: (.*), Status Code: [0-9]+", str(refused), re.DOTALL)
    try:
        answer = json.loads(found[1]) if found else {}
    except ValueError:
        answer = {}
    return answer if isinstance(answer, dict) else {}
