"""The runs/submit payload: exactly what Databricks' own types know, on each kind of compute."""

import pytest
from databricks.sdk.service.jobs import JobEnvironment, SubmitTask

from cloudtrail_jobs.accelerators import NAMES
from cloudtrail_jobs.args import parse_arguments
from cloudtrail_to_delta.params.ingest import ingest_params
from cloudtrail_to_delta.params.request import resolve_requests, shares_run
from cloudtrail_to_delta.runs.disks import VOLUMES, volumes_for
from cloudtrail_to_delta.runs.payload import (
    ACCELERATORS,
    job_parameters,
    new_cluster,
    node_type_of,
    run_mark,
    submit_payload,
)
from sandbox.settings import ROOT

VERSION = "0.1.0+h0123456789ab"
WHEEL = f"s3://cloudtrail-lake/code/0123/cloudtrail_jobs-{VERSION}-py3-none-any.whl"

EXISTING = {"compute": "existing_cluster", "cluster_id": "sandbox-cluster"}
NEW = {"compute": "new_cluster", "instance_profile_arn": "arn:aws:iam::123456789012:instance-profile/reader"}
SERVERLESS = {"compute": "serverless", "code_root": "/Volumes/main/security/code"}
RUN = "(cloudtrail_ingest__payments, scheduled__2026-11-22T10:00:00+00:00)"


def params(**changed):
    return {name: param.value for name, param in ingest_params().items()} | changed


def payload(**changed):
    values = params(**changed)
    requests = list(resolve_requests(values).values())
    return submit_payload(requests, values, wheel=WHEEL, name="a name", run=RUN)


@pytest.mark.parametrize(
    "compute",
    [
        EXISTING,
        NEW | {"num_workers": 2},
        {"compute": "new_cluster", "policy_id": "ABC", "spark_version": None},
        {"compute": "serverless", "code_root": "/Volumes/main/security/code"},
    ],
)
def test_the_payload_survives_a_round_trip_through_the_sdks_types(compute):
    body = payload(**compute)
    # The SDK drops every key it does not know, as the service does silently.
    assert [SubmitTask.from_dict(task).as_dict() for task in body["tasks"]] == body["tasks"]
    environments = body.get("environments", [])
    assert [JobEnvironment.from_dict(one).as_dict() for one in environments] == environments


def test_an_existing_cluster_gets_the_wheel_as_a_library():
    (task,) = payload(**EXISTING)["tasks"]
    assert task["existing_cluster_id"] == "sandbox-cluster"
    assert task["libraries"][0] == {"whl": WHEEL}


@pytest.mark.parametrize("compute", [EXISTING, NEW])
def test_the_accelerators_are_installed_on_a_cluster_from_its_package_index_unless_it_has_none(compute):
    (task,) = payload(**compute)["tasks"]
    assert task["libraries"][1:] == [{"pypi": {"package": package}} for package in ACCELERATORS]
    (task,) = payload(**compute, accelerators="none")["tasks"]
    assert task["libraries"] == [{"whl": WHEEL}]


def test_the_accelerators_are_installed_on_serverless_compute_unless_it_has_no_package_index():
    body = payload(**SERVERLESS)
    assert body["environments"][0]["spec"]["dependencies"] == [WHEEL, *ACCELERATORS]
    body = payload(**SERVERLESS, accelerators="none")
    assert body["environments"][0]["spec"]["dependencies"] == [WHEEL]


def test_the_accelerators_are_those_of_the_job_in_the_versions_with_which_the_tests_run():
    pins = (ROOT / "requirements-dev.txt").read_text().splitlines()
    assert set(ACCELERATORS) <= {line.partition(" ")[0] for line in pins}
    assert tuple(one.partition("==")[0] for one in ACCELERATORS) == NAMES


def test_the_form_as_it_is_runs_on_a_new_cluster_that_needs_no_more_params():
    (task,) = payload()["tasks"]
    cluster = task["new_cluster"]
    assert (cluster["spark_version"], cluster["node_type_id"]) == ("17.3.x-scala2.13", "m6id.large")
    assert (cluster["num_workers"], cluster["data_security_mode"]) == (0, "SINGLE_USER")
    assert (node_type_of(params()), node_type_of(params(**EXISTING))) == ("m6id.large", "")
    assert not task.keys() & {"existing_cluster_id", "environment_key"}


def test_a_new_cluster_without_workers_is_a_single_node():
    (task,) = payload(**NEW)["tasks"]
    assert task["new_cluster"]["spark_conf"]["spark.databricks.cluster.profile"] == "singleNode"


def test_a_new_cluster_carries_the_instance_profile():
    (task,) = payload(**NEW)["tasks"]
    profile = {"instance_profile_arn": NEW["instance_profile_arn"]}
    assert task["new_cluster"]["aws_attributes"] == profile
    assert new_cluster(params(**NEW), VOLUMES)["aws_attributes"] == profile | VOLUMES


def test_under_a_policy_what_is_not_given_is_the_policys_to_say():
    (task,) = payload(policy_id="ABC", spark_version="18.0.x-scala2.13")["tasks"]
    cluster = task["new_cluster"]
    assert (cluster["policy_id"], cluster["apply_policy_default_values"]) == ("ABC", True)
    assert cluster["spark_version"] == "18.0.x-scala2.13"
    assert not cluster.keys() & {"node_type_id", "data_security_mode"}
    assert node_type_of(params(policy_id="ABC")) == ""


def test_without_a_policy_a_new_cluster_is_of_one_user():
    (task,) = payload(**NEW)["tasks"]
    assert task["new_cluster"]["data_security_mode"] == "SINGLE_USER"
    assert not task["new_cluster"].keys() & {"policy_id", "apply_policy_default_values"}


def test_a_serverless_run_takes_the_cheaper_mode():
    assert payload(**SERVERLESS)["performance_target"] == "STANDARD"
    assert "performance_target" not in payload()


def test_a_run_is_shown_to_those_who_are_named():
    assert "access_control_list" not in payload()
    assert payload(run_viewers=["soc@example.com", "Security Team"])["access_control_list"] == [
        {"user_name": "soc@example.com", "permission_level": "CAN_VIEW"},
        {"group_name": "Security Team", "permission_level": "CAN_VIEW"},
    ]


@pytest.mark.parametrize(("trigger", "shared"), [("available_now", True), ("continuous", False)])
def test_all_kinds_share_a_run_by_default_unless_it_never_ends(trigger, shared):
    assert shares_run(params(trigger=trigger)) == shared


def test_serverless_gets_the_wheel_as_a_dependency_of_its_environment():
    body = payload(**SERVERLESS)
    assert body["tasks"][0]["environment_key"] == body["environments"][0]["environment_key"]
    assert body["environments"][0]["spec"]["dependencies"][0] == WHEEL
    assert "libraries" not in body["tasks"][0]


def test_a_run_that_ends_by_itself_is_bounded_and_a_continuous_one_is_not():
    assert payload(run_timeout_minutes=60)["timeout_seconds"] == 3600
    assert "timeout_seconds" not in payload(trigger="continuous")


def test_the_job_gets_the_guides_five_parameters_and_its_own():
    values = params()
    parameters = job_parameters([resolve_requests(values)["events"]], values, run=RUN, version=VERSION)
    assert parameters == {
        "kind": "events",
        "logs-path": "s3://cloudtrail-logs/AWSLogs/*/CloudTrail/*/*",
        "delta-path": "s3://cloudtrail-lake/delta/cloudtrail_events",
        "checkpoint-path": "s3://cloudtrail-lake/checkpoints/cloudtrail_events",
        "table": "cloudtrail_events",
        "region": "us-east-1",
        "run": RUN,
        "expected-version": VERSION,
        "discovery": "listing",
        "trigger": "available_now",
        "duplicates": "keep",
        "max-files-per-trigger": "1000",
        "max-bytes-per-trigger": "1g",
    }


def test_bounds_are_passed_only_when_they_are_given():
    values = params(**{"from": "2026-01-31", "until": None})
    parameters = job_parameters([resolve_requests(values)["events"]], values, run=RUN, version=VERSION)
    assert parameters["from"] == "2026-01-31"
    assert "until" not in parameters


def test_several_kinds_are_one_task_whose_arguments_the_job_takes():
    values = params(**{"from": "2026-01-31", "kinds": ["insights", "events"]})
    requests = list(resolve_requests(values).values())
    (task,) = submit_payload(requests, values, wheel=WHEEL, name="a name", run=RUN)["tasks"]
    named = task["python_wheel_task"]["named_parameters"]
    together = parse_arguments([f"--{name}={value}" for name, value in named.items()])
    alone = [job_parameters([request], values, run=RUN, version=VERSION) for request in requests]
    assert together == tuple(
        arguments
        for one in alone
        for arguments in parse_arguments([f"--{name}={value}" for name, value in one.items()])
    )
    assert [one.kind for one in together] == ["insights", "events"]
    assert {one.run for one in together} == {RUN}


def test_a_databricks_run_says_how_it_marks_its_commits_unless_an_earlier_release_made_it():
    assert run_mark(payload()) == RUN
    earlier = payload()
    del earlier["tasks"][0]["python_wheel_task"]["named_parameters"]["run"]
    assert run_mark(earlier) == run_mark({"tasks": [{"notebook_task": {}}]}) == run_mark({}) == ""


class Workspace:
    """Lists node types: with disks of either sort, without any, and one of which nothing is said."""

    def get(self, path):
        assert path == "2.1/clusters/list-node-types"
        disks = {"i3.xlarge": {"local_disks": 1}, "m6id.large": {"local_nvme_disks": 1}, "m7g.large": {}}
        known = [{"node_type_id": name, "node_instance_type": found} for name, found in disks.items()]
        return {"node_types": [*known, {"node_type_id": "silent"}]}


def test_only_a_node_type_without_a_disk_gets_a_volume():
    found = {name: volumes_for(Workspace(), name) for name in ("i3.xlarge", "m6id.large", "silent", "other")}
    assert not any(found.values())
    assert volumes_for(Workspace(), "m7g.large") == VOLUMES
