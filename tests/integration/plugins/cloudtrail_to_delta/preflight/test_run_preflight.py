"""Preflight over HTTP: every check passes and fails, all faults are reported at once, nothing is written."""

import json
from datetime import timedelta

import pytest

from cloudtrail_to_delta.errors import PreflightError
from cloudtrail_to_delta.tables.views import MARK
from sandbox.aws.seed import LAKE_BUCKET, LOGS_BUCKET
from sandbox.warehouse import Warehouse

EVENTS_TABLE = f"s3://{LAKE_BUCKET}/delta/cloudtrail_events"
EVENTS_CHECKPOINT = f"s3://{LAKE_BUCKET}/checkpoints/cloudtrail_events"
# What makes a table one of the job's; it adds the rest.
COLUMNS = {"raw": "string", "log_file": "string", "batch_id": "long"}
OWNER = "checkpoints/cloudtrail_events/owner/part-00000-1.json"


def failed(report):
    return {(finding.check, finding.subject) for finding in report.failed}


def finding_of(report, check, subject):
    (found,) = [f for f in report.findings if (f.check, f.subject) == (check, subject)]
    return found


def owner(account, **changed):
    logs_path = f"s3://{LOGS_BUCKET}/AWSLogs/{account.params()['account']}/CloudTrail/*/*"
    marker = {
        "kind": "events",
        "logs_path": logs_path,
        "delta_path": EVENTS_TABLE,
        "table": "x",
        "created_at": "x",
    }
    return json.dumps(marker | changed).encode() + b"\n"


def test_a_good_set_up_passes_every_check(account):
    report = account.preflight()
    assert not report.failed, report.render()
    assert report.skipped_kinds == {}
    # The account has no trail.
    assert {one.check for one in report.findings if one.status != "ok"} == {"trail_status"}
    assert {finding.check for finding in report.findings} == {
        "bucket",
        "log_listing",
        "delta_target",
        "checkpoint",
        "table_name",
        "iam_simulation",
        "databricks",
        "encryption",
        "resource_policy",
        "digests",
        "storage_class",
        "trail_status",
        "instance_profile",
        "unity_catalog",
    }


def test_nothing_is_written_or_submitted(account, databricks):
    databricks.call("DELETE", "/sandbox/requests")
    account.preflight()
    served = account.aws.requests()
    looked = {"ListObjectsV2", "HeadBucket", "HeadObject", "GetBucketEncryption", "GetBucketPolicy"}
    looked |= {"GetInstanceProfile", "DescribeTrails"}
    assert {request["action"] for request in served} == looked | {"SimulatePrincipalPolicy"}
    account.put(OWNER, owner(account))
    account.preflight(reader_role_arn=account.seeded.instance_profile_arn)
    assert {request["action"] for request in account.aws.requests()} == looked | {
        "GetObject",
        "SimulatePrincipalPolicy",
    }
    asked = databricks.call("GET", "/sandbox/requests").json()["requests"]
    assert {request["method"] for request in asked} == {"GET"}
    assert len(asked) >= 3


def test_a_bucket_that_does_not_exist_fails(account):
    report = account.preflight(bucket="cloudtrail-logz")
    assert "there is no bucket 'cloudtrail-logz'" in finding_of(report, "bucket", "cloudtrail-logz").detail
    # The role has no rights there either, which is a consequence; what was not looked for is not passed.
    assert failed(report) == {("bucket", "cloudtrail-logz")}
    rights = finding_of(report, "iam_simulation", "permissions in bucket cloudtrail-logz")
    assert (rights.status, rights.detail) == (
        "skipped",
        "not checked: there is no bucket 'cloudtrail-logz'",
    )
    assert finding_of(report, "log_listing", "events").status == "skipped"
    assert report.skipped_kinds == {}


def test_an_account_without_events_fails_and_what_is_there_is_named(account):
    report = account.preflight(account="999999999999", kinds=["events"])
    assert failed(report) == {("log_listing", "events")}
    assert "AWSLogs/ has no 999999999999/; it contains 111122223333/" in report.failed[0].detail


def test_an_organizations_bucket_is_recognised(account):
    key = "AWSLogs/o-a1b2c3d4e5/444455556666/CloudTrail/us-east-1/2026/01/01/x.json.gz"
    account.s3.put_object(Bucket=LOGS_BUCKET, Key=key, Body=b"")
    report = account.preflight(account="444455556666", kinds=["events"])
    assert report.failed[0].remedy.startswith(
        "This is an organization trail: set organization to 'o-a1b2c3d4e5'."
    )


def test_insights_without_a_prefix_are_skipped_with_the_reason(account):
    account.deliver("events", account="444455556666")
    report = account.preflight(account="444455556666")
    assert not report.failed, report.render()
    assert list(report.skipped_kinds) == ["insights"]
    assert "36 hours" in report.skipped_kinds["insights"]
    assert "it contains CloudTrail/" in report.skipped_kinds["insights"]


def test_a_trail_that_went_quiet_is_a_warning(account):
    account.deliver("events", account="444455556666", age=timedelta(days=3))
    report = account.preflight(account="444455556666", kinds=["events"])
    finding = finding_of(report, "log_listing", "events")
    assert finding.status == "warning"
    assert "no delivery in the last 24 hours" in finding.detail
    assert not report.failed


def test_a_region_that_is_named_and_has_no_log_file_is_a_warning(account):
    regions = {"regions": ["us-east-1", "eu-west-3"]}
    finding = finding_of(account.preflight(**regions), "log_listing", "events")
    assert finding.status == "warning"
    assert finding.detail.startswith("no log file was ever delivered for eu-west-3; newest delivery ")
    account.deliver("events", region="eu-west-3", age=timedelta(days=90))
    report = account.preflight(**regions)
    assert finding_of(report, "log_listing", "events").status == "ok"
    # An insight is unusual: a region without one is not.
    assert finding_of(report, "log_listing", "insights").status == "ok"


@pytest.mark.parametrize("chosen", ["444455556666", "*"])
def test_a_trail_without_digest_files_is_a_warning(account, chosen):
    account.deliver("events", account="444455556666")
    account.s3.delete_objects(
        Bucket=LOGS_BUCKET,
        Delete={
            "Objects": [
                {"Key": entry["Key"]}
                for entry in account.s3.list_objects_v2(Bucket=LOGS_BUCKET)["Contents"]
                if "Digest" in entry["Key"]
            ]
        },
    )
    report = account.preflight(account=chosen, kinds=["events"], iam_simulation="off")
    (finding,) = [finding for finding in report.findings if finding.check == "digests"]
    assert finding.status == "warning"
    assert "log file validation is off" in finding.detail
    assert not report.failed


def test_a_connection_that_may_not_read_the_public_keys_fails_if_digests_are_asked_for(account):
    asked = {"kinds": ["events", "digests"], "iam_simulation": "off"}
    assert finding_of(account.preflight(**asked), "digests", "cloudtrail:ListPublicKeys").status == "ok"
    account.aws.fault(action="ListPublicKeys", status=400, code="AccessDeniedException")
    report = account.preflight(**asked)
    assert failed(report) == {("digests", "cloudtrail:ListPublicKeys")}
    assert "ListPublicKeys" in finding_of(report, "digests", "cloudtrail:ListPublicKeys").detail


def test_a_table_of_other_columns_fails_with_the_one_that_differs(account):
    account.table("delta/cloudtrail_events", COLUMNS | {"readOnly": "string"})
    account.table("delta/cloudtrail_insights", {"id": "long"})
    account.table("delta/cloudtrail_insights_quarantine", COLUMNS | {"reason": "string"})
    report = account.preflight()
    details = {finding.subject: finding.detail for finding in report.failed}
    assert set(details) == {EVENTS_TABLE, f"s3://{LAKE_BUCKET}/delta/cloudtrail_insights"}
    assert details[EVENTS_TABLE].endswith("cannot be appended to: readOnly is string, not boolean")
    assert details[f"s3://{LAKE_BUCKET}/delta/cloudtrail_insights"].endswith(
        "it has no raw and no log_file and no batch_id; its columns are id"
    )


@pytest.mark.parametrize("suffix", ["", "_quarantine"])
def test_a_delta_path_that_holds_other_files_fails(account, suffix):
    account.put(f"delta/cloudtrail_events{suffix}/part-0.parquet")
    report = account.preflight()
    assert failed(report) == {("delta_target", EVENTS_TABLE + suffix)}
    assert f"'delta/cloudtrail_events{suffix}/part-0.parquet'" in report.failed[0].detail


def test_a_table_of_an_earlier_run_passes_with_its_checkpoint(account):
    account.table("delta/cloudtrail_events", COLUMNS)
    account.table("delta/cloudtrail_events_quarantine", COLUMNS | {"reason": "string"})
    account.put(OWNER, owner(account))
    account.put("checkpoints/cloudtrail_events/owner/_SUCCESS", b"")
    account.put("checkpoints/cloudtrail_events/stream/metadata")
    report = account.preflight(table_location={"cloudtrail_events": EVENTS_TABLE}.get)
    assert not report.failed, report.render()
    assert finding_of(report, "delta_target", EVENTS_TABLE).detail == "holds a Delta table at version 0"
    assert "belongs to this logs path" in finding_of(report, "checkpoint", EVENTS_CHECKPOINT).detail
    assert finding_of(report, "table_name", "cloudtrail_events").detail == f"already at {EVENTS_TABLE}"


@pytest.mark.parametrize("suffix", ["", "_quarantine"])
def test_a_new_checkpoint_for_a_table_with_rows_fails_unless_duplicates_are_removed(account, suffix):
    columns = COLUMNS | ({"reason": "string"} if suffix else {})
    account.table(f"delta/cloudtrail_events{suffix}", columns, rows=7)
    report = account.preflight()
    assert failed(report) == {("checkpoint", EVENTS_CHECKPOINT)}
    (finding,) = report.failed
    assert f"{EVENTS_TABLE}{suffix} has rows: every log file would be loaded again" in finding.detail
    assert "duplicates='keep'" in finding.detail
    for param in ("events_checkpoint_path", "checkpoint_root", "events_table", "duplicates=remove"):
        assert param in finding.remedy
    report = account.preflight(duplicates="remove")
    assert not report.failed, report.render()
    assert finding_of(report, "checkpoint", EVENTS_CHECKPOINT).status == "warning"


def test_a_new_checkpoint_for_a_table_without_rows_is_ok(account):
    account.table("delta/cloudtrail_events", COLUMNS)
    assert finding_of(account.preflight(), "checkpoint", EVENTS_CHECKPOINT).status == "ok"


@pytest.mark.parametrize(
    ("key", "body", "said"),
    [
        (OWNER, {"logs_path": "s3://other/AWSLogs/1/CloudTrail/*/*"}, "logs_path 's3://other/AWSLogs/1"),
        (OWNER, {"kind": "insights"}, "kind 'insights', not 'events'"),
        ("checkpoints/cloudtrail_events/stream/offsets/0", None, "has no owner file"),
        ("checkpoints/cloudtrail_events/offsets/0", None, "'offsets', which is not from this job"),
    ],
)
def test_a_checkpoint_of_another_stream_fails(account, key, body, said):
    account.put(key, b"x" if body is None else owner(account, **body))
    report = account.preflight()
    assert failed(report) == {("checkpoint", EVENTS_CHECKPOINT)}
    assert said in report.failed[0].detail


def test_a_table_name_taken_by_another_location_fails(account):
    report = account.preflight(table_location={"cloudtrail_events_quarantine": "dbfs:/user/hive/x"}.get)
    assert failed(report) == {("table_name", "cloudtrail_events_quarantine")}
    assert "'dbfs:/user/hive/x'" in report.failed[0].detail


def test_the_name_of_a_view_that_somebody_else_has_fails(account):
    theirs = {"cloudtrail_events_files": {"owner": "audit"}, "cloudtrail_insights_episodes": {MARK: "1a2b"}}
    report = account.preflight(properties=theirs.get)
    assert failed(report) == {("table_name", "cloudtrail_events_files")}
    assert report.failed[0].remedy.endswith("choose another table name than 'cloudtrail_events'.")
    ours = finding_of(report, "table_name", "cloudtrail_insights_episodes")
    assert (ours.status, ours.detail) == ("ok", "already a view of this pipeline")


@pytest.fixture
def schema(databricks):
    """Creates a schema in the workspace; afterwards it is gone."""
    sql = Warehouse(databricks.host, databricks.token).sql
    made = []

    def create(name):
        sql(f"CREATE SCHEMA {name}")
        made.append(name)

    yield create
    for name in made:
        sql(f"DROP SCHEMA {name}")


def test_a_schema_that_is_not_there_fails_once_for_all_names_in_it(account, schema):
    tables = {"events_table": "main.sec.events", "insights_table": "main.sec.insights"}
    places = {
        "target_root": f"s3://{LAKE_BUCKET}/delta",
        "checkpoint_root": f"s3://{LAKE_BUCKET}/checkpoints",
    }
    report = account.preflight(**tables, **places)
    assert [f.subject for f in report.failed if f.check == "table_name"] == ["schema main.sec"]
    assert "CREATE SCHEMA main.sec" in report.failed[0].remedy
    schema("main.sec")
    report = account.preflight(**tables, **places, schemas=("main.sec",))
    assert finding_of(report, "table_name", "schema main.sec").status == "ok"
    assert not report.failed, report.render()


def test_more_than_ten_faults_are_all_reported_in_one_run(account):
    account.put("delta/cloudtrail_events/notes.txt")
    account.put("delta/cloudtrail_insights_quarantine/notes.txt")
    account.put("checkpoints/cloudtrail_insights/commits/0")

    def table_location(name):
        if name == "cloudtrail_events":
            raise RuntimeError("the warehouse is stopped")
        return {"cloudtrail_insights": "s3://elsewhere/x"}.get(name)

    report = account.preflight(
        account="*",
        regions=["eu-west-3"],
        reader_role_arn=account.seeded.denied_role_arn,
        table_location=table_location,
        code_root="s3://cloudtrail-code",
        cluster_id="sandbox-old",
        warehouse_id="another",
    )
    found = failed(report)
    assert {
        ("bucket", "cloudtrail-code"),
        ("log_listing", "events"),
        ("delta_target", EVENTS_TABLE),
        ("delta_target", f"s3://{LAKE_BUCKET}/delta/cloudtrail_insights_quarantine"),
        ("checkpoint", f"s3://{LAKE_BUCKET}/checkpoints/cloudtrail_insights"),
        ("table_name", "cloudtrail_events"),
        ("table_name", "cloudtrail_insights"),
        ("databricks", "cluster sandbox-old"),
        ("databricks", "warehouse another"),
    } <= found
    rights = " ".join(f.subject + f.detail for f in report.failed if f.check == "iam_simulation")
    for right in (
        f"s3:GetObject on arn:aws:s3:::{LOGS_BUCKET}/AWSLogs/*/CloudTrail/eu-west-3/*",
        f"s3:DeleteObject on arn:aws:s3:::{LAKE_BUCKET}/delta/cloudtrail_events/*",
    ):
        assert right in rights
    assert list(report.skipped_kinds) == ["insights"]
    with pytest.raises(PreflightError) as caught:
        report.raise_if_failed()
    assert all(f"{check} {subject}:" in str(caught.value) for check, subject in found)
    assert all(finding.remedy in str(caught.value) for finding in report.failed)


def test_the_listing_costs_the_same_in_a_bucket_of_a_thousand_accounts(account):
    for number in range(1100):
        account.deliver("events", account=f"{number:012d}", age=timedelta(days=30))
    report = account.preflight(account="*", iam_simulation="off")
    listed = [
        r for r in account.aws.requests() if r["action"] == "ListObjectsV2" and LOGS_BUCKET in r["path"]
    ]
    # One for the bucket check, and of each kind the budget and three for the oldest files' storage class.
    assert len(listed) <= 1 + 2 * (20 + 3)
    finding = finding_of(report, "log_listing", "insights")
    assert finding.status == "warning"
    assert "other folders may have some" in finding.detail
