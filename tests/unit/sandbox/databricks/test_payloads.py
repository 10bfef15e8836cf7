"""A request is checked against the SDK's own types, at every depth."""

import pytest
from databricks.sdk.service.jobs import JobsAPI
from databricks.sdk.service.sql import StatementExecutionAPI

from sandbox.databricks.errors import InvalidParameterError
from sandbox.databricks.payloads import checked

WHEEL = {"package_name": "cloudtrail_jobs", "entry_point": "cloudtrail-ingest"}


def submit(**task):
    return {"tasks": [{"task_key": "ingest", "python_wheel_task": WHEEL, **task}]}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"run_nam": "x"}, "Unknown field run_nam (did you mean run_name?)"),
        (
            submit(existing_cluster="c"),
            "Unknown field tasks[0].existing_cluster (did you mean existing_cluster_id?)",
        ),
        (
            submit(python_wheel_task={**WHEEL, "named_params": {}}),
            "Unknown field tasks[0].python_wheel_task.named_params (did you mean named_parameters?)",
        ),
        (
            submit(new_cluster={"aws_attributes": {"instance_profile": "arn"}}),
            "Unknown field tasks[0].new_cluster.aws_attributes.instance_profile "
            "(did you mean instance_profile_arn?)",
        ),
        (submit(libraries=[{"wheel": "s3://b/w.whl"}]), "Unknown field tasks[0].libraries[0].wheel"),
        ({"tasks": [{"python_wheel_task": WHEEL}]}, "Missing required field tasks[0].task_key"),
        (
            submit(python_wheel_task={"package_name": "p"}),
            "Missing required field tasks[0].python_wheel_task.entry_point",
        ),
        (submit(timeout_seconds="soon"), "Field tasks[0].timeout_seconds must be a whole number, not 'soon'"),
        (submit(timeout_seconds=1.5), "Field tasks[0].timeout_seconds must be a whole number, not 1.5"),
        (submit(timeout_seconds=True), "Field tasks[0].timeout_seconds must be a whole number, not True"),
        (
            submit(retry_on_timeout="true"),
            "Field tasks[0].retry_on_timeout must be true or false, not 'true'",
        ),
        (submit(libraries={}), "Field tasks[0].libraries must be a list, not {}"),
        ({"tasks": ["ingest"]}, "Field tasks[0] must be an object (SubmitTask), not 'ingest'"),
        ({"run_name": 7}, "Field run_name must be a string, not 7"),
        (
            submit(python_wheel_task={**WHEEL, "named_parameters": {"kind": 1}}),
            "Field tasks[0].python_wheel_task.named_parameters.kind must be a string, not 1",
        ),
        (
            submit(run_if="SOMETIMES"),
            "Field tasks[0].run_if must be one of ALL_DONE, ALL_FAILED, ALL_SUCCESS,",
        ),
    ],
)
def test_what_the_sdk_could_not_have_sent_is_refused_with_its_path(request_, message):
    with pytest.raises(InvalidParameterError) as refusal:
        checked(JobsAPI.submit, request_)
    assert refusal.value.message.startswith(message)
    assert refusal.value.status == 400
    assert refusal.value.body()["error_code"] == "INVALID_PARAMETER_VALUE"


def test_every_defect_of_a_request_is_named_at_once():
    with pytest.raises(InvalidParameterError) as refusal:
        checked(JobsAPI.submit, {"run_nam": "x", "timeout_seconds": "soon", "tasks": [{"task_kye": "a"}]})
    assert refusal.value.message.split("; ") == [
        "Unknown field run_nam (did you mean run_name?)",
        "Field timeout_seconds must be a whole number, not 'soon'",
        "Unknown field tasks[0].task_kye (did you mean task_key?)",
        "Missing required field tasks[0].task_key",
    ]


def test_numbers_may_be_text_and_nulls_are_as_good_as_absent():
    found = checked(JobsAPI.submit, {"timeout_seconds": "600", "run_name": None, "tasks": []})
    assert found == {"timeout_seconds": 600, "tasks": []}


def test_a_sound_request_comes_back_as_it_was():
    request = submit(
        new_cluster={
            "spark_version": "17.3.x-scala2.13",
            "num_workers": 1,
            "spark_conf": {"spark.x": "y"},
            "aws_attributes": {"instance_profile_arn": "arn:aws:iam::123456789012:instance-profile/reader"},
        },
        libraries=[{"whl": "s3://lake/code/jobs.whl"}],
    ) | {
        "environments": [
            {"environment_key": "e", "spec": {"environment_version": "4", "dependencies": ["a"]}}
        ]
    }
    assert checked(JobsAPI.submit, request) == request


def test_a_required_parameter_of_the_call_itself_is_asked_for():
    with pytest.raises(InvalidParameterError, match="Missing required field warehouse_id"):
        checked(StatementExecutionAPI.execute_statement, {"statement": "SELECT 1"})


@pytest.mark.parametrize(("text", "value"), [("true", True), ("True", True), ("false", False)])
def test_a_query_has_its_booleans_as_text(text, value):
    assert checked(JobsAPI.list_runs, {"active_only": text, "limit": "5"}, text=True) == {
        "active_only": value,
        "limit": 5,
    }


def test_text_that_is_no_boolean_is_refused_in_a_query_too():
    with pytest.raises(InvalidParameterError, match="Field active_only must be true or false, not 'yes'"):
        checked(JobsAPI.list_runs, {"active_only": "yes"}, text=True)
