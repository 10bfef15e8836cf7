"""Log files that are listed and cannot be read: archived ones, those of a key, and huge ones."""

import re
from datetime import UTC, datetime

import pytest
import requests

from cloudtrail_jobs.errors import StreamFailedError
from cloudtrail_jobs.limits import MAX_FILE_BYTES
from sandbox.spark import properties
from tests.integration.spark_jobs.conftest import event, pack

BUCKET = "refused-logs"
FOLDER = f"AWSLogs/111122223333/CloudTrail/us-east-1/{datetime.now(UTC):%Y/%m/%d}"
# Source: AWS, "Troubleshooting KMS permission issues with Amazon S3", and the words that S3 sends.
NO_DECRYPT = (
    "User: arn:aws:sts::111122223333:assumed-role/reader/i-1 is not authorized to perform: kms:Decrypt on "
    "the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt "
    "action"
)


@pytest.fixture
def s3(aws, spark):
    """The stand-in's S3, as `s3://` in this Spark."""
    settings = {
        name.removeprefix("spark.hadoop."): value
        for name, value in properties(aws_endpoint=aws.endpoint).items()
        if name.startswith("spark.hadoop.")
    }
    for name, value in settings.items():
        spark.conf.set(name, value)
    client = aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    yield client
    requests.delete(f"{aws.endpoint}/sandbox/faults", timeout=30).raise_for_status()
    for name in settings:
        spark.conf.unset(name)


def test_refused_objects_are_quarantined_and_the_others_become_rows(aws, s3, lake):
    logs = {"logs_path": f"s3://{BUCKET}/AWSLogs/*/CloudTrail/*/*"}

    def put(name, **options):
        s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/{name}.json.gz", Body=pack(event(name)), **options)

    def outcome():
        kept = {row.eventID.removeprefix("id-") for row in lake.table().select("eventID").collect()}
        found = lake.quarantine().select("log_file", "reason", "detail").collect()
        return kept, {row.log_file[-9:-8]: (row.reason, row.detail) for row in found}

    # A right that is missing for every object stops the run, with the file and the words of the service.
    put("a")
    aws.fault(action="GetObject", code="AccessDenied", status=403, message=NO_DECRYPT, path="/a.json.gz")
    with pytest.raises(StreamFailedError, match=r"LogsRefusedError: 1 of the 1 .*/a\.json\.gz.*kms:Decrypt"):
        lake.ingest(**logs)
    put("b", StorageClass="GLACIER")
    put("c", StorageClass="DEEP_ARCHIVE")
    for name in "de":
        put(name)
    # The batch of `a` is repeated as it was; the next one has the others.
    requests.delete(f"{aws.endpoint}/sandbox/faults", timeout=30).raise_for_status()
    aws.fault(action="GetObject", code="AccessDenied", status=403, message=NO_DECRYPT, path="/d.json.gz")
    lake.ingest(**logs)
    kept, refused = outcome()
    assert kept == {"a", "e"}
    assert {name: reason for name, (reason, _) in refused.items()} == dict.fromkeys("bcd", "unreadable")
    assert refused["b"][1].startswith("the object's storage class is an archive: restore it, then copy")
    assert re.fullmatch(r"the store refuses the object: .*/d\.json\.gz.*kms:Decrypt.*", refused["d"][1])
    # The next run is an ordinary one, and nobody asks for these objects again.
    put("f")
    lake.ingest(**logs)
    assert outcome() == (kept | {"f"}, refused)


def test_an_object_that_is_too_large_is_never_opened_and_the_others_become_rows(lake):
    lake.put("a.json.gz", [event("a")])
    with lake.put("b.json.gz", b"").open("wb") as huge:
        huge.truncate(MAX_FILE_BYTES + 1)
    lake.ingest()
    assert [row.eventID for row in lake.table().collect()] == ["id-a"]
    (row,) = lake.quarantine().collect()
    assert (row.reason, row.detail) == (
        "unreadable",
        f"the object has {MAX_FILE_BYTES + 1} bytes, more than {MAX_FILE_BYTES}",
    )
