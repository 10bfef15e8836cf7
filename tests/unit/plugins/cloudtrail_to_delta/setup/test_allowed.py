"""An operator's list of connections holds for every param of the set-up that names one."""

import pytest
from airflow.sdk.exceptions import AirflowFailException

from cloudtrail_to_delta.dags.setup import resolve
from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.params.setup import setup_params
from cloudtrail_to_delta.setup.allowed import APPROVERS_VARIABLE, CONNECTIONS_VARIABLE
from cloudtrail_to_delta.setup.request import SetupRequest

LISTED = "aws_logs, databricks_admin security"
PARAMS = {name: param.value for name, param in setup_params().items()} | {
    "accounts": {"111122223333": "aws_logs"},
    "bucket": "logs",
    "target_root": "s3://lake/delta",
    "checkpoint_root": "s3://lake/checkpoints",
    "code_root": "/Volumes/main/default/code",
    "databricks_conn_id": "databricks_admin",
    "alert_conn_ids": ["security"],
}


@pytest.fixture
def listed(monkeypatch):
    monkeypatch.setenv(f"AIRFLOW_VAR_{CONNECTIONS_VARIABLE.upper()}", LISTED)


def test_a_request_with_listed_connections_is_accepted(listed):
    assert resolve.function(PARAMS)["databricks_conn_id"] == "databricks_admin"


TOPIC = "arn:aws:sns:us-east-1:111122223333:alerts"


@pytest.mark.parametrize(
    "changed",
    [
        {"accounts": {"111122223333": "aws_other"}},
        {"databricks_conn_id": "aws_other"},
        {"alert_conn_ids": ["security", "aws_other"]},
        {"alert_topic_arn": TOPIC, "aws_conn_id": "aws_other"},
    ],
    ids=",".join,
)
def test_a_connection_that_is_not_listed_is_refused_before_anything_is_read(listed, changed):
    with pytest.raises(InvalidRequestError, match=f"'aws_other'.*{CONNECTIONS_VARIABLE}") as refused:
        resolve.function(PARAMS | changed)
    assert len(refused.value.violations) == 1


def test_without_a_list_every_connection_may_be_used():
    assert resolve.function(PARAMS)["accounts"] == {"111122223333": "aws_logs"}


def test_a_connection_that_is_taken_off_the_list_is_not_used_by_the_tasks_that_follow(listed, monkeypatch):
    request = SetupRequest.from_dict(resolve.function(PARAMS))
    monkeypatch.setenv(f"AIRFLOW_VAR_{CONNECTIONS_VARIABLE.upper()}", "databricks_admin")
    with pytest.raises(AirflowFailException, match="may not use the connection 'aws_logs'"):
        request.clouds()


def test_approve_is_refused_at_once_where_a_person_has_to(monkeypatch):
    monkeypatch.setenv(f"AIRFLOW_VAR_{APPROVERS_VARIABLE.upper()}", "ada")
    assert resolve.function(PARAMS | {"approve": False})
    with pytest.raises(InvalidRequestError, match=f"approve: a person must.*{APPROVERS_VARIABLE}"):
        resolve.function(PARAMS | {"approve": True})
