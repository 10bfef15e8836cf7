"""The views `<table>_flat` and `<table>_unique`: records of every sort of caller, and each event once."""

from collections import Counter

import pytest

from cloudtrail_jobs.commits import table_at
from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.reference.queries import statements
from cloudtrail_to_delta.tables.flat import (
    FLAT,
    accounts_query,
    flat_columns,
    flat_query,
    unique_query,
    variant_columns,
    variant_query,
)
from cloudtrail_to_delta.tables.ocsf import CLASSES, ocsf_columns, ocsf_query
from tests.fixtures.documents import ROOT
from tests.fixtures.ocsf import violations
from tests.integration.spark_jobs.conftest import event

ROLE = {
    "type": "AssumedRole",
    "arn": "arn:aws:sts::111122223333:assumed-role/Deployer/ada@example.com",
    "principalId": "AROAEXAMPLE:ada@example.com",
    "accountId": "111122223333",
    "sessionContext": {
        "sessionIssuer": {
            "type": "Role",
            "userName": "Deployer",
            "arn": "arn:aws:iam::111122223333:role/team/Deployer",
        },
        "attributes": {"mfaAuthenticated": "true"},
    },
}
NAMES = {
    "111122223333": {
        "alias": "payments",
        "owner": "team \\'a\\\\' ${spark.app.name} \u00e9",
        "environment": "production",
    },
    "444455556666": {"alias": "{{ sandbox }}"},
}
USER = {"type": "IAMUser", "userName": "ada", "arn": "arn:aws:iam::111122223333:user/ada"}
SIGN_IN = {"eventName": "ConsoleLogin", "eventType": "AwsConsoleSignIn", "userIdentity": USER}
IAM = {
    "eventSource": "iam.amazonaws.com",
    "readOnly": False,
    "requestParameters": {"userName": "eve", "policyArn": "arn:aws:iam::1:policy/p"},
}
# A record's fields, and what the view has of them.
CASES = [
    (
        {"userIdentity": ROLE},
        {
            "principal": "Deployer",
            "role": "Deployer",
            "session": "ada@example.com",
            "principal_arn": "arn:aws:iam::111122223333:role/team/Deployer",
            "has_mfa": True,
        },
    ),
    (
        {"userIdentity": {"type": "AssumedRole", "arn": ROLE["arn"]}},
        {"principal": "Deployer", "role": "Deployer", "principal_arn": ROLE["arn"], "has_mfa": None},
    ),
    ({"userIdentity": USER}, {"principal": "ada", "role": None, "session": None, "is_root": False}),
    (
        {"userIdentity": {"type": "Root", "arn": "arn:aws:iam::1:root", "userName": "an alias"}},
        {"principal": "root", "is_root": True, "is_service": False},
    ),
    (
        {"userIdentity": {"type": "AWSService", "invokedBy": "rds.amazonaws.com"}},
        {"principal": "rds.amazonaws.com", "is_service": True},
    ),
    (
        {"userIdentity": {"accountId": "111122223333", "invokedBy": "secretsmanager.amazonaws.com"}},
        {"principal": "secretsmanager.amazonaws.com", "principal_type": None},
    ),
    (
        {"userIdentity": {"type": "AWSAccount", "principalId": "AROAX", "accountId": "9"}},
        {"principal": "AROAX", "principal_account": "9"},
    ),
    (
        {"userIdentity": {"type": "FederatedUser", "arn": "arn:aws:sts::1:federated-user/grace"}},
        {"principal": "grace"},
    ),
    (
        {"userIdentity": {"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}}},
        {"principal": "u-1"},
    ),
    ({}, {"principal": None, "is_root": False, "is_service": False, "is_failed": False}),
    (
        {"errorCode": "Client.UnauthorizedOperation"},
        {"is_failed": True, "is_denied": True, "failure": "Client.UnauthorizedOperation"},
    ),
    (
        {"recipientAccountId": "111122223333", "userIdentity": USER | {"accountId": "444455556666"}},
        {
            "account_alias": "payments",
            "account_owner": NAMES["111122223333"]["owner"],
            "account_environment": "production",
            "principal_account_alias": "{{ sandbox }}",
        },
    ),
    (
        {"recipientAccountId": "444455556666", "userIdentity": USER | {"accountId": "999999999999"}},
        {"account_alias": "{{ sandbox }}", "account_owner": None, "principal_account_alias": None},
    ),
    ({"recipientAccountId": "999999999999"}, {"account_alias": None, "account_environment": None}),
    ({"errorCode": "ThrottlingException"}, {"is_failed": True, "is_denied": False}),
    (
        SIGN_IN | {"responseElements": {"ConsoleLogin": "Failure"}, "errorMessage": "Failed authentication"},
        {"is_failed": True, "failure": "Failed authentication", "is_console": True},
    ),
    (
        SIGN_IN | {"responseElements": {"ConsoleLogin": "Failure"}},
        {"is_failed": True, "failure": "Failure"},
    ),
    (
        SIGN_IN
        | {"responseElements": {"ConsoleLogin": "Success"}, "additionalEventData": {"MFAUsed": "Yes"}},
        {"is_failed": False, "failure": None, "has_mfa": True},
    ),
    ({"readOnly": False, "eventName": "GetFederationToken"}, {"is_read_only": False}),
    ({"eventName": "DescribeInstances"}, {"is_read_only": True}),
    ({"eventName": "RunInstances"}, {"is_read_only": False}),
    ({"sourceIPAddress": "AWS Internal"}, {"source_ip": None, "source_service": "AWS Internal"}),
    ({"sourceIPAddress": "2001:db8::1"}, {"source_ip": "2001:db8::1", "source_service": None}),
    (
        {"sourceIPAddress": "fe.amazonaws.com"},
        {"source_ip": None, "source_service": "fe.amazonaws.com"},
    ),
    ({"eventSource": "s3.amazonaws.com"}, {"service": "s3"}),
    ({"eventSource": "a.third.party"}, {"service": "a.third.party"}),
    ({"resources": []}, {"resource_arns": []}),
    (
        {"resources": [{"ARN": "arn:aws:s3:::b"}, {"arn": "arn:aws:s3:::c"}, {"type": "AWS::S3::Object"}]},
        {"resource_arns": ["arn:aws:s3:::b", "arn:aws:s3:::c"]},
    ),
    (
        {
            "eventSource": "s3.amazonaws.com",
            "requestParameters": {"bucketName": "b", "key": "k/1"},
            "additionalEventData": {"bytesTransferredOut": 243.0, "bytesTransferredIn": "many"},
        },
        {"bucket": "b", "object_key": "k/1", "bytes_out": 243, "bytes_in": None},
    ),
    (
        {
            "requestParameters": {"instanceIds": ["i-0dbc91f429e48eeed", "i-12345678", "ami-12345678"]},
            "responseElements": {"instancesSet": {"items": [{"instanceId": "i-0dbc91f429e48eeed"}]}},
        },
        {"instance_ids": ["i-0dbc91f429e48eeed", "i-12345678"]},
    ),
    (
        {"requestParameters": {"roleArn": "arn:aws:iam::1:role/a/b/Admin", "userName": "eve"}},
        {"target_role": "Admin", "target_user": "eve"},
    ),
    (IAM | {"eventName": "CreateUser"}, {"target_user": "eve"}),
    (IAM | {"eventName": "AttachUserPolicy"}, {"target_user": "eve"}),
    (IAM | {"eventName": "CreatePolicy", "requestParameters": {"policyName": "p"}}, {"service": "iam"}),
    ({"eventSource": "connect.amazonaws.com", "eventName": "CreateUser"}, {"service": "connect"}),
    (
        {
            "eventName": "AssumeRole",
            "requestParameters": {"roleArn": "arn:aws:iam::1:role/Admin", "roleSessionName": "eve"},
            "responseElements": {"assumedRoleUser": {"arn": "arn:aws:sts::1:assumed-role/Admin/eve"}},
        },
        {"target_role": "Admin"},
    ),
    (
        {"userAgent": None, "sessionCredentialFromConsole": "true", "tlsDetails": {"tlsVersion": "TLSv1.3"}},
        {"is_console": True, "tls_version": "TLSv1.3"},
    ),
]


# Source: CIS AWS Foundations Benchmark, section 4: the metric filter of each control.
MONITORED = {
    "4.4": (
        "iam",
        "DeleteGroupPolicy DeleteRolePolicy DeleteUserPolicy PutGroupPolicy PutRolePolicy PutUserPolicy "
        "CreatePolicy DeletePolicy CreatePolicyVersion DeletePolicyVersion AttachRolePolicy DetachRolePolicy "
        "AttachUserPolicy DetachUserPolicy AttachGroupPolicy DetachGroupPolicy",
    ),
    "4.5": ("cloudtrail", "CreateTrail UpdateTrail DeleteTrail StartLogging StopLogging"),
    "4.7": ("kms", "DisableKey ScheduleKeyDeletion"),
    "4.8": (
        "s3",
        "PutBucketAcl PutBucketPolicy PutBucketCors PutBucketLifecycle PutBucketReplication "
        "DeleteBucketPolicy DeleteBucketCors DeleteBucketLifecycle DeleteBucketReplication",
    ),
    "4.9": (
        "config",
        "StopConfigurationRecorder DeleteDeliveryChannel PutDeliveryChannel PutConfigurationRecorder",
    ),
    "4.10": (
        "ec2",
        "AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress "
        "RevokeSecurityGroupEgress CreateSecurityGroup DeleteSecurityGroup",
    ),
    "4.11": (
        "ec2",
        "CreateNetworkAcl CreateNetworkAclEntry DeleteNetworkAcl DeleteNetworkAclEntry "
        "ReplaceNetworkAclEntry ReplaceNetworkAclAssociation",
    ),
    "4.12": (
        "ec2",
        "CreateCustomerGateway DeleteCustomerGateway AttachInternetGateway CreateInternetGateway "
        "DeleteInternetGateway DetachInternetGateway",
    ),
    "4.13": (
        "ec2",
        "CreateRoute CreateRouteTable ReplaceRoute ReplaceRouteTableAssociation DeleteRouteTable DeleteRoute "
        "DisassociateRouteTable",
    ),
    "4.14": (
        "ec2",
        "CreateVpc DeleteVpc ModifyVpcAttribute AcceptVpcPeeringConnection CreateVpcPeeringConnection "
        "DeleteVpcPeeringConnection RejectVpcPeeringConnection AttachClassicLinkVpc DetachClassicLinkVpc "
        "DisableVpcClassicLink EnableVpcClassicLink",
    ),
    "4.15": ("organizations", "AcceptHandshake CreateAccount InviteAccountToOrganization UpdatePolicy"),
    "none": ("ec2", "DescribeVpcs DescribeRouteTables DescribeNetworkAcls DescribeSecurityGroups"),
}
CIS_ACCOUNT = "210987654321"


def monitored():
    """Yield a record for each event of each control, by control."""
    for control, (service, names) in MONITORED.items():
        for name in names.split():
            source = {"eventSource": f"{service}.amazonaws.com", "readOnly": control == "none"}
            yield control, {"eventName": name, **source}
    failure = {"responseElements": {"ConsoleLogin": "Failure"}, "errorMessage": "Failed authentication"}
    without_mfa = {
        "responseElements": {"ConsoleLogin": "Success"},
        "additionalEventData": {"MFAUsed": "No"},
    }
    yield "4.1", {"eventName": "RunInstances", "errorCode": "Client.UnauthorizedOperation"}
    yield "4.1", {"eventName": "ListBuckets", "errorCode": "AccessDenied"}
    yield "4.2", SIGN_IN | without_mfa
    yield "4.3", {"eventName": "ListUsers", "userIdentity": {"type": "Root"}}
    yield "4.6", SIGN_IN | failure


@pytest.fixture(scope="module")
def views(module_lake):
    """Every case in one log file, the first record once more, and one event id with two texts."""
    records = [event(number, **fields) for number, (fields, _) in enumerate(CASES)]
    account = {"recipientAccountId": "111122223333"}
    twice = [event("twice", **account), event("twice", **account)]
    texts = [event("texts", **account), event("texts", **account, annotation="another")]
    module_lake.put("one.json.gz", [*records, twice[0], *texts])
    module_lake.put(
        "two.json.gz", [twice[1], event("no id") | {"eventID": None}, event("x") | {"eventID": None}]
    )
    of_cis = [
        event(f"cis-{number}", recipientAccountId=CIS_ACCOUNT, **fields)
        for number, (_, fields) in enumerate(monitored())
    ]
    module_lake.put("cis.json.gz", of_cis)
    module_lake.ingest()
    table = table_at(f"{module_lake.folder}/delta/events")
    spark = module_lake.spark
    spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW made_accounts AS {accounts_query(NAMES)}")
    for view, query in (("flat", flat_query), ("unique", unique_query)):
        statement = query("events", table, "made_accounts")
        spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW made_{view} AS {statement}")
    for name in CLASSES:
        spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW made_{name} AS {ocsf_query(name, 'made_flat')}")
    spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW made_variant AS {variant_query('events', table)}")
    return spark


def test_every_sort_of_record_has_its_plain_columns(views):
    found = {row.eventID: row for row in views.table("made_flat").collect()}
    for number, (_, expected) in enumerate(CASES):
        row = found[f"id-{number}"]
        assert {name: row[name] for name in expected} == expected, CASES[number]


def test_a_repeated_record_is_marked_once_and_left_out_of_the_unique_view(views):
    marked = views.sql("SELECT eventID, log_file FROM made_flat WHERE is_repeat").collect()
    assert [row.eventID for row in marked] == ["id-twice"]
    query = "SELECT eventID, COUNT(*) FROM made_unique WHERE eventID IN ('id-twice', 'id-texts') GROUP BY 1"
    counts = dict(views.sql(query).collect())
    assert counts == {"id-twice": 1, "id-texts": 2}
    assert views.sql("SELECT * FROM made_unique WHERE eventID IS NULL").count() == 2


def test_the_views_have_the_flat_columns_and_then_the_tables(views):
    names = [column.name for column in FLAT] + list(KINDS["events"].columns)
    assert views.table("made_flat").columns == names == list(flat_columns("events", repeats=True))
    assert views.table("made_unique").columns == [name for name in names if name != "is_repeat"]
    assert len({name.lower() for name in names}) == len(names)


def test_conditions_on_plain_columns_reach_the_scan_and_no_window_stays(views):
    query = "SELECT time, principal FROM made_flat WHERE `date` = DATE'2026-11-22' AND event = 'Get'"
    plan = explain(views, query)
    assert "Window" not in plan
    assert "Join" not in plan
    assert "PartitionFilters: [isnotnull(date" in plan
    assert "EqualTo(eventName,Get)" in plan


def test_a_condition_on_the_day_of_the_unique_view_reaches_the_scan(views):
    plan = explain(views, "SELECT COUNT(*) FROM made_unique WHERE `date` = DATE'2026-11-22'")
    assert "PartitionFilters: [isnotnull(date" in plan


def test_the_names_of_accounts_change_no_number_of_rows_and_leave_the_pruning(views):
    query = "SELECT account, account_alias FROM made_flat WHERE `date` = DATE'2026-11-22'"
    plan = explain(views, query)
    assert "BroadcastHashJoin" in plan
    assert "PartitionFilters: [isnotnull(date" in plan
    counted = "SELECT COUNT(*), COUNT(account_alias), COUNT(principal_account_alias) FROM made_flat"
    (row,) = views.sql(counted).collect()
    assert row[0] == views.table("made_flat").count() > row[1] > row[2] > 0


def test_the_statement_of_the_cis_controls_knows_each_event_of_section_4(views):
    page = (ROOT / "docs/queries.md").read_text(encoding="utf-8")
    (sql,) = (one.sql for one in statements(page) if one.title == "CIS monitoring controls")
    rows = views.sql(sql.replace("cloudtrail_events_flat", "made_flat")).collect()
    found = {(row.control.split()[0], row.event) for row in rows if row.account == CIS_ACCOUNT}
    assert found == {(control, one["eventName"]) for control, one in monitored() if control != "none"}


def test_each_row_is_in_one_ocsf_class_and_follows_its_schema(views):
    found = {name: views.table(f"made_{name}").collect() for name in CLASSES}
    everything = [row.raw for row in views.table("made_flat").select("raw").collect()]
    assert sorted(row.raw_data for rows in found.values() for row in rows) == sorted(everything)
    for name, rows in found.items():
        assert rows
        assert list(ocsf_columns(name)) == views.table(f"made_{name}").columns
        for row in rows:
            assert violations(name, row) == []
    activities = {
        name: {
            (row.api.operation, row.activity_id)
            for row in found[name]
            if row.api.operation != "Get" and row.cloud.account != (CIS_ACCOUNT, None)
        }
        for name in CLASSES
    }
    assert activities == {
        "api_activity": {
            ("GetFederationToken", 2),
            ("DescribeInstances", 2),
            ("RunInstances", 1),
            ("CreateUser", 1),
        },
        "authentication": {("ConsoleLogin", 1), ("AssumeRole", 1)},
        "account_change": {("CreateUser", 1), ("AttachUserPolicy", 7)},
        "entity_management": {("CreatePolicy", 1)},
    }


def test_the_ocsf_attributes_are_those_of_the_published_mapping(views):
    (assumed,) = views.sql("SELECT * FROM made_authentication WHERE api.operation = 'AssumeRole'").collect()
    assert (assumed.user.name, assumed.user.uid) == ("eve", "arn:aws:iam::1:role/Admin")
    assert assumed.session.uid == "arn:aws:sts::1:assumed-role/Admin/eve"
    assert (assumed.metadata.version, assumed.type_uid, assumed.time) == ("1.5.0", 300201, 1795341600000)
    signed_in = views.table("made_authentication").collect()
    counts = Counter(
        (row.status, row.status_id) for row in signed_in if row.cloud.account != (CIS_ACCOUNT, None)
    )
    assert counts == {("Failure", 2): 2, ("Success", 1): 2}
    query = "SELECT * FROM made_account_change WHERE activity_id = 7 AND user.name = 'eve'"
    (attached,) = views.sql(query).collect()
    assert (attached.user.name, attached.policy.uid) == ("eve", "arn:aws:iam::1:policy/p")


def test_a_condition_on_the_day_of_an_ocsf_view_reaches_the_scan(views):
    plan = explain(views, "SELECT COUNT(*) FROM made_authentication WHERE `date` = DATE'2026-11-22'")
    assert "PartitionFilters: [isnotnull(date" in plan
    assert "Join" not in plan


def test_a_variant_has_the_whole_record_and_every_row(views):
    assert views.table("made_variant").columns == list(variant_columns("events"))
    query = (
        "SELECT COUNT(*), COUNT(record), COUNT(variant_get(record, '$.userIdentity.userName', 'string')) "
        "FROM made_variant"
    )
    rows, records, names = views.sql(query).collect()[0]
    assert rows == records == views.table("made_flat").count() > names > 0
    assert "parse_json" not in explain(views, "SELECT eventID FROM made_variant")


def explain(spark, query):
    (row,) = spark.sql(f"EXPLAIN {query}").collect()
    return row.plan
