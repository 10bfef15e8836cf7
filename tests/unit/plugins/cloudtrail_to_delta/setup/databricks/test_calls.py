"""Whose an object is, and which refusals mean "not yet"."""

import pytest
from airflow.providers.databricks.exceptions import DatabricksApiError

from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.hooks.aws_errors import error_code
from cloudtrail_to_delta.setup.databricks.calls import (
    NOT_YET,
    NotYetError,
    code_of,
    look_up,
    message_of,
    send,
)
from cloudtrail_to_delta.setup.databricks.markers import marked, owner_of


def refusal(code, message, status=400):
    text = f'Response: {{"error_code": "{code}", "message": "{message}"}}, Status Code: {status}'
    return DatabricksApiError(text, http_status_code=status)


class Refusing:
    """Clouds whose Databricks refuses everything with one error."""

    def __init__(self, error):
        self.databricks, self._error = self, error

    def send(self, *_):
        raise self._error

    def get(self, *_):
        raise self._error


def test_a_mark_is_read_back_and_other_comments_are_nobodys():
    assert owner_of(marked("Reads logs", "cloudtrail")) == "cloudtrail"
    for comment in (None, "", "cloudtrail-setup", "[cloudtrail-setup: x] and more words"):
        assert owner_of(comment) == ""


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (refusal("INVALID_PARAMETER_VALUE", "AWS error: Invalid IAM Instance Profile ARN"), True),
        (refusal("PERMISSION_DENIED", "is not authorized to perform: sts:AssumeRole on resource", 403), True),
        (refusal("PERMISSION_DENIED", "AWS IAM role does not have READ permissions on url", 403), True),
        (refusal("INVALID_STATE", "Cluster 1 is in unexpected state Pending."), True),
        (refusal("REQUEST_LIMIT_EXCEEDED", "too many", 429), True),
        (refusal("INVALID_STATE", "Cluster 1 is in unexpected state Error."), False),
        (refusal("PERMISSION_DENIED", "User is not a workspace admin", 403), False),
    ],
)
def test_what_may_pass_by_itself_is_not_yet(error, waits):
    with pytest.raises(NotYetError if waits else DatabricksApiError) as raised:
        send(Refusing(error), "POST", "2.0/x", {})
    assert (error_code(raised.value) == NOT_YET) is waits
    # What is said of a refused call must be said of it, too.
    assert not isinstance(raised.value, CloudTrailError)


def test_an_object_that_is_not_there_is_none_and_any_other_refusal_an_error():
    gone = refusal("STORAGE_CREDENTIAL_DOES_NOT_EXIST", "Storage Credential 'x' does not exist.", 404)
    assert look_up(Refusing(gone), "x") is None
    with pytest.raises(DatabricksApiError):
        look_up(Refusing(refusal("PERMISSION_DENIED", "no", 403)), "x")


def test_an_answer_that_is_no_json_is_taken_as_it_is():
    error = DatabricksApiError("Response: <html>, Status Code: 502", http_status_code=502)
    assert (code_of(error), message_of(error)) == ("", str(error))
