"""What was there before the set-up: adopted, changed only where that is asked for, never removed."""

import json

import pytest
from databricks.sdk.service.catalog import AwsIamRoleRequest
from databricks.sdk.service.compute import AwsAttributes

from cloudtrail_to_delta.setup.databricks.catalog import LocationConflictError
from cloudtrail_to_delta.setup.refusals import SetupFailedError, SetupRefusedError
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import BUCKET, LOGS
from tests.integration.plugins.cloudtrail_to_delta.setup.databricks.conftest import CATALOG

RUNTIME = "17.3.x-scala2.13"
PROFILE = f"arn:aws:iam::{LOGS}:instance-profile/cloudtrail-reader"


def change_of(plan, word):
    (change,) = [change for change in plan.changes if change.resource.startswith(word)]
    return change


@pytest.fixture
def theirs(workspace):
    """Somebody's cluster of the name that the set-up would give one."""
    cluster = workspace.sdk.clusters.create(
        RUNTIME, cluster_name="cloudtrail", node_type_id="m6id.xlarge", num_workers=2
    )
    return cluster.cluster_id


def test_a_cluster_without_our_tag_is_adopted_its_difference_shown_and_not_removed(workspace, theirs):
    request = workspace.request()
    plan = workspace.plan(request)
    change = change_of(plan, "cluster ")
    assert (change.verb, change.left["node_type_id"]) == ("adopt", "m6id.large")
    assert "change_adopted" in plan.render()
    workspace.apply(request, plan)
    assert workspace.sdk.clusters.get(theirs).node_type_id == "m6id.xlarge"
    workspace.apply(workspace.request(mode="remove"))
    assert workspace.sdk.clusters.get(theirs).custom_tags is None


def test_an_adopted_cluster_is_changed_where_that_is_asked_for_and_still_not_ours(workspace, theirs):
    workspace.running(theirs)
    request = workspace.made(change_adopted=["databricks"])
    cluster = workspace.sdk.clusters.get(theirs)
    assert (cluster.node_type_id, cluster.num_workers) == ("m6id.large", 0)
    assert cluster.aws_attributes.instance_profile_arn == PROFILE
    assert not workspace.plan(request).writes
    workspace.apply(workspace.request(mode="remove"))
    assert theirs in {one.cluster_id for one in workspace.sdk.clusters.list()}


def test_ours_is_found_among_clusters_of_the_same_name(workspace, theirs):
    first = workspace.made(cluster_name="mine")
    mine = next(one for one in workspace.sdk.clusters.list() if one.cluster_name == "mine")
    workspace.sdk.clusters.create(RUNTIME, cluster_name="mine", node_type_id="m6id.large", num_workers=1)
    assert not workspace.plan(first).writes
    workspace.apply(workspace.request(cluster_name="mine", mode="remove"))
    left = {one.cluster_id for one in workspace.sdk.clusters.list() if one.cluster_name == "mine"}
    assert mine.cluster_id not in left
    assert len(left) == 1


def test_a_profile_that_is_not_ours_stays_registered(workspace):
    iam = workspace.world.client("iam")
    iam.create_instance_profile(InstanceProfileName="cloudtrail-reader")
    workspace.sdk.instance_profiles.add(PROFILE, skip_validation=True)
    workspace.made(databricks_compute="none", change_adopted=["role"])
    removal = {"actions": ["databricks"], "databricks_compute": "none", "mode": "remove"}
    workspace.apply(workspace.request(**removal))
    assert ("profile", PROFILE) in workspace.objects()


def test_a_role_that_was_there_keeps_who_else_may_assume_it(workspace):
    iam = workspace.world.client("iam")
    theirs = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [theirs]})
    iam.create_role(RoleName="cloudtrail-reader", AssumeRolePolicyDocument=trust)

    def statements():
        role = iam.get_role(RoleName="cloudtrail-reader")["Role"]
        return role["AssumeRolePolicyDocument"]["Statement"]

    request = workspace.made(**CATALOG, databricks_compute="none")
    assert len(statements()) == 3
    assert theirs in statements()
    assert not workspace.plan(request).writes
    workspace.apply(workspace.request(**CATALOG, databricks_compute="none", mode="remove"))
    assert statements() == [theirs]


def test_a_location_that_holds_the_place_is_adopted_whatever_its_name(workspace):
    sdk, request = workspace.sdk, workspace.request(**CATALOG, databricks_compute="none")
    sdk.storage_credentials.create("theirs", aws_iam_role=AwsIamRoleRequest("arn:aws:iam::1:role/x"))
    sdk.external_locations.create(
        "whole-lake", url="s3://lake", credential_name="theirs", read_only=True, skip_validation=True
    )
    plan = workspace.plan(request)
    change = change_of(plan, "external location cloudtrail_tables")
    assert (change.verb, change.after["url"], change.left["read_only"]) == ("adopt", "s3://lake", False)
    workspace.apply(request, plan)
    workspace.apply(workspace.request(**CATALOG, databricks_compute="none", mode="remove"))
    assert sdk.external_locations.get("whole-lake").credential_name == "theirs"


@pytest.mark.parametrize(
    ("name", "url", "words"),
    [
        ("inner", f"s3://{BUCKET}/AWSLogs/111122223333", "'inner' .* lies inside it"),
        (
            "cloudtrail_logs",
            "s3://elsewhere/logs",
            "another location, for s3://elsewhere/logs, has this name",
        ),
    ],
)
def test_a_location_in_the_way_is_said_when_it_is_planned(workspace, name, url, words):
    workspace.sdk.external_locations.create(name, url=url, credential_name="sandbox", skip_validation=True)
    with pytest.raises(LocationConflictError, match=words):
        workspace.plan(workspace.request(**CATALOG))


def test_what_databricks_asked_aws_in_vain_is_tried_again_and_then_explained(workspace):
    role = workspace.request(actions=["role"])
    workspace.apply(role)
    request = workspace.request()
    plan = workspace.plan(request)
    iam = workspace.world.client("iam")
    names = {"InstanceProfileName": "cloudtrail-reader", "RoleName": "cloudtrail-reader"}
    iam.remove_role_from_instance_profile(**names)
    workspace.forget()
    databricks_only = workspace.request(actions=["databricks"])
    plan = workspace.plan(databricks_only)
    with pytest.raises(SetupFailedError, match=r"Invalid IAM Instance Profile ARN.*correct the policy"):
        workspace.apply(databricks_only, plan)
    assert [path for _, path in workspace.writes()] == ["/api/2.0/instance-profiles/add"] * 3
    iam.add_role_to_instance_profile(**names)
    workspace.apply(databricks_only, plan)
    assert not workspace.plan(request).writes


def test_a_profile_is_registered_untried_only_when_asked(workspace):
    request = workspace.request(
        actions=["databricks"], databricks_compute="none", skip_profile_validation=True
    )
    workspace.apply(request)
    assert ("profile", PROFILE) in workspace.objects()


def test_a_refused_token_says_which_resource_and_what_to_allow(workspace, monkeypatch):
    connection = f'{{"conn_type": "databricks", "schema": "http", "host": "{workspace.one.host}", '
    connection += f'"port": {workspace.one.port}, "password": "wrong"}}'
    monkeypatch.setenv("AIRFLOW_CONN_DATABRICKS_DEFAULT", connection)
    with pytest.raises(SetupRefusedError, match=r"registration of instance profile .* Databricks connection"):
        workspace.plan(workspace.request())


def test_attributes_that_others_set_on_aws_survive_an_edit(workspace):
    cluster = workspace.sdk.clusters.create(
        RUNTIME,
        cluster_name="cloudtrail",
        node_type_id="m6id.large",
        num_workers=1,
        aws_attributes=AwsAttributes(zone_id="us-east-1a"),
    )
    workspace.running(cluster.cluster_id)
    workspace.made(change_adopted=["databricks"])
    edited = workspace.sdk.clusters.get(cluster.cluster_id)
    assert (edited.aws_attributes.zone_id, edited.aws_attributes.instance_profile_arn) == (
        "us-east-1a",
        PROFILE,
    )
