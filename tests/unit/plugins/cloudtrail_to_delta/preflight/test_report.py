"""All checks together: one that breaks becomes a finding, and the report says what follows."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from cloudtrail_to_delta.errors import PreflightError
from cloudtrail_to_delta.params.request import resolve_requests
from cloudtrail_to_delta.preflight import run_preflight
from cloudtrail_to_delta.preflight.clients import Clients
from cloudtrail_to_delta.preflight.tables import Names
from cloudtrail_to_delta.preflight.targets import DeltaLogs
from tests.unit.plugins.cloudtrail_to_delta.listed_bucket import ListedBucket

NOW = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)
ACCOUNT = "111122223333"
PARAMS = {
    "bucket": "audit",
    "account": ACCOUNT,
    "regions": ["us-east-1"],
    "region": "us-east-1",
    "target_root": "s3://lake/delta",
    "checkpoint_root": "s3://lake/checkpoints",
    "compute": "existing_cluster",
    "cluster_id": "c",
    "code_root": "/Volumes/main/security/code",
    "warehouse_id": "w",
    "iam_simulation": "off",
    "aws_conn_id": "aws_audit",
}
DAY = f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/05/02/"
EVENT = f"{DAY}{ACCOUNT}_CloudTrail_us-east-1_20260502T1100Z_a.json.gz"
DIGEST = f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/2026/05/02/digest.json.gz"


class Buckets:
    """Several buckets behind one client; a bucket that is an error raises it."""

    def __init__(self, **buckets):
        self.buckets = buckets

    def head_bucket(self, **_):
        return {"BucketRegion": "us-east-1"}

    def head_object(self, **_):
        return {"ServerSideEncryption": "AES256"}

    def get_bucket_encryption(self, **_):
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}

    def list_objects_v2(self, **asked):
        bucket = self.buckets.get(asked["Bucket"])
        if bucket is None:
            bucket = ClientError({"Error": {"Code": "NoSuchBucket", "Message": "no"}}, "ListObjectsV2")
        if isinstance(bucket, Exception):
            raise bucket
        return bucket.list_objects_v2(**asked)


class FittingWorkspace:
    """A workspace in which everything is as it should be."""

    def get(self, path, **query):
        if path.endswith("/external-locations"):
            return {
                "external_locations": [
                    {"name": one, "url": f"s3://{one}"} for one in ("audit", "lake", "gone")
                ]
            }
        if "/effective-permissions/" in path:
            given = {"principal": query["principal"], "privileges": [{"privilege": "ALL_PRIVILEGES"}]}
            return {"privilege_assignments": [given]}
        if "/permissions/" in path:
            entry = {"user_name": "me", "all_permissions": [{"permission_level": "CAN_MANAGE"}]}
            return {"access_control_list": [entry]}
        if path.endswith("/Me"):
            return {"userName": "me"}
        if path == "2.1/clusters/get":
            return {"spark_version": "17.3.x-scala2.13", "state": "RUNNING", **query}
        return {"state": "RUNNING"}

    def active_runs(self):
        return []


class NoTrails:
    """CloudTrail of an account that sees no trail."""

    def describe_trails(self):
        return {"trailList": []}


def preflight(*, audit=(DIGEST, EVENT), lake=(), table_location={}.get, **changed):
    params = PARAMS | changed
    s3 = Buckets(
        audit=audit if isinstance(audit, Exception | ListedBucket) else ListedBucket(audit),
        lake=lake if isinstance(lake, Exception) else ListedBucket(lake),
    )
    return run_preflight(
        resolve_requests(params),
        params,
        aws=Clients(s3=s3, iam=None, kms=None, cloudtrail=lambda _: NoTrails()),
        names=Names(location=table_location, properties={}.get, has_schema=().__contains__),
        delta_logs=DeltaLogs(schema={}.get, has_rows=bool),
        databricks=FittingWorkspace(),
        now=NOW,
    )


def failed(report):
    return {(finding.check, finding.subject) for finding in report.failed}


def test_a_good_set_up_fails_nothing_and_skips_insights_with_the_reason():
    report = preflight()
    assert not report.failed
    report.raise_if_failed()
    assert list(report.skipped_kinds) == ["insights"]
    assert "36 hours" in report.skipped_kinds["insights"]
    assert [finding.check for finding in report.findings].count("table_name") == 14
    assert report.summary_line().startswith("5 skipped, 38 ok in ")
    first, *_, last = report.render().splitlines()
    assert first == report.summary_line()
    # It says once what it cannot see.
    unseen = ("resource control policies", "VPC endpoint policies", "session policies", "trust policy")
    assert [words for words in unseen if report.render().count(words) != 1 or words not in last] == []


def test_a_name_that_unity_catalog_does_not_accept_is_a_warning_and_on_serverless_compute_a_failure():
    odd = {"target_root": "s3://my.lake/a=b"}
    serverless = {"compute": "serverless", "cluster_id": ""}
    for changed, status in ((odd, "warning"), (odd | serverless, "failed")):
        found = [one for one in preflight(**changed).findings if one.check == "external_location"]
        assert {one.status for one in found} == {status}
        subjects = ", ".join(one.subject for one in found)
        assert "bucket my.lake" in subjects
        assert "path s3://my.lake/a=b/cloudtrail_events" in subjects
    assert not [one for one in preflight().findings if one.check == "external_location"]


def test_an_error_in_one_check_is_its_own_failed_finding_and_the_others_are_made():
    def table_location(name):
        if name == "cloudtrail_events":
            raise RuntimeError("the warehouse is stopped")

    report = preflight(table_location=table_location)
    assert failed(report) == {("table_name", "cloudtrail_events")}
    (finding,) = report.failed
    assert finding.detail == "could not be checked: RuntimeError: the warehouse is stopped"
    assert len(report.findings) == len(preflight().findings)


def test_a_bucket_that_is_not_there_is_said_once_and_what_lies_in_it_is_not_passed():
    report = preflight(target_root="s3://gone/delta")
    assert failed(report) == {("bucket", "gone")}
    not_looked_at = {f.subject for f in report.findings if f.detail.startswith("not checked: bucket gone")}
    assert "s3://gone/delta/cloudtrail_events" in not_looked_at
    assert "s3://gone/delta/cloudtrail_insights_quarantine" in not_looked_at
    # A checkpoint is judged together with its table.
    assert "s3://lake/checkpoints/cloudtrail_events" in not_looked_at


def test_insights_are_not_skipped_for_a_bucket_that_could_not_be_listed():
    report = preflight(
        audit=ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListObjectsV2")
    )
    assert failed(report) == {("bucket", "audit")}
    assert report.skipped_kinds == {}


def test_the_error_names_every_failure():
    report = preflight(lake=["delta/cloudtrail_events/x.csv", "checkpoints/cloudtrail_events/offsets/0"])
    with pytest.raises(PreflightError, match=r"(?s)delta_target .*x\.csv.*→ Choose.*checkpoint .*'offsets'"):
        report.raise_if_failed()


def test_code_in_a_volume_needs_no_bucket():
    subjects = {finding.subject for finding in preflight(code_root="/Volumes/a/b/c").findings}
    assert not [subject for subject in subjects if "Volumes" in subject]


def test_a_bucket_of_200_000_objects_in_5_000_prefixes_takes_fewer_than_200_requests():
    day = "us-east-1/2026/05/01"
    bucket = ListedBucket(
        f"AWSLogs/{account:012d}/{folder}/{day}/{account:012d}_{folder}_us-east-1_20260501T{minute:04d}Z_a.json.gz"
        for account in range(2500)
        for folder in ("CloudTrail", "CloudTrail-Insight")
        for minute in range(40)
    )
    assert len(bucket.keys) == 200_000
    report = preflight(audit=bucket, account="*", regions=["*"])
    assert not report.failed
    assert len(bucket.requests) < 60
