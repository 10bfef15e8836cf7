"""The Databricks checks over HTTP: each fails for its reason, in one finding with what to do."""

import json

import pytest
from databricks.sdk.service.catalog import PermissionsChange, Privilege

from cloudtrail_to_delta.params.request import IngestRequest
from sandbox.databricks.settings import SERVICE_PRINCIPAL
from tests.fixtures.databricks import StandIn
from tests.integration.plugins.cloudtrail_to_delta.conftest import WAITS, form_values, request_dicts, submit

PROFILE = "arn:aws:iam::123456789012:instance-profile/cloudtrail-reader"
NEW = {
    "compute": "new_cluster",
    "cluster_id": None,
    "spark_version": "17.3.x-scala2.13",
    "node_type_id": "m6id.large",
    "instance_profile_arn": PROFILE,
}


def of_databricks(report):
    return {finding.subject: finding for finding in report.findings if finding.check == "databricks"}


@pytest.mark.parametrize(
    ("changed", "subject", "said", "remedy"),
    [
        ({"cluster_id": "sandbox-oldd"}, "compute sandbox-oldd", "does not exist", "the correct cluster_id"),
        ({"cluster_id": "sandbox-old"}, "cluster sandbox-old", "older than 17.3 LTS", "newer runtime"),
        (
            {
                "cluster_id": "sandbox-shared",
                "discovery": "notifications",
                "code_root": "/Volumes/main/default/code",
            },
            "cluster sandbox-shared",
            "access mode USER_ISOLATION, but discovery='notifications' needs SINGLE_USER",
            "or discovery 'listing'",
        ),
        (
            {"cluster_id": "sandbox-legacy", "discovery": "file_events"},
            "cluster sandbox-legacy",
            "access mode NONE, but discovery='file_events' needs",
            "or discovery 'listing'",
        ),
        (
            {"cluster_id": "sandbox-no-profile"},
            "cluster sandbox-no-profile",
            "has no instance profile, so it cannot read the job wheel from s3://",
            "Set code_root to a Unity Catalog volume",
        ),
        (
            {"cluster_id": "sandbox-standard"},
            "cluster sandbox-standard",
            "has access mode USER_ISOLATION, in which code cannot use the instance profile",
            "dedicated access mode, or one without an instance profile",
        ),
        (
            {"cluster_id": "sandbox-of-others"},
            "cluster sandbox-of-others",
            "is dedicated to other@example.com, but the ingest runs as sandbox@example.com",
            "Dedicate the cluster to sandbox@example.com",
        ),
        ({"cluster_id": "sandbox-broken"}, "cluster sandbox-broken", "could not be acquired", "replace"),
        ({"warehouse_id": "other"}, "warehouse other", "does not exist", "the correct warehouse_id"),
        (
            NEW | {"spark_version": "17.3.x-scala2.3"},
            "runtime 17.3.x-scala2.3",
            "is not available",
            "17.3.x-scala2.13",
        ),
        (NEW | {"spark_version": "15.4.x-scala2.12"}, "runtime 15.4.x-scala2.12", "older than", "newer"),
        (NEW | {"node_type_id": "m6id.largo"}, "node type m6id.largo", "is not available", "'m6id.large'"),
    ],
)
def test_what_does_not_fit_fails_with_its_reason(account, changed, subject, said, remedy):
    report = account.preflight(**changed)
    assert [finding.subject for finding in report.failed if finding.check == "databricks"] == [subject]
    finding = of_databricks(report)[subject]
    assert said in finding.detail
    assert remedy in finding.remedy


@pytest.fixture
def policy(databricks):
    """Rules → the id of a cluster policy that has them, gone after the test."""
    made = []

    def make(**rules):
        policies = databricks.sdk().cluster_policies
        definition = json.dumps({path.replace("__", "."): rule for path, rule in rules.items()})
        made.append(policies.create(name=f"preflight-{len(made)}", definition=definition).policy_id)
        return made[-1]

    yield make
    for policy_id in made:
        databricks.sdk().cluster_policies.delete(policy_id)


def fixed(value):
    return {"type": "fixed", "value": value}


GIVES_ALL = {
    "spark_version": fixed("17.3.x-scala2.13"),
    "node_type_id": {"type": "allowlist", "values": ["m6id.large"], "defaultValue": "m6id.large"},
    "data_security_mode": fixed("SINGLE_USER"),
    "aws_attributes__instance_profile_arn": fixed(PROFILE),
}
OF_THE_POLICY = {
    "compute": "new_cluster",
    **dict.fromkeys(("cluster_id", "spark_version", "node_type_id", "instance_profile_arn")),
}


def test_a_policy_may_give_all_of_a_new_cluster(account, policy):
    report = account.preflight(**OF_THE_POLICY, policy_id=policy(**GIVES_ALL), discovery="notifications")
    assert not [one for one in report.failed if one.check in ("databricks", "instance_profile")]
    assert {"runtime 17.3.x-scala2.13", "node type m6id.large"} <= set(of_databricks(report))
    # Its profile is looked at as if the params had named it.
    assert of_profiles(report)[PROFILE].status == "ok"


@pytest.mark.parametrize(
    ("rules", "changed", "said"),
    [
        (
            {"node_type_id": fixed("m6id.xlarge")},
            {"node_type_id": "m6id.large"},
            "node_type_id is 'm6id.large', but the policy requires 'm6id.xlarge'",
        ),
        (
            {"num_workers": {"type": "range", "minValue": 1, "maxValue": 4}},
            {"num_workers": 0},
            "num_workers is 0, but the policy requires 1 to 4",
        ),
        (
            {"aws_attributes__instance_profile_arn": {"type": "forbidden"}},
            {"instance_profile_arn": PROFILE},
            "but the policy requires no value",
        ),
        (
            {"data_security_mode": fixed("USER_ISOLATION")},
            {"discovery": "notifications"},
            "access mode USER_ISOLATION, but discovery='notifications' needs SINGLE_USER",
        ),
        ({"data_security_mode": {"type": "unlimited"}}, {"discovery": "file_events"}, "has access mode NONE"),
    ],
)
def test_what_a_policy_refuses_is_said_before_the_run(account, policy, rules, changed, said):
    policy_id = policy(**(GIVES_ALL | rules))
    report = account.preflight(**(OF_THE_POLICY | {"policy_id": policy_id} | changed))
    found = [one for one in report.failed if one.subject == f"cluster policy {policy_id}"]
    assert said in " ".join(finding.detail for finding in found)


def test_a_runtime_and_a_node_type_that_nobody_gives_are_missing(account, policy):
    report = account.preflight(
        **OF_THE_POLICY,
        policy_id=policy(num_workers={"type": "unlimited"}),
        code_root="/Volumes/main/default/code",
    )
    failed = {one.subject: one.remedy for one in report.failed}
    assert failed == {"runtime": "Set spark_version.", "node type": "Set node_type_id."}


def test_a_policy_that_is_not_there_fails(account):
    report = account.preflight(**OF_THE_POLICY, policy_id="0000")
    (finding,) = [one for one in report.failed if one.check == "databricks"]
    assert "Can't find a cluster policy with id: 0000" in finding.detail


def of_profiles(report):
    return {finding.subject: finding for finding in report.findings if finding.check == "instance_profile"}


@pytest.mark.parametrize(
    ("changed", "profile"),
    [
        (NEW | {"instance_profile_arn": f"{PROFILE}-x"}, f"{PROFILE}-x"),
        ({"cluster_id": "sandbox-stranger"}, f"{PROFILE}-of-others"),
    ],
)
def test_an_instance_profile_that_is_not_registered_fails(account, changed, profile):
    report = account.preflight(**changed)
    (finding,) = report.failed
    assert (finding.check, finding.subject) == ("instance_profile", profile)
    assert "is not registered" in finding.detail
    assert "Register it" in finding.remedy
    # IAM has no such profile, so its role was not compared, and that is said.
    assert of_profiles(report)[f"role of {profile}"].status == "warning"


@pytest.mark.parametrize("changed", [NEW, {"cluster_id": "sandbox-cluster"}])
def test_a_cluster_that_runs_with_another_role_than_the_simulated_one_is_a_warning(account, changed):
    found = of_profiles(account.preflight(**changed))
    assert {finding.status for finding in found.values()} == {"ok"}
    found = of_profiles(account.preflight(**changed, reader_role_arn=account.seeded.denied_role_arn))
    finding = found[f"role of {PROFILE}"]
    assert finding.status == "warning"
    assert finding.detail == (
        f"is {account.seeded.reader_role_arn}, but {account.seeded.denied_role_arn} was simulated"
    )
    assert f"Set reader_role_arn to {PROFILE}" in finding.remedy


@pytest.mark.parametrize(
    "changed",
    [
        NEW,
        {"compute": "serverless", "code_root": "/Volumes/main/default/code"},
        NEW | {"node_type_id": "m7g.large"},
        # The form as it is: a new cluster, and the wheel in a volume.
        {"compute": "new_cluster", "cluster_id": None, "code_root": "/Volumes/main/default/code"},
        {
            "cluster_id": "sandbox-shared",
            "discovery": "file_events",
            "code_root": "/Volumes/main/default/code",
        },
        {"cluster_id": "sandbox-no-profile", "code_root": "/Volumes/main/default/code"},
        {"cluster_id": "sandbox-legacy"},
    ],
)
def test_what_fits_passes(account, changed):
    report = account.preflight(**changed)
    assert not report.failed, report.render()


def test_a_refused_token_is_one_finding_and_the_other_checks_go_on(account, databricks, monkeypatch):
    connection = {"conn_type": "databricks", "schema": "http", "host": databricks.host, "password": "wrong"}
    monkeypatch.setenv("AIRFLOW_CONN_DATABRICKS_DEFAULT", json.dumps(connection | {"port": databricks.port}))
    report = account.preflight()
    (failed,) = report.failed
    assert failed.subject == "compute sandbox-cluster, warehouse sandbox-warehouse, active runs"
    assert "Check the token" in failed.remedy
    assert "wrong" not in report.render().replace("went wrong", "")


def test_an_active_run_on_the_checkpoint_fails_unless_it_is_this_dag_runs_own(account, stage, databricks):
    params = form_values()
    request = IngestRequest.from_dict(request_dicts(params)["events"])
    submit(stage(WAITS), "manual__2")
    try:
        values = {name: params[name] for name in ("account", "target_root", "checkpoint_root")}
        subject = f"runs on {request.checkpoint_path}"
        report = account.preflight(**values)
        (finding,) = report.failed
        assert finding.subject == subject
        assert f"cloudtrail events {request.checkpoint_path} " in finding.detail
        assert "/runs/" in finding.detail
        own = account.preflight(**values, own_run="(cloudtrail_ingest, manual__2)")
        assert of_databricks(own)[subject].detail == "none is active"
    finally:
        databricks.cancel_all()


def test_a_shared_run_is_active_on_each_of_its_checkpoints(account, stage, databricks):
    params = form_values()
    submit(stage(WAITS), "manual__2", share_run=True)
    try:
        values = {name: params[name] for name in ("account", "target_root", "checkpoint_root")}
        failed = account.preflight(**values, kinds=["events", "insights", "network_activity"]).failed
        (finding,) = (finding for finding in failed if finding.check == "databricks")
        assert finding.subject == ", ".join(
            f"runs on {IngestRequest.from_dict(request_dicts(params)[kind]).checkpoint_path}"
            for kind in ("events", "insights")
        )
        own = account.preflight(**values, own_run="(cloudtrail_ingest, manual__2)")
        assert not [finding for finding in own.failed if finding.check == "databricks"]
    finally:
        databricks.cancel_all()


def of_locations(report):
    return [finding for finding in report.findings if finding.check == "external_location"]


def test_file_events_need_an_external_location_that_announces_new_files(account):
    account.deliver("events", root="quiet/")
    (found,) = of_locations(account.preflight(discovery="file_events", kinds=["events"]))
    assert (found.status, found.subject) == ("ok", "logs of events")
    (found,) = of_locations(account.preflight(discovery="file_events", kinds=["events"], prefix="quiet"))
    assert found.status == "failed"
    assert "'cloudtrail-logs-quiet' contains them, but file events are not enabled" in found.detail
    account.s3.create_bucket(Bucket="other-trail")
    other = {"discovery": "file_events", "kinds": ["events"], "bucket": "other-trail"}
    (found,) = of_locations(account.preflight(**other))
    assert found.status == "failed"
    assert "contains s3://other-trail/AWSLogs/111122223333/CloudTrail/" in found.detail
    assert "Create an external location for s3://other-trail" in found.remedy


def test_other_discoveries_ask_for_no_external_location(account):
    assert not of_locations(account.preflight(kinds=["events"]))


@pytest.fixture
def of_service(tmp_path, aws, monkeypatch):
    """A workspace whose connection is a service principal's, with every right of an ingest."""
    one = StandIn(tmp_path / "two", aws.endpoint)
    one.service_token = "dapi-of-the-service"
    one.start()
    connection = {"conn_type": "databricks", "schema": "http", "host": one.host, "port": one.port}
    monkeypatch.setenv(
        "AIRFLOW_CONN_DATABRICKS_DEFAULT", json.dumps(connection | {"password": one.service_token})
    )
    yield one
    one.stop()


LACKING = (
    ("SCHEMA", "main.default", "CREATE_TABLE", "schema main.default"),
    ("EXTERNAL_LOCATION", "cloudtrail-lake", "WRITE_FILES", "external location cloudtrail-lake"),
    ("EXTERNAL_LOCATION", "cloudtrail-logs", "READ_FILES", "external location cloudtrail-logs"),
    ("VOLUME", "main.default.code", "READ_VOLUME", "volume main.default.code"),
)


def test_each_thing_that_is_missing_is_one_finding_all_in_one_run(account, of_service):
    right = NEW | {"instance_profile_arn": "", "code_root": "/Volumes/main/default/code"}
    report = account.preflight(**right)
    assert not report.failed, report.render()
    for securable, name, privilege, _ in LACKING:
        change = PermissionsChange(principal=SERVICE_PRINCIPAL, remove=[Privilege(privilege)])
        of_service.sdk().grants.update(securable, name, changes=[change])
    account.s3.create_bucket(Bucket="no-location")
    wrong = {"spark_version": "15.4.x-scala2.12", "checkpoint_root": "s3://no-location/checkpoints"}
    found = {one.subject: one for one in account.preflight(**(right | wrong), kinds=["events"]).failed}
    found = {subject: one for subject, one in found.items() if one.check != "iam_simulation"}
    assert set(found) == {
        *(subject for *_, subject in LACKING),
        "runtime 15.4.x-scala2.12",
        "s3://no-location/checkpoints/cloudtrail_events",
    }
    for _, name, privilege, subject in LACKING:
        quoted = ".".join(f"`{part}`" for part in name.split("."))
        shown = privilege.replace("_", " ")
        assert f"{SERVICE_PRINCIPAL} lacks {shown}; needed to" in found[subject].detail
        assert f"GRANT {shown} ON {subject.split()[0].upper()}" in found[subject].remedy
        assert f"{quoted} TO `{SERVICE_PRINCIPAL}`" in found[subject].remedy


def test_a_table_of_unity_catalog_needs_a_location_even_with_an_instance_profile(account):
    account.s3.create_bucket(Bucket="no-location")
    changed = {"target_root": "s3://no-location/delta", "iam_simulation": "off", "kinds": ["events"]}
    (finding,) = account.preflight(**changed).failed
    table = "s3://no-location/delta/cloudtrail_events"
    assert finding.subject == f"{table}, {table}_quarantine"
    assert "NO_PARENT_EXTERNAL_LOCATION_FOR_PATH" in finding.detail
    legacy = changed | {"events_table": "hive_metastore.default.cloudtrail_events"}
    found = {one.subject: one for one in account.preflight(**legacy).findings}
    assert found["Unity Catalog"].status == "skipped"


def test_a_permission_on_compute_that_is_missing_is_named_with_where_to_give_it(account, of_service):
    for kind, key in (("clusters", "sandbox-cluster"), ("warehouses", "sandbox-warehouse")):
        body = {"access_control_list": []}
        assert of_service.call("PUT", f"/api/2.0/permissions/{kind}/{key}", json=body).ok
    found = {one.subject: one for one in account.preflight().failed}
    assert set(found) == {"cluster sandbox-cluster", "warehouse sandbox-warehouse"}
    cluster, warehouse = found["cluster sandbox-cluster"], found["warehouse sandbox-warehouse"]
    assert (
        cluster.detail
        == f"{SERVICE_PRINCIPAL} lacks *Can manage*; needed to install the job wheel in each run"
    )
    assert f"under *Permissions*, give {SERVICE_PRINCIPAL} *Can use*" in warehouse.remedy


def test_a_volume_that_is_not_there_fails(account):
    report = account.preflight(cluster_id="sandbox-no-profile", code_root="/Volumes/main/default/none")
    (finding,) = report.failed
    assert (finding.subject, finding.check) == ("volume main.default.none", "unity_catalog")
    assert "CREATE VOLUME main.default.none" in finding.remedy
