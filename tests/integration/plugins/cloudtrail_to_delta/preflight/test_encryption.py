"""Encryption, regions and the right to tamper, over HTTP: what is found, and what the role lacks for it."""

from datetime import timedelta

import boto3
import pytest

from sandbox.aws.seed import CREDENTIALS, LAKE_BUCKET, LOGS_BUCKET
from tests.integration.plugins.cloudtrail_to_delta.preflight.conftest import NOW


def of(report, check, status=None):
    return {f.subject: f for f in report.findings if f.check == check and status in (None, f.status)}


@pytest.fixture
def key(account):
    """A customer managed key, with which the reader role may do nothing."""
    return account.aws.client("kms").create_key()["KeyMetadata"]["Arn"]


def encrypt(account, bucket, key):
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    account.s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )


def test_without_kms_no_right_on_a_key_is_needed(account):
    report = account.preflight()
    assert {f.status for f in of(report, "encryption").values()} == {"ok"}
    assert not [subject for subject in of(report, "iam_simulation") if subject.startswith("kms:")]


def test_the_key_of_the_log_files_needs_decrypt(account, key):
    account.encrypt_logs(key)
    report = account.preflight(kinds=["events"])
    assert key in of(report, "encryption")["log files of events"].detail
    (finding,) = report.failed
    assert finding.subject == f"kms:Decrypt on {key}"
    assert "decrypt the events log files" in finding.detail
    assert '"kms:Decrypt"' in finding.remedy
    account.allow("kms:Decrypt", key)
    assert not account.preflight(kinds=["events"]).failed


@pytest.mark.parametrize("changed", ["since", "until"])
def test_a_key_that_the_trail_got_later_or_had_before_is_needed_too(account, key, changed):
    account.encrypt_logs(key)
    account.deliver("events", age=timedelta(days=40) if changed == "since" else timedelta(minutes=5))
    report = account.preflight(kinds=["events"])
    finding = of(report, "encryption")["log files of events"]
    assert finding.detail == f"encrypted with {key}; other files use another key or none"
    assert [finding.subject for finding in report.failed] == [f"kms:Decrypt on {key}"]


def test_a_key_of_days_that_are_not_read_is_not_needed(account, key):
    account.encrypt_logs(key)
    account.deliver("events", age=timedelta(days=40))
    last = f"{NOW - timedelta(days=30):%Y-%m-%d}"
    assert not account.preflight(kinds=["events"], until=last).failed
    report = account.preflight(kinds=["events"], **{"from": last})
    assert [finding.subject for finding in report.failed] == [f"kms:Decrypt on {key}"]
    assert of(report, "encryption")["log files of events"].detail == f"encrypted with {key}"


def test_a_buckets_key_that_is_given_by_its_id_is_found_in_the_buckets_region(account):
    def london(service):
        own = {"endpoint_url": account.aws.endpoint, "region_name": "eu-west-2"}
        return boto3.client(service, **own, **CREDENTIALS)

    key = london("kms").create_key()["KeyMetadata"]
    place = {"LocationConstraint": "eu-west-2"}
    london("s3").create_bucket(Bucket="lake-in-london", CreateBucketConfiguration=place)
    encrypt(account, "lake-in-london", key["KeyId"])
    report = account.preflight(kinds=["events"], target_root="s3://lake-in-london/delta")
    assert of(report, "encryption")["bucket lake-in-london"].detail == f"encrypted with {key['Arn']}"
    assert of(report, "resource_policy")[f"key {key['Arn']}"].status == "ok"


def test_where_no_log_file_may_be_looked_at_the_buckets_default_key_is_taken(account, key):
    encrypt(account, LOGS_BUCKET, key)
    account.aws.fault(action="HeadObject", code="403", status=403)
    report = account.preflight(kinds=["events"])
    found = of(report, "encryption")
    assert found["log files of events"].status == "warning"
    assert found[f"bucket {LOGS_BUCKET}"].detail == f"encrypted with {key}"
    assert [finding.subject for finding in report.failed] == [f"kms:Decrypt on {key}"]


def test_a_kind_without_log_files_needs_no_key(account, key):
    account.deliver("events", account="444455556666")
    encrypt(account, LOGS_BUCKET, key)
    report = account.preflight(account="444455556666")
    assert list(report.skipped_kinds) == ["insights"]
    assert of(report, "encryption")["log files of insights"].status == "skipped"
    assert not [finding for finding in report.failed if "insights" in finding.detail]


def test_the_key_of_the_tables_bucket_needs_a_data_key_too(account, key):
    encrypt(account, LAKE_BUCKET, key.rpartition("/")[2])
    report = account.preflight(kinds=["events"])
    (finding,) = report.failed
    assert f"kms:Decrypt on {key}, kms:GenerateDataKey on {key} to" in finding.detail
    account.allow(["kms:Decrypt", "kms:GenerateDataKey"], key)
    assert not account.preflight(kinds=["events"]).failed


def test_a_right_that_is_limited_to_s3_is_enough(account, key):
    account.encrypt_logs(key)
    condition = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    account.allow("kms:Decrypt", key, Condition=condition)
    assert not account.preflight(kinds=["events"]).failed


def test_the_key_that_aws_manages_needs_nothing(account):
    encrypt(account, LAKE_BUCKET, "alias/aws/s3")
    report = account.preflight()
    assert not report.failed
    assert "needs no further permission" in of(report, "encryption")[f"bucket {LAKE_BUCKET}"].detail


def test_the_key_that_aws_manages_is_known_by_its_arn_and_serves_its_own_account_only(account):
    kms = account.aws.client("kms")
    arn = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"]
    account.encrypt_logs(arn)
    report = account.preflight(kinds=["events"])
    assert not report.failed, report.render()
    assert "needs no further permission" in of(report, "encryption")["log files of events"].detail
    elsewhere = {"reader_role_arn": "arn:aws:iam::999988887777:role/reader", "iam_simulation": "off"}
    (finding,) = account.preflight(kinds=["events"], **elsewhere).failed
    assert f"encrypted with {arn}, the key that AWS manages for S3 in account 123456789012" in finding.detail
    with pytest.raises(kms.exceptions.ClientError, match="AccessDenied"):
        kms.put_key_policy(KeyId=arn, PolicyName="default", Policy="{}")


def test_archived_log_files_are_a_warning_that_names_one(account):
    assert not of(account.preflight(kinds=["events"]), "storage_class", "warning")
    (entry,) = account.s3.list_objects_v2(Bucket=LOGS_BUCKET, Prefix="AWSLogs/111122223333/CloudTrail/")[
        "Contents"
    ]
    account.s3.put_object(Bucket=LOGS_BUCKET, Key=entry["Key"], Body=b"", StorageClass="GLACIER")
    account.deliver("events", age=timedelta(minutes=5))
    report = account.preflight(kinds=["events"])
    assert not report.failed, report.render()
    (finding,) = of(report, "storage_class", "warning").values()
    assert finding.detail.startswith(f"{entry['Key']} is archived (GLACIER)")
    tomorrow = f"{NOW + timedelta(days=1):%Y-%m-%d}"
    bounded = account.preflight(kinds=["events"], **{"from": tomorrow})
    assert of(bounded, "storage_class")["events"].status == "skipped"


def test_a_log_bucket_in_another_region_fails_and_a_lake_there_is_a_warning_about_cost(account):
    report = account.preflight(region="eu-west-1")
    failed = {f.subject: f for f in report.failed if f.check == "bucket"}
    assert failed[LOGS_BUCKET].remedy == "Set region to 'us-east-1'."
    warned = of(report, "bucket", "warning")[LAKE_BUCKET]
    assert "AWS charges for traffic between regions" in warned.detail


def test_a_reader_that_may_delete_the_logs_is_a_warning(account):
    report = account.preflight(kinds=["events"])
    assert of(report, "iam_simulation", "warning") == {}
    account.allow(["s3:DeleteObject*", "s3:PutObject"], f"arn:aws:s3:::{LOGS_BUCKET}/*")
    report = account.preflight(kinds=["events"])
    assert not report.failed
    warned = of(report, "iam_simulation", "warning")
    assert {subject.partition(" ")[0] for subject in warned} == {
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:PutObject",
    }
    assert all("not needed" in finding.detail for finding in warned.values())


def test_what_was_found_about_keys_is_said_also_when_iam_cannot_be_asked(account, key):
    account.encrypt_logs(key)
    account.aws.fault(action="SimulatePrincipalPolicy", code="OptInRequired", message="not now", status=400)
    report = account.preflight(kinds=["events"])
    assert key in of(report, "encryption")["log files of events"].detail
    (finding,) = report.failed
    assert (finding.check, finding.subject) == ("iam_simulation", account.seeded.reader_role_arn)
    assert "not now" in finding.detail
