"""The acceptance run of Databricks on the stand-in: it passes, leaves nothing, and names a broken rule."""

import io
import json
import shutil

import pytest

from cloudtrail_to_delta import preflight
from cloudtrail_to_delta.acceptance import workspace
from cloudtrail_to_delta.acceptance.command import run_databricks
from sandbox.databricks.settings import USER
from sandbox.warehouse import Warehouse
from sandbox.wheel import build

PROFILE = "arn:aws:iam::123456789012:instance-profile/cloudtrail-reader"
VOLUME = "/Volumes/main/default/code"
PARAMS = {
    "bucket": "cloudtrail-logs",
    "region": "us-east-1",
    "account": "*",
    "target_root": "s3://cloudtrail-lake/delta",
    "checkpoint_root": "s3://cloudtrail-lake/checkpoints",
    "compute": "existing_cluster",
    "cluster_id": "sandbox-cluster",
    "warehouse_id": "sandbox-warehouse",
    "reader_role_arn": "arn:aws:iam::123456789012:role/cloudtrail-reader",
}
NEW = {
    "compute": "new_cluster",
    "cluster_id": "",
    "spark_version": "17.3.x-scala2.13",
    "node_type_id": "m7g.large",
    "instance_profile_arn": PROFILE,
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The job's own wheel."""
    return build(folder=tmp_path_factory.mktemp("wheels"))


@pytest.fixture
def acceptance(aws, databricks, built, tmp_path, monkeypatch):
    """Runs the command with the environment of both CLIs; its exit code and its report."""
    monkeypatch.setenv("AIRFLOW_VAR_CLOUDTRAIL_WHEEL_FOLDER", str(built.parent))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    monkeypatch.setenv("DATABRICKS_HOST", databricks.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", databricks.token)

    def run(*, answer="n\n", yes=False, **changed):
        file, report = tmp_path / "params.json", tmp_path / "report.json"
        file.write_text(json.dumps(PARAMS | changed))
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        code = run_databricks(file, yes=yes, report=report, large_mb=1, poll_seconds=0.2)
        return code, json.loads(report.read_text())

    return run


def objects(aws):
    """The keys in the lake."""
    found = aws.client("s3").list_objects_v2(Bucket="cloudtrail-lake").get("Contents", [])
    return {one["Key"] for one in found}


def rules(report):
    """The rules that failed."""
    return {one["rule"] for one in report["answers"] if one["status"] == "failed"}


def test_it_passes_asks_before_it_writes_and_leaves_nothing(acceptance, aws, databricks, capsys):
    before = objects(aws)
    code, report = acceptance(answer="y\n", code_root=VOLUME)
    found = {one["question"]: one for one in report["answers"]}
    wrong = [one for one in report["answers"] if one["status"] == "failed"]
    assert (code, wrong) == (0, [])
    assert [one for one in found.values() if one["status"] == "not asked"] == [found["cost"]]
    assert found["probe: ingest"]["facts"]["of_organizations"] == 0
    assert found["upgrade"]["facts"]["ran"] != found["wheel"]["facts"]["version"]
    assert objects(aws) == before
    assert list((databricks.state / "volumes/main/default/code").glob("acceptance*")) == []
    sql = Warehouse(databricks.host, databricks.token).sql
    assert sql("SHOW TABLES IN main.default LIKE 'acceptance*'") == []
    assert found["identity"]["facts"]["legacy_access"] == "on"
    shown = capsys.readouterr()
    assert "Continue? [y/N]" in shown.err
    text = f"{shown.out}{json.dumps(report)}"
    names = {"cloudtrail-lake", "cloudtrail-logs", "123456789012", "sandbox-cluster", USER, databricks.host}
    assert [name for name in names if name in text] == []


def test_nothing_is_written_if_nobody_agrees(acceptance, aws, databricks):
    before, runs = objects(aws), len(list(databricks.sdk().jobs.list_runs()))
    code, report = acceptance(answer="\n")
    assert (code, report["answers"][-1]["question"], objects(aws)) == (0, "writes", before)
    assert len(list(databricks.sdk().jobs.list_runs())) == runs


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("D1", {"target_root": "s3://cloudtrail-elsewhere/delta"}),
        ("D4", {"cluster_id": "sandbox-of-others"}),
        ("D5", {"cluster_id": "sandbox-no-profile"}),
        ("D6", {"cluster_id": "sandbox-standard"}),
        (
            "D9",
            {
                "discovery": "file_events",
                "events_logs_path": "s3://cloudtrail-logs/quiet/AWSLogs/*/CloudTrail/*/*",
            },
        ),
        ("D14", {"compute": "serverless", "bucket": "cloudtrail.logs", "code_root": VOLUME}),
    ],
)
def test_a_workspace_that_breaks_a_rule_is_named_before_anything_is_written(acceptance, rule, changed):
    code, report = acceptance(**changed)
    assert (code, rules(report) & {rule}) == (1, {rule})


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("D3", {"code_root": "/Volumes/main/default/none"}),
        ("D4", {"cluster_id": "sandbox-of-others"}),
        ("D5", {"cluster_id": "sandbox-no-profile"}),
    ],
)
def test_a_build_whose_preflight_sees_nothing_fails_by_the_services_own_words(
    acceptance, aws, monkeypatch, rule, changed
):
    for module, name in ((preflight.workspace, "check_compute"), (preflight.catalog, "check_catalog")):
        monkeypatch.setattr(module, name, lambda *_, **__: [])
    before = objects(aws)
    code, report = acceptance(yes=True, **changed)
    assert (code, rules(report), objects(aws)) == (1, {rule}, before)


def test_missing_grants_are_named(acceptance, stand_in, aws, monkeypatch):
    there = stand_in(aws_endpoint=aws.endpoint)
    there.service_token = "dapi-of-the-service"
    there.start()
    there.call(
        "PATCH",
        "/api/2.1/unity-catalog/permissions/external_location/cloudtrail-lake",
        json={
            "changes": [
                {"principal": "5b3dbd55-5ad3-4d5c-8f8b-2c1b5a0f4a11", "remove": ["CREATE_EXTERNAL_TABLE"]}
            ]
        },
    )
    monkeypatch.setenv("DATABRICKS_HOST", there.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", there.service_token)
    code, report = acceptance()
    assert (code, rules(report)) == (1, {"D3"})


def test_a_wheel_without_a_hash_is_named_and_not_submitted(acceptance, built, tmp_path, monkeypatch):
    version = built.name.split("-")[1]
    folder = tmp_path / "plain"
    folder.mkdir()
    shutil.copy(built, folder / built.name.replace(version, "0.1.0"))
    monkeypatch.setenv("AIRFLOW_VAR_CLOUDTRAIL_WHEEL_FOLDER", str(folder))
    code, report = acceptance(yes=True)
    assert (code, rules(report)) == (1, {"D2"})
    statuses = {one["question"]: one["status"] for one in report["answers"]}
    assert (statuses["probe"], statuses["remove"]) == ("not asked", "passed")


def test_a_build_that_adds_no_disk_is_named_and_what_it_wrote_is_removed(acceptance, aws, monkeypatch):
    monkeypatch.setattr(workspace, "volumes_for", lambda *_: {})
    before = objects(aws)
    code, report = acceptance(yes=True, **NEW)
    assert (code, rules(report)) == (1, {"D12"})
    (failure,) = [one for one in report["answers"] if one["status"] == "failed"]
    assert failure["question"] == "probe"
    assert objects(aws) == before
