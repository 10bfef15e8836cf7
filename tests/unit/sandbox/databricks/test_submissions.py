"""The rules of runs/submit that types cannot say."""

import pytest

from sandbox.databricks import submissions
from sandbox.databricks.errors import InvalidParameterError, NotSupportedError

WHEEL = {"package_name": "cloudtrail_jobs", "entry_point": "cloudtrail-ingest"}
NEW_CLUSTER = {"spark_version": "17.3.x-scala2.13", "node_type_id": "i3.xlarge", "num_workers": 1}
SERVERLESS = [{"environment_key": "default", "spec": {"environment_version": "4"}}]


CLUSTERS = {"sandbox-cluster": {"state": "RUNNING", "spark_version": "17.3.x-scala2.13"}}


def submission(request):
    return submissions.submission(request, cluster=CLUSTERS.get)


def task(key="ingest", **more):
    found = {"task_key": key, "existing_cluster_id": "sandbox-cluster", "python_wheel_task": WHEEL, **more}
    return {name: value for name, value in found.items() if value is not None}


def on(**compute):
    return task(existing_cluster_id=None, **compute)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"tasks": []}, "A run must have 1 to 100 tasks, not 0"),
        ({}, "A run must have 1 to 100 tasks, not 0"),
        (
            {"tasks": [task()], "run_name": "ü" * 2049},
            "The run_name must have at most 4096 bytes in UTF-8, not 4098",
        ),
        ({"tasks": [task(f"t{n}") for n in range(101)]}, "A run must have 1 to 100 tasks, not 101"),
        ({"tasks": [task("a"), task("a")]}, "The task_key 'a' is used by 2 tasks; it must be unique"),
        ({"tasks": [task("a b")]}, "Invalid task_key 'a b'"),
        (
            {"tasks": [task(depends_on=[{"task_key": "x"}])]},
            "Task 'ingest' depends on 'x', which is not a task",
        ),
        (
            {"tasks": [task("a", depends_on=[{"task_key": "b"}]), task("b", depends_on=[{"task_key": "a"}])]},
            "The tasks a, b depend on each other",
        ),
        ({"tasks": [task(python_wheel_task=None)]}, "tasks[0] must have exactly one task type, not none"),
        (
            {"tasks": [task(notebook_task={"notebook_path": "/n"})]},
            "tasks[0] must have exactly one task type, not python_wheel_task, notebook_task",
        ),
        (
            {"tasks": [on()]},
            "Task 'ingest': exactly one of existing_cluster_id, new_cluster, environment_key",
        ),
        ({"tasks": [task(new_cluster=NEW_CLUSTER)]}, "Task 'ingest': exactly one of"),
        ({"tasks": [task(existing_cluster_id="other")]}, "Cluster other does not exist"),
        (
            {"tasks": [on(environment_key="e")]},
            "tasks[0].environment_key 'e' is not declared in environments",
        ),
        (
            {
                "tasks": [on(environment_key="default", libraries=[{"whl": "s3://b/w.whl"}])],
                "environments": SERVERLESS,
            },
            "Libraries field is not supported for serverless task, please specify libraries in environment.",
        ),
        (
            {"tasks": [task()], "environments": SERVERLESS * 2},
            "environments: the keys default, default must be unique",
        ),
        (
            {"tasks": [task()], "environments": [{"environment_key": "e", "spec": {}}]},
            "environments[0].spec: either base_environment or environment_version must be provided",
        ),
        ({"tasks": [on(new_cluster={})]}, "Missing required field: tasks[0].new_cluster.spark_version"),
        ({"tasks": [on(new_cluster=NEW_CLUSTER | {"spark_version": "9.1"})]}, "Invalid spark version 9.1"),
        (
            {"tasks": [on(new_cluster={"spark_version": "17.3.x-scala2.13", "node_type_id": "i3.xlarge"})]},
            "Missing required field: tasks[0].new_cluster.size",
        ),
        (
            {"tasks": [on(new_cluster={"spark_version": "17.3.x-scala2.13", "num_workers": 1})]},
            "Missing required field: tasks[0].new_cluster.node_type_id",
        ),
        (
            {
                "tasks": [
                    task(python_wheel_task=WHEEL | {"parameters": ["a"], "named_parameters": {"a": "b"}})
                ]
            },
            "tasks[0].python_wheel_task: only one of parameters and named_parameters may be given",
        ),
        ({"tasks": [task(libraries=[{}])]}, "tasks[0].libraries[0] must name exactly one library, not none"),
        (
            {"tasks": [task()], "idempotency_token": "t" * 65},
            "The idempotency_token must have at most 64 characters",
        ),
        ({"tasks": [task()], "timeout_seconds": -1}, "timeout_seconds must not be negative, it is -1"),
        ({"tasks": [task(timeout_seconds=-1)]}, "tasks[0].timeout_seconds must not be negative, it is -1"),
        ({"tasks": [task(max_retries=-2)]}, "tasks[0].max_retries must be -1 (always), 0 (never) or more"),
    ],
)
def test_what_the_service_refuses_is_refused(request_, message):
    with pytest.raises(InvalidParameterError) as refusal:
        submission(request_)
    assert refusal.value.message.startswith(message)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"tasks": [task(python_wheel_task=None, notebook_task={"notebook_path": "/n"})]},
            "tasks[0].notebook_task:",
        ),
        ({"tasks": [task(run_if="ALL_DONE")]}, "tasks[0].run_if:"),
        ({"tasks": [task(disabled=True)]}, "tasks[0].disabled is not implemented"),
        ({"tasks": [task(libraries=[{"jar": "s3://b/a.jar"}])]}, "tasks[0].libraries[0].jar:"),
        (
            {"tasks": [task()], "git_source": {"git_url": "https://x", "git_provider": "gitHub"}},
            "git_source is not implemented",
        ),
        (
            {
                "tasks": [task()],
                "environments": [
                    {"environment_key": "e", "spec": {"client": "1", "java_dependencies": ["a"]}}
                ],
            },
            "environments[0].spec.java_dependencies:",
        ),
    ],
)
def test_what_only_the_real_service_can_do_is_refused_rather_than_ignored(request_, message):
    with pytest.raises(NotSupportedError) as refusal:
        submission(request_)
    assert refusal.value.message.startswith(message)
    assert refusal.value.status == 501


@pytest.mark.parametrize(
    "request_",
    [
        {"tasks": [task()], "idempotency_token": "t" * 64},
        {"tasks": [on(new_cluster=NEW_CLUSTER, libraries=[{"whl": "s3://b/w.whl"}])]},
        {"tasks": [on(environment_key="default")], "environments": SERVERLESS},
        {"tasks": [task("a"), task("b", depends_on=[{"task_key": "a"}], max_retries=-1)]},
        {
            "tasks": [task(run_if="ALL_SUCCESS", disabled=False)],
            "email_notifications": {"on_failure": ["a@b.c"]},
        },
    ],
)
def test_what_the_service_takes_is_taken(request_):
    assert submission(request_) == request_
