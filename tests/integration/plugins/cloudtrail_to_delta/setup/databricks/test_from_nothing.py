"""From nothing to what the ingest runs on, and back: each variant of the Databricks part, over HTTP."""

import json

import pytest
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.compute import DataSecurityMode

from cloudtrail_to_delta.operators.setup import BY_TAG
from cloudtrail_to_delta.params.ingest import ingest_params
from cloudtrail_to_delta.preflight.workspace import decide_policy
from cloudtrail_to_delta.setup.databricks.access import compute_params
from sandbox.databricks.settings import SERVICE_PRINCIPAL, WAREHOUSE_ID
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import BUCKET, LOGS
from tests.integration.plugins.cloudtrail_to_delta.setup.databricks.conftest import CATALOG

PROFILE = f"arn:aws:iam::{LOGS}:instance-profile/cloudtrail-reader"
VARIANTS = {
    "profile and cluster": {},
    "profile and policy": {"databricks_compute": "cluster_policy"},
    "catalog and cluster": CATALOG,
    "catalog with file events": CATALOG | {"discovery": "file_events", "databricks_compute": "none"},
}


@pytest.mark.parametrize("changed", VARIANTS.values(), ids=VARIANTS)
def test_everything_is_made_once_planned_no_more_and_removed_again(workspace, changed):
    before = workspace.objects()
    request = workspace.request(**changed)
    plan = workspace.plan(request)
    assert {change.verb for change in plan.changes} == {"create"}
    workspace.apply(request, plan)
    again = workspace.plan(request)
    assert not again.writes, again.render()
    workspace.forget()
    workspace.apply(request, again)
    assert not workspace.writes()
    removal = workspace.request(**changed, mode="remove")
    workspace.apply(removal)
    assert workspace.objects() == before
    assert not workspace.plan(removal).writes
    assert set(workspace.state(removal).values()) == {None}


# Params that mention nothing of what the variants make.
OTHER = {"cluster_name": "other", "reader_role": "other", "databricks_compute": "none"}


@pytest.mark.parametrize("changed", VARIANTS.values(), ids=VARIANTS)
def test_a_removal_with_other_params_finds_it_by_its_tag_or_mark(workspace, changed):
    before = workspace.objects()
    workspace.made(**changed)
    workspace.sdk.clusters.create(
        cluster_name="of-others",
        spark_version="17.3.x-scala2.13",
        node_type_id="m6id.large",
        num_workers=1,
        custom_tags={"cloudtrail-setup": "another"},
    )
    removal = workspace.request(**OTHER, mode="remove")
    plan = workspace.plan(removal)
    assert {change.note for change in plan.writes} == {BY_TAG}
    workspace.apply(removal, plan)
    (left,) = workspace.objects() - before
    assert workspace.sdk.clusters.get(left[1]).cluster_name == "of-others"
    roles = workspace.world.client("iam").list_roles()["Roles"]
    assert "cloudtrail-reader" not in [role["RoleName"] for role in roles]
    assert not workspace.plan(removal).writes


def test_the_cluster_is_as_asked_and_carries_our_tag(workspace):
    workspace.made(min_workers=1, max_workers=3, node_type_id="m7g.large", autotermination_minutes=20)
    (cluster,) = [one for one in workspace.sdk.clusters.list() if one.cluster_name == "cloudtrail"]
    assert cluster.custom_tags == {"cloudtrail-setup": "cloudtrail"}
    assert (cluster.autoscale.min_workers, cluster.autoscale.max_workers) == (1, 3)
    assert cluster.data_security_mode == DataSecurityMode.SINGLE_USER
    assert (cluster.spark_version, cluster.autotermination_minutes) == ("17.3.x-scala2.13", 20)
    # Its nodes have no disk.
    assert (cluster.aws_attributes.instance_profile_arn, cluster.aws_attributes.ebs_volume_count) == (
        PROFILE,
        1,
    )
    assert PROFILE in {one.instance_profile_arn for one in workspace.sdk.instance_profiles.list()}


@pytest.mark.parametrize("compute", ["cluster", "cluster_policy"])
def test_the_compute_is_the_ingests_if_another_principal_runs_it(workspace, compute):
    request = workspace.made(ingest_principal=SERVICE_PRINCIPAL, databricks_compute=compute)
    if compute == "cluster":
        (made,) = [one for one in workspace.sdk.clusters.list() if one.cluster_name == "cloudtrail"]
        assert made.single_user_name == SERVICE_PRINCIPAL
        found = workspace.sdk.clusters.get_permissions(made.cluster_id)
    else:
        (made,) = workspace.sdk.cluster_policies.list()
        found = workspace.sdk.cluster_policies.get_permissions(made.policy_id)
    levels = {
        entry.service_principal_name: [one.permission_level.value for one in entry.all_permissions]
        for entry in found.access_control_list
    }
    wanted = "CAN_MANAGE" if compute == "cluster" else "CAN_USE"
    assert levels[SERVICE_PRINCIPAL] == [wanted]
    assert not workspace.plan(request).writes


WHEN_ANOTHER_RUNS_IT = CATALOG | {
    "ingest_principal": SERVICE_PRINCIPAL,
    "databricks_compute": "none",
    "warehouse_id": WAREHOUSE_ID,
    "events_table": "main.security.events",
}


def privileges(workspace):
    """What the ingest's principal has: object → privileges or permission."""
    sdk, found = workspace.sdk, {}
    for kind, name in (
        ("CATALOG", "main"),
        *(("SCHEMA", f"main.{one}") for one in ("default", "security")),
        ("VOLUME", "main.security.code"),
        *(("EXTERNAL_LOCATION", one.name) for one in sdk.external_locations.list()),
    ):
        for each in sdk.grants.get(kind, name, principal=SERVICE_PRINCIPAL).privilege_assignments or []:
            found[name] = {one.value for one in each.privileges}
    acl = sdk.warehouses.get_permissions(WAREHOUSE_ID).access_control_list
    if SERVICE_PRINCIPAL in [one.service_principal_name for one in acl]:
        found["warehouse"] = {"CAN_USE"}
    return found


ALL = {
    "main": {"USE_CATALOG"},
    "main.default": {"USE_SCHEMA", "CREATE_TABLE"},
    "main.security": {"USE_SCHEMA", "CREATE_TABLE"},
    "main.security.code": {"READ_VOLUME", "WRITE_VOLUME"},
    "cloudtrail_logs": {"READ_FILES"},
    "cloudtrail_tables": {"READ_FILES", "WRITE_FILES", "CREATE_EXTERNAL_TABLE"},
    "cloudtrail_checkpoints": {"READ_FILES", "WRITE_FILES"},
    "warehouse": {"CAN_USE"},
}


def test_the_ingests_principal_gets_exactly_what_it_lacks_and_a_removal_takes_exactly_that(workspace):
    for name, found in privileges(workspace).items():
        # What set-ups of other tests have left, which have no storage credential to note it.
        kind = "CATALOG" if name == "main" else "SCHEMA"
        gone = PermissionsChange(principal=SERVICE_PRINCIPAL, remove=[Privilege(one) for one in found])
        workspace.sdk.grants.update(kind, name, changes=[gone])
    already = PermissionsChange(principal=SERVICE_PRINCIPAL, add=[Privilege.USE_SCHEMA])
    workspace.sdk.grants.update("SCHEMA", "main.security", changes=[already])
    try:
        request = workspace.request(**WHEN_ANOTHER_RUNS_IT)
        plan = workspace.plan(request)
        shown = f"privileges of {SERVICE_PRINCIPAL} on schema main.security"
        (change,) = [one for one in plan.changes if one.resource == shown]
        assert (change.before, change.after["privileges"]) == (
            {"privileges": ["USE_SCHEMA"]},
            ["CREATE_TABLE", "USE_SCHEMA"],
        )
        workspace.apply(request, plan)
        assert privileges(workspace) == ALL
        assert not workspace.plan(request).writes
        workspace.apply(workspace.request(**OTHER, mode="remove"))
        assert privileges(workspace) == {"main.security": {"USE_SCHEMA"}}
    finally:
        gone = PermissionsChange(principal=SERVICE_PRINCIPAL, remove=[Privilege.USE_SCHEMA])
        workspace.sdk.grants.update("SCHEMA", "main.security", changes=[gone])


def test_without_a_principal_the_cluster_stays_that_of_whoever_made_it(workspace):
    request = workspace.made()
    (made,) = [one for one in workspace.sdk.clusters.list() if one.cluster_name == "cloudtrail"]
    assert made.single_user_name == "sandbox@example.com"
    assert not workspace.plan(request).writes


def test_a_changed_param_changes_the_cluster_and_leaves_what_others_set_on_it(workspace):
    workspace.made(min_workers=1, max_workers=3)
    (cluster,) = [one for one in workspace.sdk.clusters.list() if one.cluster_name == "cloudtrail"]
    workspace.running(cluster.cluster_id)
    body = cluster.as_dict()
    kept = {key: body[key] for key in ("cluster_id", "spark_version", "node_type_id", "autoscale")}
    kept |= {key: body[key] for key in ("aws_attributes", "data_security_mode", "autotermination_minutes")}
    more = {"custom_tags": body["custom_tags"] | {"team": "security"}, "spark_conf": {"spark.a": "b"}}
    changed = kept | more | {"cluster_name": "cloudtrail"}
    assert workspace.one.call("POST", "/api/2.1/clusters/edit", json=changed).ok
    request = workspace.request(min_workers=0, max_workers=0)
    plan = workspace.plan(request)
    assert [change.verb for change in plan.writes] == ["change"]
    workspace.running(cluster.cluster_id)
    workspace.apply(request, plan)
    edited = workspace.sdk.clusters.get(cluster.cluster_id)
    assert (edited.num_workers, edited.autoscale) == (0, None)
    assert edited.custom_tags == more["custom_tags"] | {"ResourceClass": "SingleNode"}
    assert edited.spark_conf["spark.a"] == "b"
    assert edited.spark_conf["spark.master"] == "local[*]"
    assert not workspace.plan(request).writes


def test_the_policy_holds_clusters_to_the_profile_and_to_an_end(workspace):
    workspace.made(databricks_compute="cluster_policy", max_workers=4, min_workers=2)
    (policy,) = workspace.sdk.cluster_policies.list()
    rules = json.loads(policy.definition)
    assert rules["aws_attributes.instance_profile_arn"] == {"type": "fixed", "value": PROFILE}
    assert rules["autotermination_minutes"]["maxValue"] == 30
    assert rules["autoscale.max_workers"]["maxValue"] == 4
    assert policy.description.endswith("[cloudtrail-setup: cloudtrail]")


def test_an_ingest_starts_its_cluster_under_the_policy_that_was_made(workspace):
    request = workspace.made(databricks_compute="cluster_policy", min_workers=1, max_workers=2)
    (policy,) = workspace.sdk.cluster_policies.list()
    params = compute_params(request, workspace.clouds)
    assert params == {
        "compute": "new_cluster",
        "policy_id": policy.policy_id,
        "num_workers": 1,
        "spark_version": "17.3.x-scala2.13",
        "node_type_id": "m6id.large",
    }
    # A job's cluster takes neither an end when idle nor both sizes, and would get what has a default.
    assert not [path for path, rule in json.loads(policy.definition).items() if "defaultValue" in rule]
    form = ingest_params()
    assert {name: form[name].resolve(value) for name, value in params.items()} == params
    # The ingest's preflight finds nothing that the policy refuses, and the access mode that was asked for.
    (finding,), _ = decide_policy(params, json.loads(policy.definition))
    assert (finding.status, finding.detail) == ("ok", "allows the new cluster; access mode SINGLE_USER")


def test_the_roles_trust_has_the_credentials_external_id_and_the_locations_are_what_they_are_for(workspace):
    request = workspace.made(**CATALOG, discovery="file_events", databricks_compute="none")
    credential = workspace.sdk.storage_credentials.get("cloudtrail")
    role = workspace.world.client("iam").get_role(RoleName="cloudtrail-reader")["Role"]
    trusted = {one["Principal"]["AWS"]: one for one in role["AssumeRolePolicyDocument"]["Statement"]}
    assert set(trusted) == {credential.aws_iam_role.unity_catalog_iam_arn, request.reader_role_arn}
    for statement in trusted.values():
        condition = {"StringEquals": {"sts:ExternalId": credential.aws_iam_role.external_id}}
        assert statement["Condition"] == condition
    locations = {one.url: one for one in workspace.sdk.external_locations.list() if one.comment}
    assert set(locations) == {
        f"s3://{BUCKET}/AWSLogs",
        "s3://lake/delta",
        "s3://lake/checkpoints",
    }
    logs = locations[f"s3://{BUCKET}/AWSLogs"]
    assert (logs.read_only, logs.effective_enable_file_events) == (True, True)
    assert logs.effective_file_event_queue.managed_sqs is not None
    lake = locations["s3://lake/delta"]
    assert (lake.read_only, lake.effective_enable_file_events) == (False, False)
    assert {one.credential_name for one in locations.values()} == {"cloudtrail"}
