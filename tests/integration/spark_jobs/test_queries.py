"""The statements of docs/queries.md on published real records, against what Python finds in the files."""

import gzip
import json
import re
from collections import Counter

import pytest

from cloudtrail_jobs.commits import table_at
from cloudtrail_to_delta.reference.queries import columns, statements
from cloudtrail_to_delta.tables.flat import accounts_query, flat_query, unique_query
from cloudtrail_to_delta.tables.ocsf import CLASSES, ocsf_query
from cloudtrail_to_delta.tables.queries import files_query
from tests.fixtures.documents import ROOT
from tests.fixtures.ocsf import violations
from tests.fixtures.published import REAL, needs_published_records

pytestmark = needs_published_records

PAGE = (ROOT / "docs/queries.md").read_text(encoding="utf-8")
STATEMENTS = {one.title: one.sql for one in statements(PAGE)}
DENIED = ("AccessDenied", "Client.UnauthorizedOperation", "ForbiddenException", "AccessDeniedException")
POLICY_EVENTS = re.compile(r"(Put|Delete|Create|Attach|Detach)\w*Policy")
INSTANCE = "i-0dbc91f429e48eeed"


def caller(record):
    return record["userIdentity"]


def request(record):
    return record.get("requestParameters") or {}


def named(*names):
    return lambda record: record["eventName"] in names


def failed(record):
    return "errorCode" in record


def service(record):
    return record["eventSource"].removesuffix(".amazonaws.com")


def reads(record):
    return record.get(
        "readOnly", record["eventName"].startswith(("Get", "List", "Describe", "Head", "Lookup"))
    )


def by_root(record):
    by_service = "invokedBy" in caller(record) or record.get("eventType") == "AwsServiceEvent"
    return caller(record).get("type") == "Root" and not by_service


def login(record):
    return record["eventName"] == "ConsoleLogin"


def without_mfa(record):
    return login(record) and record["additionalEventData"]["MFAUsed"] == "No"


def denied(record):
    return record.get("errorCode") in DENIED


def arns(record):
    return [one.get("ARN") for one in record.get("resources") or []]


# The statement's title → which records it is about.
ABOUT = {
    "Who used the root user": by_root,
    "What the root user changed": lambda r: by_root(r) and not reads(r) and not failed(r),
    "Which access keys were created or changed": named(
        "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"
    ),
    "What one access key did": lambda r: caller(r).get("accessKeyId") == "AKIA3Z2XBVUDFQ9TU4MD",
    "Which keys are used from many addresses": lambda r: (
        caller(r).get("accessKeyId") is not None
        and not r["sourceIPAddress"].endswith(".amazonaws.com")
        and r["sourceIPAddress"] != "AWS Internal"
    ),
    "Who signed in to the console": login,
    "Sign-ins without MFA": without_mfa,
    "Failed sign-ins": lambda r: login(r) and r["responseElements"]["ConsoleLogin"] == "Failure",
    "What changed in IAM": lambda r: service(r) == "iam" and not reads(r) and not failed(r),
    "Who attached an administrator policy": lambda r: (
        r["eventName"].startswith("Attach")
        and request(r).get("policyArn", "").endswith("/AdministratorAccess")
    ),
    "New users and console passwords": lambda r: (
        named("CreateUser", "CreateLoginProfile", "UpdateLoginProfile")(r) and not failed(r)
    ),
    "Whose trust policy changed": lambda r: (
        named("UpdateAssumeRolePolicy", "CreateRole")(r) and not failed(r)
    ),
    "Who assumed which role": lambda r: r["eventName"].startswith("AssumeRole") and not failed(r),
    "Calls from another account": lambda r: (
        len({caller(r).get("accountId"), r.get("recipientAccountId")} - {None}) == 2
    ),
    "Who was denied what": denied,
    "Who changed a trail": lambda r: service(r) == "cloudtrail" and not reads(r),
    "Who weakened GuardDuty, Config or Security Hub": lambda r: (
        service(r) in ("guardduty", "config", "securityhub")
        and r["eventName"].startswith(("Delete", "Disable", "Stop", "Update", "Disassociate"))
    ),
    "Who changed who may read a bucket": named(
        "PutBucketPolicy",
        "DeleteBucketPolicy",
        "PutBucketAcl",
        "PutBucketPublicAccessBlock",
        "DeleteBucketPublicAccessBlock",
        "PutAccountPublicAccessBlock",
        "DeleteAccountPublicAccessBlock",
    ),
    "How much data left S3": lambda r: (r.get("additionalEventData") or {}).get("bytesTransferredOut", 0) > 0,
    "Security groups opened to the world": lambda r: (
        r["eventName"] == "AuthorizeSecurityGroupIngress"
        and '/0"' in json.dumps(request(r))
        and not failed(r)
    ),
    "Snapshots and images shared": named(
        "ModifySnapshotAttribute",
        "ModifyImageAttribute",
        "ModifyDBSnapshotAttribute",
        "ModifyDBClusterSnapshotAttribute",
    ),
    "Who read instance passwords or user data": lambda r: (
        r["eventName"] == "GetPasswordData" or request(r).get("attribute") == "userData"
    ),
    "Commands and sessions on instances": named(
        "SendCommand", "StartSession", "ResumeSession", "SendSSHPublicKey", "SendSerialConsoleSSHPublicKey"
    ),
    "Who touched one instance": lambda r: (
        any(
            INSTANCE in json.dumps(request(r).get(name))
            for name in ("instanceId", "instanceIds", "instancesSet", "target", "resourceId")
        )
        or INSTANCE in json.dumps((r.get("responseElements") or {}).get("instancesSet"))
    ),
    "KMS keys disabled or marked for deletion": named("DisableKey", "ScheduleKeyDeletion"),
    "Who read secrets": named(
        "GetSecretValue", "BatchGetSecretValue", "GetParameter", "GetParameters", "GetParametersByPath"
    ),
    "What one address did": lambda r: r["sourceIPAddress"] == "203.0.113.133",
    "Who touched one resource": lambda r: (
        f"arn:aws:ec2:us-east-1:123837392027:instance/{INSTANCE}" in arns(r)
    ),
    "Calls with an old TLS version": lambda r: (
        (r.get("tlsDetails") or {}).get("tlsVersion") in ("TLSv1", "TLSv1.1")
    ),
}
# These say something else than which records they are about; each has a test of its own.
OTHERS = {
    "Whose calls mostly fail",
    "Which regions are new",
    "What happened around one event",
    "CIS monitoring controls",
    "Calls by day",
    "Log files that do not add up",
    # tests/integration/spark_jobs/test_digests.py
    "What is not proven",
}


@pytest.fixture(scope="module")
def records():
    found = []
    for path in sorted((REAL / "AWSLogs").rglob("*.json*")):
        found += json.loads(gzip.decompress(path.read_bytes()))["Records"]
    return found


@pytest.fixture(scope="module")
def warehouse(published_lake):
    spark, table = published_lake.spark, table_at(f"{published_lake.folder}/delta/events")
    for name, query in (("flat", flat_query), ("unique", unique_query)):
        view = f"cloudtrail_events_{name}"
        spark.sql(
            f"CREATE OR REPLACE TEMPORARY VIEW {view} AS {query('events', table, f'({accounts_query({})})')}"
        )
    files = files_query("events", table, table_at(f"{published_lake.folder}/delta/events_quarantine"))
    spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW cloudtrail_events_files AS {files}")
    for name in CLASSES:
        view = f"cloudtrail_events_ocsf_{name}"
        query = ocsf_query(name, "cloudtrail_events_flat")
        spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW {view} AS {query}")
    return spark


def test_every_published_record_is_in_one_ocsf_class_and_follows_its_schema(warehouse, records):
    found = {name: warehouse.table(f"cloudtrail_events_ocsf_{name}").collect() for name in CLASSES}
    broken = Counter(
        problem for name, rows in found.items() for row in rows for problem in violations(name, row)
    )
    assert broken == {}
    ids = Counter(row.metadata.uid for rows in found.values() for row in rows)
    assert ids == Counter(record.get("eventID") for record in records)
    sizes = {name: len(rows) for name, rows in found.items()}
    assert min(sizes.values()) > 0, sizes


def test_every_statement_of_the_page_has_an_expected_answer():
    assert ABOUT.keys() | OTHERS == STATEMENTS.keys()
    assert len(STATEMENTS) >= 30


def test_calls_by_day_are_all_calls(warehouse, records):
    rows = warehouse.sql(STATEMENTS["Calls by day"]).collect()
    days = Counter(record["eventTime"][:10] for record in records)
    assert {str(row.date): row.calls for row in rows} == days
    assert sum(row.failed for row in rows) == sum(1 for record in records if failed(record))
    assert sum(row.by_root for row in rows) == 0


def test_the_published_log_files_add_up(warehouse):
    assert warehouse.sql(STATEMENTS["Log files that do not add up"]).collect() == []
    assert warehouse.table("cloudtrail_events_files").count() > 0


@pytest.mark.parametrize("title", sorted(STATEMENTS.keys() - {"What is not proven"}))
def test_the_dashboard_knows_the_columns_of_a_statement(warehouse, title):
    assert warehouse.sql(STATEMENTS[title]).columns == columns(STATEMENTS[title])


@pytest.mark.parametrize("title", sorted(ABOUT))
def test_a_statement_finds_exactly_the_records_that_python_finds(warehouse, records, title):
    rows = warehouse.sql(STATEMENTS[title]).collect()
    found = sum(row.calls for row in rows) if rows and "calls" in rows[0] else len(rows)
    assert found == sum(1 for record in records if ABOUT[title](record))


def test_most_statements_find_something_in_the_published_records(records):
    silent = {title for title, about in ABOUT.items() if not any(map(about, records))}
    assert silent == {
        "Who used the root user",
        "What the root user changed",
        "Failed sign-ins",
        "KMS keys disabled or marked for deletion",
        "Calls with an old TLS version",
        "Who weakened GuardDuty, Config or Security Hub",
    }


def test_every_published_record_has_a_principal(warehouse, records):
    query = "SELECT COUNT(*) AS n, COUNT(principal) AS named FROM cloudtrail_events_flat"
    (row,) = warehouse.sql(query).collect()
    assert (row.n, row.named) == (len(records), len(records))


def test_whose_calls_mostly_fail_counts_all_calls_of_these_callers(warehouse):
    rows = warehouse.sql(STATEMENTS["Whose calls mostly fail"]).collect()
    assert rows
    assert all(row.failed >= 20 and row.failed * 2 > row.calls for row in rows)


def test_a_new_region_is_one_without_an_earlier_call(warehouse, records):
    newest = max(record["eventTime"] for record in records)
    first = {}
    for record in records:
        place = (record.get("recipientAccountId"), record["awsRegion"])
        first[place] = min(first.get(place, "9"), record["eventTime"])
    rows = warehouse.sql(STATEMENTS["Which regions are new"]).collect()
    found = {(row.account, row.region) for row in rows}
    assert found
    assert found <= set(first)
    assert {place for place, time in first.items() if time[:7] == newest[:7]} <= found


def test_what_happened_around_an_event_is_its_callers_ten_minutes(warehouse, records):
    rows = warehouse.sql(STATEMENTS["What happened around one event"]).collect()
    lead = "2023-07-10T12:01:23Z"
    near = [
        record
        for record in records
        if caller(record).get("arn") == "arn:aws:iam::123837392027:user/bert-jan"
        and "2023-07-10T11:56:23Z" <= record["eventTime"] <= "2023-07-10T12:06:23Z"
    ]
    assert len(rows) == len(near) > 1
    assert lead in {record["eventTime"] for record in near}


def test_the_cis_controls_count_what_their_events_are(warehouse, records):
    rows = warehouse.sql(STATEMENTS["CIS monitoring controls"]).collect()
    found = Counter(row.control.split()[0] for row in rows)
    expected = {
        "4.1": denied,
        "4.2": without_mfa,
        "4.3": by_root,
        "4.4": lambda r: service(r) == "iam" and POLICY_EVENTS.search(r["eventName"]),
        "4.5": named("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"),
        "4.8": lambda r: re.fullmatch(
            r"(Put|Delete)Bucket(Acl|Policy|Cors|Lifecycle|Replication)", r["eventName"]
        ),
        "4.10": lambda r: re.search(r"(Authorize|Revoke|Create|Delete)SecurityGroup", r["eventName"]),
        "4.12": named(
            "CreateInternetGateway", "AttachInternetGateway", "DetachInternetGateway", "DeleteInternetGateway"
        ),
        "4.15": lambda r: service(r) == "organizations" and not reads(r),
    }
    for control, about in expected.items():
        assert found[control] == sum(1 for record in records if about(record)), control
