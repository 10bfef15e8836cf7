"""What the log bucket's policy allows the reader role: with a role of another account it decides alone."""

import pytest

from cloudtrail_to_delta.setup.aws.policies import READER, reader_statements
from cloudtrail_to_delta.setup.build import reader_document
from cloudtrail_to_delta.setup.documents import sid
from cloudtrail_to_delta.setup.request import resolve_setup

BUCKET_ARN = "arn:aws:s3:::trail"
LOGS, READERS = "111122223333", "444455556666"
PARAMS = {
    "accounts": {LOGS: "aws_logs", READERS: "aws_readers"},
    "bucket_account": LOGS,
    "reader_account": READERS,
    "bucket": "trail",
    "region": "us-east-1",
    "target_root": "s3://lake/delta",
    "checkpoint_root": "s3://lake/checkpoints",
    "reader": "instance_profile",
    "discovery": "listing",
}
CATALOG = {"reader": "storage_credential", "code_root": "/Volumes/main/security/code"}


def grants(statements):
    """Action, resource and the prefixes that a listing is limited to."""
    return {
        (action, resource, prefix)
        for one in statements
        for action in one["Action"]
        for resource in one["Resource"]
        for prefix in one.get("Condition", {}).get("StringLike", {}).get("s3:prefix", [""])
    }


@pytest.mark.parametrize(
    "changed",
    [{}, CATALOG, CATALOG | {"discovery": "file_events"}, {"discovery": "notifications"}],
    ids=["profile", "catalog", "catalog-file-events", "profile-notifications"],
)
def test_the_bucket_allows_whatever_the_roles_own_policy_allows_on_the_logs(changed):
    request = resolve_setup(PARAMS | changed)
    ours = reader_statements(request)
    own = [one for one in reader_document(request)["Statement"] if one["Sid"] in READER]
    assert grants(ours.values()) == {one for one in grants(own) if one[1].startswith(BUCKET_ARN)}
    assert {one["Principal"]["AWS"] for one in ours.values()} == {request.reader_role_arn}
    assert f":{READERS}:" in request.reader_role_arn


def test_unity_catalog_is_allowed_to_try_the_whole_folder_of_the_location():
    found = grants(reader_statements(resolve_setup(PARAMS | CATALOG)).values())
    assert ("s3:GetObject", f"{BUCKET_ARN}/AWSLogs/*", "") in found
    assert ("s3:ListBucket", BUCKET_ARN, "AWSLogs/*") in found


def test_auto_loaders_notifications_need_the_buckets():
    name = sid("cloudtrail", "NotifyBucket")
    found = reader_statements(resolve_setup(PARAMS | {"discovery": "notifications"}))
    assert found[name]["Action"] == ["s3:GetBucketNotification", "s3:PutBucketNotification"]
    assert name not in reader_statements(resolve_setup(PARAMS))


def test_only_file_events_may_set_the_buckets_notifications():
    name = sid("cloudtrail", "FileEventsBucket")
    with_events = reader_statements(resolve_setup(PARAMS | CATALOG | {"discovery": "file_events"}))
    assert with_events[name]["Action"] == ["s3:GetBucketNotification", "s3:PutBucketNotification"]
    assert with_events[name]["Resource"] == [BUCKET_ARN]
    assert name not in reader_statements(resolve_setup(PARAMS | CATALOG))


def test_nobody_is_allowed_to_change_a_log_file():
    request = resolve_setup(PARAMS | CATALOG | {"discovery": "file_events"})
    actions = {action for action, _, _ in grants(reader_statements(request).values())}
    assert not {action for action in actions if action.startswith(("s3:PutObject", "s3:Delete"))}


def test_the_statements_are_those_that_a_removal_takes_out():
    request = resolve_setup(PARAMS | CATALOG | {"discovery": "file_events"})
    assert set(reader_statements(request)) <= {sid(request.name, purpose) for purpose in READER}
