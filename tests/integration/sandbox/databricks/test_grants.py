"""Unity Catalog's privileges: what a service principal is refused without each, by each kind of access."""

import io

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, Privilege, SecurableType
from databricks.sdk.service.sql import StatementState

from sandbox.databricks.named import made, refusal
from sandbox.databricks.settings import SERVICE_PRINCIPAL, WAREHOUSE_ID
from tests.fixtures.databricks import StandIn, build_wheel

SERVICE = "dapi-of-the-service"
LAKE = (SecurableType.EXTERNAL_LOCATION.value, "cloudtrail-lake")
SCHEMA = (SecurableType.SCHEMA.value, "main.default")
CATALOG = (SecurableType.CATALOG.value, "main")
VOLUME = (SecurableType.VOLUME.value, "main.default.code")
CREATE = "CREATE TABLE IF NOT EXISTS main.default.t USING DELTA LOCATION 's3://{}/t'"
READS = """
import os, boto3
def main():
    s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    s3.put_object(Bucket="cloudtrail-lake", Key="delta/of-a-run", Body=b"x")
    print(s3.get_object(Bucket="cloudtrail-lake", Key="delta/of-a-run")["Body"].read())
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory, aws):
    """A stand-in with an admin and a service principal, which has every privilege of an ingest."""
    one = StandIn(tmp_path_factory.mktemp("grants"), aws.endpoint, "--cluster-seconds", "0")
    one.service_token = SERVICE
    yield one.start()
    one.stop()


@pytest.fixture
def service(two):
    return WorkspaceClient(host=two.host, token=SERVICE, auth_type="pat")


@pytest.fixture
def without(two):
    """Takes a privilege from the service principal until the end of the test."""
    taken = []

    def take(securable, privilege):
        change = PermissionsChange(principal=SERVICE_PRINCIPAL, remove=[Privilege(privilege)])
        two.sdk().grants.update(*securable, changes=[change])
        taken.append((securable, privilege))

    yield take
    for securable, privilege in taken:
        change = PermissionsChange(principal=SERVICE_PRINCIPAL, add=[Privilege(privilege)])
        two.sdk().grants.update(*securable, changes=[change])


def failure(client, statement):
    """The words with which a statement fails."""
    answer = client.statement_execution.execute_statement(statement, WAREHOUSE_ID)
    assert answer.status.state == StatementState.FAILED
    return answer.status.error.message


@pytest.mark.parametrize(
    ("securable", "privilege", "said"),
    [
        (CATALOG, "USE_CATALOG", "does not have USE CATALOG on Catalog 'main'"),
        (SCHEMA, "USE_SCHEMA", "does not have USE SCHEMA on Schema 'main.default'"),
        (SCHEMA, "CREATE_TABLE", "does not have CREATE TABLE on Schema 'main.default'"),
        (LAKE, "CREATE_EXTERNAL_TABLE", "CREATE EXTERNAL TABLE on External Location 'cloudtrail-lake'"),
    ],
)
def test_a_table_takes_each_of_four_privileges(service, without, securable, privilege, said):
    without(securable, privilege)
    assert said in failure(service, CREATE.format("cloudtrail-lake"))


def test_a_table_takes_a_location_over_its_path_also_of_an_admin(two):
    words = "[NO_PARENT_EXTERNAL_LOCATION_FOR_PATH]"
    assert failure(two.sdk(), CREATE.format("nowhere")).startswith(words)


def test_the_legacy_metastore_has_neither_locations_nor_privileges():
    legacy = CREATE.format("nowhere").replace("main.default", "hive_metastore.default")
    assert not refusal({"statement": legacy}, SERVICE_PRINCIPAL, None)


def test_a_workspace_without_legacy_features_has_neither_their_metastore_nor_clusters_without_isolation(two):
    for statement in ("SELECT * FROM hive_metastore.default.t", "DESCRIBE SCHEMA `hive_metastore`.`default`"):
        assert failure(two.sdk(), statement).startswith("[UC_HIVE_METASTORE_DISABLED_EXCEPTION]")
    with pytest.raises(InvalidParameterValue, match="Access mode NONE is disabled"):
        two.sdk().clusters.create("17.3.x-scala2.13", node_type_id="m6id.large", num_workers=0)


def test_the_warehouse_takes_a_right_of_its_own(two, service):
    permissions = two.sdk().warehouses
    before = permissions.get_permissions(WAREHOUSE_ID).access_control_list
    assert SERVICE_PRINCIPAL in [one.service_principal_name for one in before]
    permissions.set_permissions(WAREHOUSE_ID, access_control_list=[])
    try:
        with pytest.raises(PermissionDenied, match="does not have Use permissions"):
            service.statement_execution.execute_statement("SELECT 1", WAREHOUSE_ID)
    finally:
        body = {
            "access_control_list": [
                {"service_principal_name": SERVICE_PRINCIPAL, "permission_level": "CAN_USE"}
            ]
        }
        assert two.call("PATCH", f"/api/2.0/permissions/warehouses/{WAREHOUSE_ID}", json=body).ok


def test_a_volume_must_exist_and_takes_a_privilege_for_each_direction(service, without):
    path = "/Volumes/main/default/code/file"
    service.files.upload(path, io.BytesIO(b"x"), overwrite=True)
    with pytest.raises(NotFound, match=r"Volume 'main\.default\.none' does not exist"):
        service.files.upload("/Volumes/main/default/none/file", io.BytesIO(b"x"))
    without(VOLUME, "WRITE_VOLUME")
    with pytest.raises(PermissionDenied, match="WRITE VOLUME"):
        service.files.upload(path, io.BytesIO(b"x"), overwrite=True)
    without(VOLUME, "READ_VOLUME")
    with pytest.raises(PermissionDenied, match="READ VOLUME"):
        service.files.download(path)


def test_only_who_owns_an_object_gives_privileges_and_everybody_sees_the_inherited_ones(two, service):
    change = PermissionsChange(principal=SERVICE_PRINCIPAL, add=[Privilege.CREATE_SCHEMA])
    with pytest.raises(PermissionDenied, match="does not have MANAGE on Catalog 'main'"):
        service.grants.update(*CATALOG, changes=[change])
    (found,) = service.grants.get_effective(*SCHEMA, principal=SERVICE_PRINCIPAL).privilege_assignments
    assert {(one.privilege.value, one.inherited_from_name) for one in found.privileges} == {
        ("USE_CATALOG", "main"),
        ("USE_SCHEMA", None),
        ("CREATE_TABLE", None),
    }
    (own,) = two.sdk().grants.get(*SCHEMA, principal=SERVICE_PRINCIPAL).privilege_assignments
    assert {one.value for one in own.privileges} == {"USE_SCHEMA", "CREATE_TABLE"}


def ran(two, service, tmp_path):
    """The task run of code that writes and reads a path, on a cluster without an instance profile."""
    wheel = build_wheel(tmp_path, "reads", READS, points={"go": "reads:main"})
    location = two.upload(wheel)
    cluster = {"spark_version": "17.3.x-scala2.13", "node_type_id": "m6id.large", "num_workers": 1}
    task = {
        "task_key": "a",
        "new_cluster": cluster | {"data_security_mode": "SINGLE_USER"},
        "libraries": [{"whl": location}],
        "python_wheel_task": {"package_name": "reads", "entry_point": "go"},
    }
    answer = service.api_client.do("POST", "/api/2.2/jobs/runs/submit", body={"tasks": [task]})
    run = two.ended(answer["run_id"])
    return run["state"], two.output(run["tasks"][0]["run_id"])


def test_code_without_an_instance_profile_reaches_what_its_principal_may(two, service, without, tmp_path):
    state, _ = ran(two, service, tmp_path)
    assert state["result_state"] == "SUCCESS"
    without(LAKE, "WRITE_FILES")
    _, output = ran(two, service, tmp_path)
    assert "AccessDenied" in output["error"]
    assert "PutObject" in output["error"]
    without(VOLUME, "READ_VOLUME")
    state, output = ran(two, service, tmp_path)
    assert "READ VOLUME" in str(state) + output["error"]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("CREATE TABLE IF NOT EXISTS `a`.`b`.`c` USING DELTA", ("CREATE", "TABLE", "a.b.c")),
        ("create or replace view T as select 1", ("CREATE", "VIEW", "main.default.t")),
        ("DROP TABLE IF EXISTS sec.t", ("DROP", "TABLE", "main.sec.t")),
        ("CREATE SCHEMA IF NOT EXISTS sec", ("CREATE", "SCHEMA", "main.sec")),
        ("SELECT 1", ("", "", "")),
    ],
)
def test_what_a_statement_makes_has_its_full_name(statement, found):
    assert made(statement) == found
