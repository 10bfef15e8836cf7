"""Two principals: an admin makes the compute; a service principal needs rights on it, and its dedication."""

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.compute import (
    ClusterAccessControlRequest,
    ClusterPermissionLevel,
    DataSecurityMode,
)
from databricks.sdk.service.jobs import JobRunAs, SubmitTask

from sandbox.databricks.settings import SERVICE_PRINCIPAL, USER
from tests.fixtures.databricks import CLUSTER_ID, StandIn
from tests.integration.sandbox.databricks import probe

SERVICE = "dapi-of-the-service"


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A stand-in with a token for each of the two."""
    one = StandIn(tmp_path_factory.mktemp("two"), "http://127.0.0.1:9", "--cluster-seconds", "0")
    one.service_token = SERVICE
    yield one.start()
    one.stop()


@pytest.fixture
def service(two):
    return WorkspaceClient(host=two.host, token=SERVICE, auth_type="pat")


@pytest.fixture
def task(two, tmp_path):
    """A task that prints something, on a cluster."""
    location = two.upload(probe.wheel(tmp_path))

    def on(cluster_id):
        given = probe.task(location, "probe-say")
        return SubmitTask.from_dict(given | {"existing_cluster_id": cluster_id})

    return on


def made(two, user):
    """A cluster of the admin, dedicated to this user."""
    settings = {"node_type_id": "m6id.large", "num_workers": 0, "single_user_name": user}
    mode = DataSecurityMode.SINGLE_USER
    waiting = two.sdk().clusters.create("17.3.x-scala2.13", data_security_mode=mode, **settings)
    return waiting.cluster_id


def permit(two, cluster_id, level):
    entry = ClusterAccessControlRequest(
        service_principal_name=SERVICE_PRINCIPAL, permission_level=ClusterPermissionLevel(level)
    )
    two.sdk().clusters.update_permissions(cluster_id, access_control_list=[entry])


def state_of(two, waiting):
    return two.ended(waiting.run_id)["state"]


def test_each_token_has_its_user(two, service):
    assert service.current_user.me().user_name == SERVICE_PRINCIPAL
    assert two.sdk().current_user.me().user_name == USER


def test_the_right_to_install_libraries_is_needed_and_only_a_manager_gives_rights(two, service, task):
    cluster_id = made(two, SERVICE_PRINCIPAL)
    for level in (None, "CAN_ATTACH_TO", "CAN_RESTART"):
        if level:
            permit(two, cluster_id, level)
        with pytest.raises(PermissionDenied, match="does not have Manage permissions"):
            service.jobs.submit(tasks=[task(cluster_id)])
    with pytest.raises(PermissionDenied, match="does not have Manage permissions"):
        service.clusters.update_permissions(cluster_id, access_control_list=[])
    permit(two, cluster_id, "CAN_MANAGE")
    run = service.jobs.submit(tasks=[task(cluster_id)])
    assert state_of(two, run)["result_state"] == "SUCCESS"
    assert two.run(run.run_id)["creator_user_name"] == SERVICE_PRINCIPAL


def test_a_cluster_that_is_dedicated_to_another_runs_no_code_of_the_caller(two, service, task):
    cluster_id = made(two, USER)
    permit(two, cluster_id, "CAN_MANAGE")
    state = state_of(two, service.jobs.submit(tasks=[task(cluster_id)]))
    assert f"Single-user check failed: user '{SERVICE_PRINCIPAL}'" in state["state_message"]
    # Of the admin neither, on the service principal's cluster, unless the run is the service principal's.
    admin = two.sdk().jobs
    assert state_of(two, admin.submit(tasks=[task(CLUSTER_ID)]))["result_state"] == "FAILED"
    run_as = JobRunAs(service_principal_name=SERVICE_PRINCIPAL)
    run = admin.submit(tasks=[task(CLUSTER_ID)], run_as=run_as)
    assert state_of(two, run)["result_state"] == "SUCCESS"
    with pytest.raises(PermissionDenied, match="may not run a job as"):
        service.jobs.submit(tasks=[task(CLUSTER_ID)], run_as=JobRunAs(user_name=USER))
