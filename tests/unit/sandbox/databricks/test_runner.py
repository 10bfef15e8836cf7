"""What a driver is told to run, and what it does not inherit. Drivers run in the integration tests."""

import pytest

from sandbox.databricks.runner import private, program_of
from sandbox.databricks.store import Run, TaskRun


def program(task, **request):
    run = Run(run_id=1, job_id=2, request=request, submitted=1)
    return program_of(run, TaskRun(run_id=3, parent=1, spec={"task_key": "a"} | task, state="PENDING"))


WHEEL = {"package_name": "p", "entry_point": "e"}


@pytest.mark.parametrize(
    ("parameters", "argv"),
    [
        ({}, []),
        ({"parameters": ["--kind", "events"]}, ["--kind", "events"]),
        ({"named_parameters": {"kind": "events", "region": "a=b"}}, ["--kind=events", "--region=a=b"]),
    ],
)
def test_parameters_become_the_argv_of_the_job(parameters, argv):
    assert program({"python_wheel_task": WHEEL | parameters})["argv"] == argv


def test_libraries_come_from_the_task_or_from_its_environment():
    on_cluster = program(
        {"python_wheel_task": WHEEL, "libraries": [{"whl": "s3://b/w.whl"}, {"pypi": {"package": "x"}}]}
    )
    assert on_cluster["libraries"] == ["s3://b/w.whl", "x"]
    environments = [
        {"environment_key": "other", "spec": {"dependencies": ["nothing"]}},
        {"environment_key": "mine", "spec": {"dependencies": ["/Volumes/a/b/c/w.whl"]}},
    ]
    serverless = program({"python_wheel_task": WHEEL, "environment_key": "mine"}, environments=environments)
    assert serverless["libraries"] == ["/Volumes/a/b/c/w.whl"]


def test_a_job_inherits_no_secret_and_no_python_path_of_the_stand_in():
    found = private(
        {"SANDBOX_DATABRICKS_TOKEN": "t", "DATABRICKS_TOKEN": "t", "PYTHONPATH": "/repo", "PATH": "/bin"},
        PYTHONPATH="/site",
    )
    assert found == {"PATH": "/bin", "PYTHONUNBUFFERED": "1", "PYTHONPATH": "/site"}
