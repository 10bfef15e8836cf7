"""The connections that .env.example shows, as the installed providers take them."""

import base64
import re
from pathlib import Path

import pytest
import responses
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.databricks.hooks.databricks import DatabricksHook

TEXT = (Path(__file__).resolve().parents[3] / ".env.example").read_text()
EXAMPLES = re.findall(r"(?m)^#   (AIRFLOW_CONN_\w+)='(.+)'$", TEXT)
AWS = [value for name, value in EXAMPLES if name == "AIRFLOW_CONN_AWS_DEFAULT"]
DATABRICKS = [value for name, value in EXAMPLES if name == "AIRFLOW_CONN_DATABRICKS_DEFAULT"]
WORKSPACE = "https://dbc-1.cloud.databricks.com"


@pytest.fixture
def aws(monkeypatch):
    """What the provider reads from an example."""

    def read(example):
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", example)
        return AwsBaseHook(client_type="s3").conn_config

    return read


@pytest.fixture
def databricks(monkeypatch):
    """A hook with an example's connection; what it sends is answered by `responses`."""

    def read(example):
        monkeypatch.setenv("AIRFLOW_CONN_DATABRICKS_DEFAULT", example.replace("<workspace>", "dbc-1"))
        return DatabricksHook(retry_limit=1)

    return read


def test_every_example_is_one_of_these():
    assert (len(AWS), len(DATABRICKS)) == (3, 2)


@pytest.mark.parametrize("example", AWS)
def test_no_example_sends_a_call_anywhere_but_to_aws_itself(aws, example):
    found = aws(example)

    assert found.region_name == "us-east-1"
    assert found.endpoint_url is None
    assert [found.get_service_endpoint_url(name) for name in ("s3", "sts", "iam", "sns")] == [None] * 4


def test_a_connection_without_a_key_leaves_it_to_the_machine(aws):
    keyless, assuming, _ = map(aws, AWS)

    assert (keyless.aws_access_key_id, keyless.aws_secret_access_key, keyless.role_arn) == (None, None, None)
    assert (assuming.aws_access_key_id, assuming.aws_secret_access_key) == (None, None)


def test_a_role_is_assumed_with_its_external_id(aws):
    assuming = aws(AWS[1])

    assert assuming.role_arn == "arn:aws:iam::<account>:role/<role>"
    assert assuming.assume_role_method == "assume_role"
    assert assuming.assume_role_kwargs == {"ExternalId": "<external id>"}


def test_an_access_key_is_login_and_password(aws):
    found = aws(AWS[2])

    assert (found.aws_access_key_id, found.aws_secret_access_key) == ("<access key id>", "<secret key>")


@responses.activate
def test_a_service_principal_trades_its_secret_for_a_token(databricks):
    responses.post(
        f"{WORKSPACE}/oidc/v1/token",
        json={"access_token": "short-lived", "token_type": "Bearer", "expires_in": 3600},
    )
    runs = responses.get(f"{WORKSPACE}/api/2.2/jobs/runs/get", json={"run_page_url": "https://page"})

    assert databricks(DATABRICKS[0]).get_run_page_url(7) == "https://page"

    basic = base64.b64encode(b"<application id>:<OAuth secret>").decode()
    assert responses.calls[0].request.headers["Authorization"] == f"Basic {basic}"
    assert runs.calls[0].request.headers["Authorization"] == "Bearer short-lived"


@responses.activate
def test_a_personal_access_token_is_sent_as_it_is(databricks):
    runs = responses.get(f"{WORKSPACE}/api/2.2/jobs/runs/get", json={"run_page_url": "https://page"})

    assert databricks(DATABRICKS[1]).get_run_page_url(7) == "https://page"

    assert runs.calls[0].request.headers["Authorization"] == "Bearer <token>"
