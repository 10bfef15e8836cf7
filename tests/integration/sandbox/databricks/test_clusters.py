"""Clusters through the SDK: made, edited, started, stopped, forgotten; their rules; jobs on them."""

import signal

import pytest
from databricks.sdk.errors import (
    InvalidParameterValue,
    InvalidState,
    NotImplemented,
    ResourceDoesNotExist,
)
from databricks.sdk.service.compute import AutoScale, AwsAttributes, DataSecurityMode, State

from tests.fixtures.databricks import until
from tests.integration.sandbox.databricks import probe

RUNTIME = "17.3.x-scala2.13"
PROFILE = "arn:aws:iam::123456789012:instance-profile/cloudtrail-reader"
SINGLE = {"node_type_id": "m6id.large", "num_workers": 0}


@pytest.fixture
def clusters(databricks):
    """The clusters of the session's stand-in, without those that the test made."""
    api = databricks.sdk().clusters
    before = {cluster.cluster_id for cluster in api.list()}
    yield api
    for cluster in api.list():
        if cluster.cluster_id not in before:
            api.permanent_delete(cluster.cluster_id)


def settled(clusters, waiting):
    """The cluster once it has come to rest; the SDK's own `result()` would look every second only."""
    rest = (State.RUNNING, State.TERMINATED)
    until(lambda: clusters.get(waiting.cluster_id).state in rest, "the cluster")
    return clusters.get(waiting.cluster_id)


def made(clusters, **settings):
    """A cluster that has started, with the smallest settings or those given."""
    return settled(clusters, clusters.create(RUNTIME, cluster_name="mine", **(SINGLE | settings)))


def test_a_new_cluster_starts_and_has_what_was_asked_and_what_the_service_adds(clusters):
    waiting = clusters.create(
        RUNTIME,
        cluster_name="mine",
        node_type_id="m6id.large",
        autoscale=AutoScale(min_workers=1, max_workers=4),
        autotermination_minutes=30,
        aws_attributes=AwsAttributes(instance_profile_arn=PROFILE),
        custom_tags={"team": "security"},
        data_security_mode=DataSecurityMode.SINGLE_USER,
    )
    assert clusters.get(waiting.cluster_id).state == State.PENDING
    cluster = settled(clusters, waiting)
    assert cluster.state == State.RUNNING
    assert (cluster.autoscale.min_workers, cluster.autoscale.max_workers) == (1, 4)
    assert (cluster.autotermination_minutes, cluster.custom_tags) == (30, {"team": "security"})
    assert cluster.aws_attributes.instance_profile_arn == PROFILE
    assert (cluster.single_user_name, cluster.driver_node_type_id) == ("sandbox@example.com", "m6id.large")
    assert cluster.default_tags["ClusterId"] == cluster.cluster_id
    assert cluster.cluster_id in {one.cluster_id for one in clusters.list(page_size=2)}


def test_a_stopped_cluster_is_started_again_and_a_running_one_left_alone(clusters):
    cluster_id = made(clusters).cluster_id
    clusters.start(cluster_id)
    assert clusters.get(cluster_id).state == State.RUNNING
    stopped = settled(clusters, clusters.delete(cluster_id))
    assert stopped.state == State.TERMINATED
    assert stopped.termination_reason.code.value == "USER_REQUEST"
    assert settled(clusters, clusters.start(cluster_id)).termination_reason is None


def test_an_edit_replaces_the_settings_and_restarts_a_cluster_that_runs(clusters):
    cluster_id = made(clusters, custom_tags={"a": "1"}).cluster_id
    waiting = clusters.edit(cluster_id, RUNTIME, cluster_name="other", **SINGLE)
    assert clusters.get(cluster_id).state == State.RESTARTING
    with pytest.raises(InvalidState, match="unexpected state RESTARTING"):
        clusters.edit(cluster_id, RUNTIME, **SINGLE)
    edited = settled(clusters, waiting)
    assert (edited.cluster_name, edited.custom_tags) == ("other", None)
    settled(clusters, clusters.delete(cluster_id))
    clusters.edit(cluster_id, RUNTIME, **SINGLE)
    assert clusters.get(cluster_id).state == State.TERMINATED


def test_a_permanently_deleted_cluster_is_gone(clusters):
    cluster_id = made(clusters).cluster_id
    clusters.permanent_delete(cluster_id)
    for call in (clusters.get, clusters.start, clusters.permanent_delete):
        with pytest.raises((ResourceDoesNotExist, InvalidParameterValue), match="does not exist"):
            call(cluster_id)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"node_type_id": None}, "Missing required field: node_type_id"),
        ({"node_type_id": "m6id.largo"}, "Node type m6id.largo is not supported"),
        ({"num_workers": None}, "Missing required field: size"),
        ({"autoscale": AutoScale(min_workers=1, max_workers=2)}, "Only one of num_workers and autoscale"),
        (
            {"num_workers": None, "autoscale": AutoScale(min_workers=3, max_workers=2)},
            "1 <= min_workers <= max_workers, not 3 and 2",
        ),
        ({"autotermination_minutes": 5}, "0 or between 10 and 10000 minutes, not 5"),
        (
            {"aws_attributes": AwsAttributes(instance_profile_arn=f"{PROFILE}-other")},
            "cloudtrail-reader-other is not registered in this workspace",
        ),
        (
            {"node_type_id": "m7g.large"},
            "At least one EBS volume must be attached for clusters created with node type m7g.large",
        ),
        ({"policy_id": "none"}, "Can't find a cluster policy with id: none"),
    ],
)
def test_settings_that_the_service_refuses_are_refused(clusters, settings, words):
    with pytest.raises((InvalidParameterValue, ResourceDoesNotExist), match=words):
        clusters.create(RUNTIME, **{k: v for k, v in (SINGLE | settings).items() if v is not None})
    with pytest.raises(InvalidParameterValue, match=r"Invalid spark version 1\.x"):
        clusters.create("1.x", **SINGLE)


def test_what_the_sandbox_cannot_do_is_said_and_an_unknown_key_refused(clusters, databricks):
    with pytest.raises(NotImplemented, match="instance_pool_id"):
        clusters.create(RUNTIME, instance_pool_id="pool", num_workers=1)
    body = SINGLE | {"spark_version": RUNTIME, "custom_tag": {}}
    answer = databricks.call("POST", "/api/2.1/clusters/create", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "did you mean custom_tags" in answer.json()["message"]


def test_a_job_starts_a_stopped_cluster_and_has_its_settings(clusters, databricks, location):
    cluster = made(clusters, spark_conf={"spark.a": "b"}, spark_env_vars={"TEAM": "security"})
    settled(clusters, clusters.delete(cluster.cluster_id))
    run_id = databricks.submit(probe.task(location, "environment", existing_cluster_id=cluster.cluster_id))
    run = databricks.ended(run_id)
    assert run["state"]["result_state"] == "SUCCESS"
    assert run["tasks"][0]["cluster_instance"]["cluster_id"] == cluster.cluster_id
    logs = databricks.output(run["tasks"][0]["run_id"])["logs"]
    assert '"TEAM": "security"' in logs
    assert "spark.a b" in logs
    assert clusters.get(cluster.cluster_id).state == State.RUNNING


def test_a_job_on_no_cluster_of_the_workspace_or_on_one_that_does_not_fit_is_refused(databricks, location):
    refused = {
        "nowhere": (400, "Cluster nowhere does not exist"),
        "sandbox-broken": (400, "unexpected state ERROR: Instances could not be acquired"),
        "sandbox-old": (501, "has runtime 15.4.x-scala2.12"),
    }
    for cluster_id, (status, words) in refused.items():
        request = {"tasks": [probe.task(location, "say", existing_cluster_id=cluster_id)]}
        answer = databricks.call("POST", "/api/2.2/jobs/runs/submit", json=request)
        assert answer.status_code == status
        assert words in answer.json()["message"]


def test_a_cluster_that_is_stopped_ends_what_runs_on_it(clusters, databricks, location, tmp_path):
    cluster_id = made(clusters).cluster_id
    hold = probe.task(location, "probe-hold", str(tmp_path / "here"), str(tmp_path / "go"))
    run_id = databricks.submit(hold | {"existing_cluster_id": cluster_id})
    until((tmp_path / "here").exists, "the job")
    clusters.permanent_delete(cluster_id)
    assert databricks.ended(run_id)["state"]["result_state"] == "CANCELED"


def test_clusters_survive_a_kill_of_the_stand_in(stand_in):
    one = stand_in("--without-rule", "legacy-features").start()
    api = one.sdk().clusters
    cluster_id = made(api).cluster_id
    one.stop(signal.SIGKILL)
    one.start()
    assert one.sdk().clusters.get(cluster_id).cluster_name == "mine"
