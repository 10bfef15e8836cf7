"""The fields of Databricks' API in use: an upgrade of the SDK that renames or drops one turns this red.

databricks-sdk is generated from the description of the service, and it drops every key that it does not know,
as the service does silently.
"""

import inspect
from dataclasses import fields

import pytest
from databricks.sdk.service import catalog, compute, iam, jobs, sql

from cloudtrail_to_delta.params.ingest import ingest_params
from cloudtrail_to_delta.params.request import resolve_requests
from cloudtrail_to_delta.runs.disks import VOLUMES
from cloudtrail_to_delta.runs.payload import submit_payload
from cloudtrail_to_delta.setup.databricks.access import verify_payload
from cloudtrail_to_delta.setup.databricks.clusters import Cluster
from cloudtrail_to_delta.setup.databricks.principals import named

# What is sent or read → the fields in use.
IN_USE = {
    jobs.SubmitTask: "task_key python_wheel_task libraries existing_cluster_id new_cluster environment_key",
    jobs.PythonWheelTask: "package_name entry_point named_parameters",
    jobs.JobEnvironment: "environment_key spec",
    jobs.JobRunAs: "user_name service_principal_name",
    jobs.Run: "run_id run_name run_page_url start_time end_time state tasks",
    jobs.RunState: "life_cycle_state result_state state_message",
    compute.Environment: "environment_version dependencies",
    compute.Library: "whl pypi",
    compute.PythonPyPiLibrary: "package",
    compute.ClusterSpec: "spark_version node_type_id num_workers data_security_mode policy_id "
    "apply_policy_default_values spark_conf custom_tags aws_attributes",
    compute.AwsAttributes: "instance_profile_arn ebs_volume_type ebs_volume_count ebs_volume_size",
    compute.ClusterDetails: "cluster_id cluster_name state state_message spark_version node_type_id "
    "data_security_mode single_user_name aws_attributes autoscale num_workers autotermination_minutes "
    "custom_tags cluster_source",
    compute.NodeType: "node_type_id node_instance_type",
    compute.NodeInstanceType: "local_disks local_nvme_disks",
    compute.Policy: "policy_id name description definition",
    compute.InstanceProfile: "instance_profile_arn",
    compute.ClusterAccessControlRequest: "user_name service_principal_name permission_level",
    compute.ClusterAccessControlResponse: "user_name service_principal_name all_permissions",
    jobs.JobAccessControlRequest: "user_name group_name permission_level",
    catalog.PermissionsChange: "principal add remove",
    catalog.EffectivePrivilegeAssignment: "principal privileges",
    catalog.EffectivePrivilege: "privilege",
    catalog.MetastoreAssignment: "default_catalog_name",
    catalog.TableInfo: "table_type storage_location properties columns",
    catalog.ExternalLocationInfo: "name url owner",
    catalog.StorageCredentialInfo: "name comment",
    iam.User: "user_name groups",
    iam.ComplexValue: "display",
    sql.StatementResponse: "statement_id status manifest result",
}
# The calls whose arguments are keys of a body.
CALLS = {
    jobs.JobsAPI.submit: "run_name tasks environments timeout_seconds idempotency_token run_as "
    "access_control_list performance_target",
    catalog.GrantsAPI.update: "securable_type full_name changes",
    catalog.GrantsAPI.get_effective: "securable_type full_name principal",
    catalog.StorageCredentialsAPI.update: "name comment skip_validation",
    sql.WarehousesAPI.set_permissions: "warehouse_id access_control_list",
    compute.ClustersAPI.create: "cluster_name spark_version node_type_id num_workers autoscale "
    "data_security_mode single_user_name autotermination_minutes aws_attributes spark_conf custom_tags",
    compute.ClusterPoliciesAPI.create: "name definition description",
    compute.ClustersAPI.update_permissions: "cluster_id access_control_list",
    compute.ClusterPoliciesAPI.update_permissions: "cluster_policy_id access_control_list",
    sql.StatementExecutionAPI.execute_statement: "statement warehouse_id wait_timeout on_wait_timeout "
    "disposition format",
}
WHEEL = "/Volumes/main/a/code/cloudtrail_jobs-0.1.0+ha-py3-none-any.whl"
PROFILE = "arn:aws:iam::123456789012:instance-profile/reader"


@pytest.mark.parametrize("known", IN_USE, ids=lambda known: known.__name__)
def test_the_sdk_knows_each_field_in_use(known):
    assert set(IN_USE[known].split()) - {field.name for field in fields(known)} == set()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__qualname__)
def test_the_sdk_knows_each_argument_in_use(call):
    assert set(CALLS[call].split()) - inspect.signature(call).parameters.keys() == set()


def in_use(body, known):
    """The body's fields that the list does not have."""
    return set(body) - set(IN_USE[known].split())


@pytest.mark.parametrize(
    "changed",
    [
        {"compute": "existing_cluster", "cluster_id": "sandbox-cluster"},
        {"compute": "new_cluster", "instance_profile_arn": PROFILE},
        {"compute": "serverless", "code_root": "/Volumes/main/a/code"},
    ],
    ids=lambda changed: changed["compute"],
)
def test_what_an_ingest_sends_is_on_the_list_and_survives_the_sdk(changed):
    params = {name: param.value for name, param in ingest_params().items()} | changed
    requests = list(resolve_requests(params).values())
    body = submit_payload(requests, params, wheel=WHEEL, name="n", run="r", volumes=VOLUMES)
    (task,) = body["tasks"]
    assert jobs.SubmitTask.from_dict(task).as_dict() == task
    assert set(body) <= set(CALLS[jobs.JobsAPI.submit].split())
    assert not in_use(task, jobs.SubmitTask)
    assert not in_use(task["python_wheel_task"], jobs.PythonWheelTask)
    for library in task.get("libraries", []):
        assert not in_use(library, compute.Library)
    if cluster := task.get("new_cluster"):
        assert not in_use(cluster, compute.ClusterSpec)
        assert not in_use(cluster["aws_attributes"], compute.AwsAttributes)
    for environment in body.get("environments", []):
        assert jobs.JobEnvironment.from_dict(environment).as_dict() == environment
        assert not in_use(environment["spec"], compute.Environment)


@pytest.mark.parametrize("principal", ["5b3dbd55-5ad3-4d5c-8f8b-2c1b5a0f4a11", "someone@example.com"])
def test_what_the_access_check_sends_is_on_the_list_and_survives_the_sdk(principal):
    on = {"existing_cluster_id": "c"}
    body = verify_payload(on, {"list": ["s3://b"]}, wheel=WHEEL, name="n", minutes=1, principal=principal)
    assert set(body) <= set(CALLS[jobs.JobsAPI.submit].split())
    assert jobs.JobRunAs.from_dict(body["run_as"]).as_dict() == body["run_as"] == named(principal)
    assert jobs.SubmitTask.from_dict(body["tasks"][0]).as_dict() == body["tasks"][0]


def test_what_the_set_up_manages_of_a_cluster_is_on_the_list():
    cluster = Cluster(
        setup="s",
        cluster="c",
        spark_version="17.3.x-scala2.13",
        node_type_id="m6id.large",
        min_workers=1,
        max_workers=2,
        access_mode="SINGLE_USER",
        autotermination_minutes=30,
        principal="someone@example.com",
    )
    # These two are the set-up's words for parts of the cluster.
    wanted = set(cluster.wanted(None)) - {"instance_profile_arn", "ingest_principal_can_manage"}
    assert wanted <= set(CALLS[compute.ClustersAPI.create].split())
