"""Which external locations a set-up needs, and what the credential's role is allowed for them."""

import pytest

from cloudtrail_to_delta.iam.reader import reader_policy
from cloudtrail_to_delta.setup.databricks.locations import catalog_access, logs_folder, places
from cloudtrail_to_delta.setup.request import resolve_setup

PARAMS = {
    "accounts": {"111122223333": "aws_default"},
    "bucket": "trail",
    "region": "us-east-1",
    "target_root": "s3://lake/delta",
    "checkpoint_root": "s3://lake/checkpoints",
    "code_root": "s3://lake/code",
    "reader": "storage_credential",
    "databricks_compute": "none",
    "discovery": "listing",
}


def request(**changed):
    return resolve_setup(PARAMS | changed)


@pytest.mark.parametrize(
    ("changed", "uri"),
    [
        ({}, "s3://trail/AWSLogs"),
        ({"prefix": "audit"}, "s3://trail/audit/AWSLogs"),
        ({"account": "111122223333"}, "s3://trail/AWSLogs/111122223333"),
        ({"account": "111122223333", "kinds": ["events"]}, "s3://trail/AWSLogs/111122223333/CloudTrail"),
        ({"organization": "o-a1b2c3d4e5"}, "s3://trail/AWSLogs/o-a1b2c3d4e5"),
    ],
)
def test_the_logs_location_is_the_innermost_folder_of_all_kinds(changed, uri):
    assert logs_folder(request(**changed)).uri == uri


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {"tables": "s3://lake/delta", "checkpoints": "s3://lake/checkpoints", "code": "s3://lake/code"}),
        ({"target_root": "s3://lake"}, {"tables": "s3://lake"}),
        (
            {"code_root": "s3://lake/checkpoints/code"},
            {"tables": "s3://lake/delta", "checkpoints": "s3://lake/checkpoints"},
        ),
        (
            {"code_root": "/Volumes/main/default/code"},
            {"tables": "s3://lake/delta", "checkpoints": "s3://lake/checkpoints"},
        ),
        ({"checkpoint_root": "s3://lake/delta/cp"}, {"tables": "s3://lake/delta", "code": "s3://lake/code"}),
    ],
)
def test_a_place_that_lies_in_another_takes_no_location(changed, expected):
    found = {place.purpose: place.where.uri for place in places(request(**changed))}
    assert found == {"logs": "s3://trail/AWSLogs"} | expected


def statements(**changed):
    policy = reader_policy(catalog_access(request(**changed)))
    return {one["Sid"]: one for one in policy["Statement"]}


def test_the_role_reads_the_logs_and_writes_only_the_target():
    found = statements()
    assert found["ReadLogs"]["Action"] == ["s3:GetObject"]
    assert found["ReadLogs"]["Resource"] == ["arn:aws:s3:::trail/AWSLogs/*"]
    assert found["ListLogs"]["Condition"] == {"StringLike": {"s3:prefix": ["AWSLogs", "AWSLogs/*"]}}
    assert found["WriteTables"]["Resource"] == [
        "arn:aws:s3:::lake/checkpoints/*",
        "arn:aws:s3:::lake/delta/*",
    ]
    assert "s3:PutObject" not in found["ReadCode"]["Action"]
    assert not [sid for sid in found if sid.startswith("FileEvents")]


def test_the_role_has_every_action_that_databricks_publishes_for_a_storage_credential():
    actions = {action for one in statements(code_root="/Volumes/a/b/c").values() for action in one["Action"]}
    assert actions == {
        *(f"s3:{action}Object" for action in ("Get", "Put", "Delete")),
        *("s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"),
        *("s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"),
    }


def test_file_events_add_the_notification_of_the_log_bucket_and_unity_catalogs_own_topics():
    found = statements(discovery="file_events")
    assert found["FileEventsBucket"]["Resource"] == ["arn:aws:s3:::trail"]
    assert found["FileEventsQueue"]["Resource"] == ["arn:aws:sqs:*:*:csms-*"]
    assert "sns:CreateTopic" in found["FileEventsTopic"]["Action"]
    assert found["FileEventsList"]["Action"] == ["sns:ListTopics", "sqs:ListQueues"]
