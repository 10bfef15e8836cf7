"""A run runs the wheel it is given, and tells how it ended as the service does."""

import json

import pytest
from databricks.sdk.service.compute import Library
from databricks.sdk.service.jobs import PythonWheelTask, RunResultState, SubmitTask

from tests.fixtures.databricks import CLUSTER_ID, until
from tests.integration.sandbox.databricks import probe


def only_task(databricks, run_id):
    return databricks.ended(run_id)["tasks"][0]


def test_the_sdk_submits_a_run_waits_for_it_and_reads_its_log(databricks, location):
    sdk = databricks.sdk()
    run = sdk.jobs.submit(
        run_name="say something",
        tasks=[
            SubmitTask(
                task_key="main",
                existing_cluster_id=CLUSTER_ID,
                libraries=[Library(whl=location)],
                python_wheel_task=PythonWheelTask(
                    package_name="probe", entry_point="probe-say", named_parameters={"kind": "events"}
                ),
            )
        ],
    ).result()
    assert run.state.result_state is RunResultState.SUCCESS
    assert run.run_name == "say something"
    assert run.run_page_url == f"{databricks.host}/runs/{run.run_id}"
    assert 0 < run.start_time <= run.end_time
    (task,) = run.tasks
    assert task.run_id != run.run_id
    assert task.python_wheel_task.named_parameters == {"kind": "events"}
    output = sdk.jobs.get_run_output(task.run_id)
    assert 'argv ["--kind=events"]' in output.logs
    assert "a word on stderr" in output.logs
    assert output.error is None


def test_an_exception_is_the_error_of_the_task_and_the_run_names_the_task(databricks, location):
    run = databricks.ended(databricks.submit(probe.task(location, "fail", key="ingest")))
    assert run["state"] == {
        "life_cycle_state": "INTERNAL_ERROR",
        "result_state": "FAILED",
        "state_message": "Task ingest failed with message: Workload failed, see run output for details.",
        "user_cancelled_or_timedout": False,
    }
    assert run["status"]["termination_details"]["code"] == "RUN_EXECUTION_ERROR"
    (task,) = run["tasks"]
    assert (task["state"]["life_cycle_state"], task["state"]["result_state"]) == ("TERMINATED", "FAILED")
    output = databricks.output(task["run_id"])
    assert output["error"] == "ValueError: the table is <b>missing</b>"
    trace = output["error_trace"].splitlines()
    assert trace[0] == "Traceback (most recent call last):"
    assert "KeyError: 'kind'" in trace
    assert trace[-1] == output["error"]
    assert not any("driver.py" in line for line in trace)
    assert output["error"] in output["logs"]
    assert output["metadata"]["job_run_id"] == run["run_id"]


@pytest.mark.parametrize(
    ("code", "error"), [("2", "SystemExit: 2"), ('"two args are wrong"', "SystemExit: two args are wrong")]
)
def test_leaving_with_a_code_other_than_zero_is_a_failure(databricks, location, code, error):
    task = only_task(databricks, databricks.submit(probe.task(location, "leave", code)))
    assert task["state"]["result_state"] == "FAILED"
    assert databricks.output(task["run_id"])["error"] == error


@pytest.mark.parametrize(("entry_point", "argv"), [("leave", ["0"]), ("leave", ["null"]), ("return_one", [])])
def test_leaving_with_zero_and_returning_anything_is_a_success(databricks, location, entry_point, argv):
    task = only_task(databricks, databricks.submit(probe.task(location, entry_point, *argv)))
    assert task["state"]["result_state"] == "SUCCESS"


def test_an_entry_point_that_does_not_exist_fails_in_the_job(databricks, location):
    task = only_task(databricks, databricks.submit(probe.task(location, "nowhere")))
    assert databricks.output(task["run_id"])["error"].startswith(
        "AttributeError: module 'probe' has no attribute"
    )


def test_a_driver_that_dies_without_a_word_is_an_internal_error(databricks, location):
    run = databricks.ended(databricks.submit(probe.task(location, "die")))
    (task,) = run["tasks"]
    assert task["state"]["life_cycle_state"] == "INTERNAL_ERROR"
    assert run["state"]["life_cycle_state"] == "INTERNAL_ERROR"
    assert task["status"]["termination_details"]["code"] == "DRIVER_ERROR"
    assert databricks.output(task["run_id"])["error"].endswith("driver state change (exit code: 137)")


def test_a_library_that_is_not_there_fails_before_the_code_runs(databricks):
    run = databricks.ended(
        databricks.submit(probe.task("/Volumes/main/default/code/no-1.0-py3-none-any.whl", "say"))
    )
    (task,) = run["tasks"]
    assert task["state"]["life_cycle_state"] == "INTERNAL_ERROR"
    assert task["status"]["termination_details"]["code"] == "LIBRARY_INSTALLATION_ERROR"
    assert "no-1.0-py3-none-any.whl does not exist" in run["state"]["state_message"]
    assert task["execution_duration"] == 0


def test_a_wheel_is_read_from_s3_and_for_a_serverless_environment_from_a_volume(
    databricks, aws, probe_wheel, location
):
    # The profile's role may read there.
    aws.client("s3").upload_file(str(probe_wheel), "cloudtrail-lake", f"code/a/{probe_wheel.name}")
    in_s3 = f"s3://cloudtrail-lake/code/a/{probe_wheel.name}"
    run_id = databricks.submit(probe.task(in_s3, "probe-say"))
    assert only_task(databricks, run_id)["state"]["result_state"] == "SUCCESS"
    wheel = {"package_name": "probe", "entry_point": "probe-say"}
    spec = {"environment_version": "4", "dependencies": [location]}
    run_id = databricks.submit(
        {"task_key": "main", "environment_key": "default", "python_wheel_task": wheel},
        environments=[{"environment_key": "default", "spec": spec}],
    )
    assert only_task(databricks, run_id)["state"]["result_state"] == "SUCCESS"


def test_a_python_file_runs_too(databricks):
    path = "/Volumes/main/default/code/script.py"
    script = b"import sys\nif __name__ == '__main__':\n    raise OSError(sys.argv[1])\n"
    assert databricks.call("PUT", f"/api/2.0/fs/files{path}?overwrite=true", data=script).status_code == 204
    task = {
        "task_key": "main",
        "existing_cluster_id": CLUSTER_ID,
        "spark_python_task": {"python_file": path, "parameters": ["no disk"]},
    }
    assert (
        databricks.output(only_task(databricks, databricks.submit(task))["run_id"])["error"]
        == "OSError: no disk"
    )


def test_a_job_gets_its_clusters_settings_and_none_of_the_stand_ins_secrets(databricks, location):
    cluster = {
        "spark_version": "17.3.x-scala2.13",
        "node_type_id": "i3.xlarge",
        "num_workers": 0,
        "spark_conf": {"spark.sql.shuffle.partitions": "3"},
        "spark_env_vars": {"FROM_THE_CLUSTER": "yes"},
    }
    one = probe.task(location, "environment", new_cluster=cluster)
    del one["existing_cluster_id"]
    task = only_task(databricks, databricks.submit(one))
    assert task["state"]["result_state"] == "SUCCESS"
    output = databricks.output(task["run_id"])["logs"]
    found = json.loads(output.splitlines()[-1])
    assert found["env"]["FROM_THE_CLUSTER"] == "yes"
    assert "spark.sql.shuffle.partitions 3\n" in found["conf"]
    assert f"spark.hadoop.fs.s3a.endpoint {databricks.aws_endpoint}\n" in found["conf"]
    assert databricks.token not in output
    assert found["path"][0].endswith(f"runs/{task['run_id']}/site")
    assert not any(path.endswith("/main") or path == "" for path in found["path"])


def test_the_output_of_a_whole_run_is_refused_as_the_service_does(databricks, location):
    run_id = databricks.submit(probe.task(location, "say"))
    answer = databricks.call("GET", "/api/2.2/jobs/runs/get-output", params={"run_id": run_id})
    assert answer.status_code == 400
    assert answer.json() == {
        "error_code": "INVALID_PARAMETER_VALUE",
        "message": "Retrieving the output of runs with multiple tasks is not supported. "
        "Please retrieve the output of each individual task run instead.",
    }


def test_a_task_run_can_be_asked_for_like_a_run(databricks, location):
    run = databricks.ended(databricks.submit(probe.task(location, "say")))
    task = run["tasks"][0]
    alone = databricks.run(task["run_id"])
    assert (alone["run_id"], alone["job_run_id"]) == (task["run_id"], run["run_id"])
    assert alone["state"] == task["state"]


def test_tasks_run_after_what_they_depend_on_and_are_skipped_when_it_fails(databricks, location):
    after = {"depends_on": [{"task_key": "first"}]}
    good = databricks.submit(
        probe.task(location, "say", key="first"), probe.task(location, "say", key="second", **after)
    )
    bad = databricks.submit(
        probe.task(location, "fail", key="first"), probe.task(location, "say", key="second", **after)
    )
    first, second = databricks.ended(good)["tasks"]
    assert first["end_time"] <= second["start_time"]
    run = databricks.ended(bad)
    assert run["tasks"][1]["state"]["life_cycle_state"] == "SKIPPED"
    assert run["tasks"][1]["state"]["result_state"] == "UPSTREAM_FAILED"
    assert run["state"]["state_message"].endswith("This caused all downstream tasks to get skipped.")


def test_a_task_is_tried_again_as_often_as_it_says(databricks, location, tmp_path):
    mark = str(tmp_path / "mark")
    run = databricks.ended(databricks.submit(probe.task(location, "second_time", mark, max_retries=2)))
    assert run["state"]["result_state"] == "SUCCESS"
    attempts = [(task["attempt_number"], task["state"]["result_state"]) for task in run["tasks"]]
    assert attempts == [(0, "FAILED"), (1, "SUCCESS")]


def test_a_run_is_pending_while_it_is_set_up_and_running_once_its_code_has_begun(
    databricks, location, tmp_path
):
    here, go_on = tmp_path / "here", tmp_path / "go"
    run_id = databricks.submit(probe.task(location, "probe-hold", str(here), str(go_on)))
    seen = set()

    def begun():
        seen.add(databricks.run(run_id)["state"]["life_cycle_state"])
        return here.exists() and "RUNNING" in seen

    until(begun, "the job")
    go_on.touch()
    assert databricks.ended(run_id)["state"]["result_state"] == "SUCCESS"
    assert seen == {"PENDING", "RUNNING"}


@pytest.mark.parametrize("path", ["get", "get-output"])
def test_a_run_that_does_not_exist_is_a_400_as_the_service_answers(databricks, path):
    answer = databricks.call("GET", f"/api/2.1/jobs/runs/{path}", params={"run_id": 1})
    assert answer.status_code == 400
    assert answer.json() == {"error_code": "INVALID_PARAMETER_VALUE", "message": "Run 1 does not exist."}


def test_an_unknown_key_is_refused_over_http_with_its_path(databricks, location):
    task = probe.task(location, "say")
    task["python_wheel_task"]["arguments"] = []
    answer = databricks.call("POST", "/api/2.2/jobs/runs/submit", json={"tasks": [task]})
    assert answer.status_code == 400
    assert answer.json() == {
        "error_code": "INVALID_PARAMETER_VALUE",
        "message": "Unknown field tasks[0].python_wheel_task.arguments (did you mean parameters?)",
    }
