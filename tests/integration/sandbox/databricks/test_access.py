"""Tokens, errors in the service's form, scripted failures, and the log of requests."""

import pytest
import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import PermissionDenied

from tests.fixtures.databricks import until
from tests.integration.sandbox.databricks import probe

VERSIONS = "/api/2.1/clusters/spark-versions"


def test_a_call_without_a_token_or_with_a_wrong_one_is_refused_as_the_service_does(databricks):
    missing = requests.get(f"{databricks.host}{VERSIONS}", timeout=60)
    assert (missing.status_code, missing.json()["error_code"]) == (401, 401)
    basic = requests.get(f"{databricks.host}{VERSIONS}", auth=("user", databricks.token), timeout=60)
    assert basic.status_code == 401
    wrong = databricks.call("GET", VERSIONS, headers={"Authorization": "Bearer other"})
    assert wrong.status_code == 403
    assert wrong.json() == {"error_code": 403, "message": "Invalid access token."}
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        WorkspaceClient(host=databricks.host, token="other", auth_type="pat").clusters.spark_versions()
    assert requests.get(f"{databricks.host}/sandbox/requests", timeout=60).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "message"),
    [
        (
            "POST",
            "/api/2.0/sql/statements/execute",
            "{}",
            404,
            "ENDPOINT_NOT_FOUND",
            "No API found for 'POST /sql/st",
        ),
        ("GET", "/api/2.2/jobs/create", "", 404, "ENDPOINT_NOT_FOUND", "No API found for 'GET /jobs/create'"),
        (
            "GET",
            "/api/2.2/jobs/runs/submit",
            "",
            404,
            "ENDPOINT_NOT_FOUND",
            "No API found for 'GET /jobs/runs/su",
        ),
        (
            "POST",
            "/api/2.2/jobs/runs/submit",
            "{",
            400,
            "MALFORMED_REQUEST",
            "Invalid JSON given in the body",
        ),
        (
            "POST",
            "/api/2.2/jobs/runs/submit",
            "[]",
            400,
            "MALFORMED_REQUEST",
            "The body of the request must be",
        ),
        (
            "POST",
            "/api/2.2/jobs/runs/cancel",
            "",
            400,
            "INVALID_PARAMETER_VALUE",
            "Missing required field run_id",
        ),
        (
            "GET",
            "/api/2.0/fs/files/Volumes/main/default/code/d?x=1",
            "",
            404,
            "RESOURCE_DOES_NOT_EXIST",
            "The file /Volumes",
        ),
        (
            "PUT",
            "/api/2.0/fs/files/Volumes/main/default/code/d?overwrite=x",
            "",
            400,
            "INVALID_PARAMETER_VALUE",
            "overwrite: ",
        ),
    ],
)
def test_every_refusal_has_the_services_form(databricks, method, path, body, status, code, message):
    answer = databricks.call(method, path, data=body)
    assert answer.status_code == status
    assert set(answer.json()) == {"error_code", "message"}
    assert answer.json()["error_code"] == code
    assert answer.json()["message"].startswith(message)


def test_a_scripted_status_comes_with_retry_after_and_then_the_call_works(databricks):
    fault = {"action": "respond", "status": 429, "retry_after": 7, "path": "/api/2.1/clusters", "times": 2}
    assert databricks.call("POST", "/sandbox/faults", json=fault).status_code == 200
    for _ in range(2):
        answer = databricks.call("GET", VERSIONS)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
        assert answer.json()["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    assert databricks.call("GET", VERSIONS).status_code == 200
    assert databricks.call("GET", "/sandbox/faults").json() == {"faults": []}


def test_a_connection_is_cut_without_an_answer(databricks):
    databricks.call("POST", "/sandbox/faults", json={"action": "disconnect"})
    with pytest.raises(requests.exceptions.ConnectionError):
        databricks.call("GET", VERSIONS)
    assert databricks.call("GET", VERSIONS).status_code == 200


def test_faults_that_have_not_happened_can_be_taken_back(databricks):
    databricks.call("POST", "/sandbox/faults", json={"action": "respond", "status": 503, "times": 9})
    assert databricks.call("GET", VERSIONS).json()["error_code"] == "TEMPORARILY_UNAVAILABLE"
    (left,) = databricks.call("GET", "/sandbox/faults").json()["faults"]
    assert left["times"] == 8
    databricks.call("DELETE", "/sandbox/faults")
    assert databricks.call("GET", VERSIONS).status_code == 200


@pytest.mark.parametrize(
    ("action", "code", "words"),
    [("kill_driver", "DRIVER_ERROR", "exit code: 137"), ("lose_run", "CLUSTER_ERROR", "The run was lost")],
)
def test_a_driver_can_be_killed_when_its_log_says_so(databricks, location, tmp_path, action, code, words):
    hold = probe.task(location, "probe-hold", str(tmp_path / "here"), str(tmp_path / "go"))
    run_id = databricks.submit(hold)
    fault = {"action": action, "run_id": run_id, "log": "going on"}
    databricks.call("POST", "/sandbox/faults", json=fault)
    until((tmp_path / "here").exists, "the job")
    hold_on = probe.task(location, "probe-hold", str(tmp_path / "other"), str(tmp_path / "never"))
    other = databricks.submit(hold_on)
    until((tmp_path / "other").exists, "the other job")
    databricks.call("POST", "/sandbox/faults", json={"action": action, "run_id": other, "log": "holding"})
    (task,) = databricks.ended(other)["tasks"]
    assert task["state"]["life_cycle_state"] == "INTERNAL_ERROR"
    assert task["status"]["termination_details"]["code"] == code
    assert words in task["state"]["state_message"]
    assert databricks.run(run_id)["state"]["life_cycle_state"] == "RUNNING"
    databricks.call("DELETE", "/sandbox/faults")
    (tmp_path / "go").touch()
    assert databricks.ended(run_id)["state"]["result_state"] == "SUCCESS"


def test_every_api_call_is_in_the_log_of_requests_and_nothing_else(databricks):
    databricks.call("DELETE", "/sandbox/requests")
    databricks.call("GET", "/health")
    databricks.call("GET", VERSIONS)
    databricks.call(
        "GET", "/api/2.2/jobs/runs/list", params={"limit": 3}, headers={"Authorization": "Bearer no"}
    )
    served = databricks.call("GET", "/sandbox/requests").json()["requests"]
    assert [(r["method"], r["path"], r["query"], r["status"]) for r in served] == [
        ("GET", VERSIONS, "", 200),
        ("GET", "/api/2.2/jobs/runs/list", "limit=3", 403),
    ]
    databricks.call("DELETE", "/sandbox/requests")
    assert databricks.call("GET", "/sandbox/requests").json() == {"requests": []}
