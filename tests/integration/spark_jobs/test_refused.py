"""Log files that are listed and cannot be read: archived ones, those of a key, and huge ones."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import requests

from cloudtrail_jobs import refused
from cloudtrail_jobs.commits import table_at
from cloudtrail_jobs.digests import Evidence
from cloudtrail_jobs.errors import StreamFailedError
from cloudtrail_jobs.limits import MAX_FILE_BYTES
from cloudtrail_jobs.verification import verify
from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.tables.proof import hours_query, verdicts_query
from cloudtrail_to_delta.tables.queries import files_query
from sandbox.sample_logs.digests import Place
from sandbox.spark import properties
from tests.fixtures.trail_cases import whole_day
from tests.fixtures.trails import DAY, NEXT_DAY, NOW, Key, Trail
from tests.integration.spark_jobs.conftest import event, pack

BUCKET = "refused-logs"
FOLDER = f"AWSLogs/111122223333/CloudTrail/us-east-1/{datetime.now(UTC):%Y/%m/%d}"
# Source: AWS, "Troubleshooting KMS permission issues with Amazon S3", and the words that S3 sends.
NO_DECRYPT = (
    "User: arn:aws:sts::111122223333:assumed-role/reader/i-1 is not authorized to perform: kms:Decrypt on "
    "the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt "
    "action"
)
# Source: localstack/localstack issue 8422, tried on AWS; Amazon S3 API Reference, GetObject, on SSE-C.
DISABLED = "arn:aws:kms:us-east-1:111122223333:key/k is disabled."
OWN_KEY = (
    "The object was stored using a form of Server Side Encryption. The correct parameters must be provided "
    "to retrieve the object."
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
    for name in "degh":
        put(name)
    # The batch of `a` is repeated as it was; the next one has the others.
    requests.delete(f"{aws.endpoint}/sandbox/faults", timeout=30).raise_for_status()
    aws.fault(action="GetObject", code="AccessDenied", status=403, message=NO_DECRYPT, path="/d.json.gz")
    aws.fault(action="GetObject", code="KMS.DisabledException", message=DISABLED, path="/g.json.gz")
    lake.ingest(**logs)
    kept, unread = outcome()
    assert kept == {"a", "e", "h"}
    assert {name: reason for name, (reason, _) in unread.items()} == dict.fromkeys("bcdg", "unreadable")
    assert unread["b"][1].startswith(
        "the object's storage class is an archive: restore it, then use read_again"
    )
    assert re.fullmatch(r"the store refuses the object: .*/d\.json\.gz.*kms:Decrypt.*", unread["d"][1])
    assert re.fullmatch(r"the KMS key of the object cannot be used: .*is disabled.*", unread["g"][1])
    # The next run is an ordinary one, and nobody asks for these objects again.
    put("f")
    lake.ingest(**logs)
    assert outcome() == (kept | {"f"}, unread)
    # Once the objects can be read, a run reads them again if it is asked to, and those alone.
    aws.clear_faults()
    s3.restore_object(Bucket=BUCKET, Key=f"{FOLDER}/b.json.gz", RestoreRequest={"Days": 1})
    lake.ingest(read_again=f"{datetime.now(UTC):%Y-%m-%d}", **logs)
    assert outcome()[0] == set("abdefgh")
    files = {row.log_file[-9:-8]: (row.balanced, row.records) for row in lake.ask(files_query)}
    assert files == dict.fromkeys("abdefgh", (True, 1)) | {"c": (True, 0)}


def test_a_file_that_spark_may_not_even_look_up_is_unread_and_the_others_are_given(aws, s3, spark):
    for name in "abcd":
        s3.put_object(Bucket=BUCKET, Key=f"hidden/{name}.json.gz", Body=pack(event(name)))
    # A policy that denies an object denies HEAD, too. The same is true of a key that only the writer has.
    for action in ("GetObject", "HeadObject"):
        aws.fault(action=action, code="AccessDenied", status=403, message="Access Denied", path="/a.json.gz")
        aws.fault(action=action, code="InvalidRequest", status=400, message=OWN_KEY, path="/b.json.gz")
    files = [(f"s3://{BUCKET}/hidden/{name}.json.gz", datetime.now(UTC), 9) for name in "abcd"]
    listed = spark.createDataFrame(files, "path STRING, modificationTime TIMESTAMP, length BIGINT")
    given, unread = refused.read(listed)
    assert sorted(row.path for row in given.collect()) == [files[2][0], files[3][0]]
    assert [one.log_file for one in unread] == [files[0][0], files[1][0]]
    assert unread[0].detail.startswith("the store refuses the object: ")
    assert unread[1].detail.startswith("the store takes the request for a bad one; perhaps the object is")


def trail_in(s3, folder):
    """A trail that delivers into a folder of the bucket, and the job's arguments for its kinds."""
    key = Key()
    place = Place(bucket=BUCKET, root=f"{folder}/AWSLogs/", account="111122223333", region="us-east-1")
    paths = {
        kind: {"logs_path": f"s3://{BUCKET}/{place.root}*/{name}/*/*"}
        for kind, name in (("events", "CloudTrail"), ("digests", "CloudTrail-Digest"))
    }
    return Trail(s3=s3, key=key, place=place, keys={key.name: key.public}), paths


def test_digests_whose_folder_may_not_be_listed_stop_the_run_and_the_audit_has_no_verdict(aws, s3, lake):
    trail, paths = trail_in(s3, "unlisted")
    aws.fault(action="ListObjectsV2", code="AccessDenied", status=403, message="may not s3:ListBucket")
    with pytest.raises(StreamFailedError, match=r"^Spark stopped .*CloudTrail-Digest.*s3:ListBucket"):
        lake.ingest("digests", **paths["digests"])
    with pytest.raises(CloudTrailError, match="AccessDenied"):
        trail.audit()


def test_digests_that_may_not_be_read_stop_the_run_or_are_a_gap_and_the_audit_agrees(aws, s3, lake):
    trail, paths = trail_in(s3, "signed")
    whole_day(trail)

    def refuse(*files):
        for one in files:
            aws.fault(action="GetObject", code="AccessDenied", status=403, message=NO_DECRYPT, path=one.key)

    # None of them: the run of digests fails, the log files are ingested, and the audit has no verdict.
    refuse(*trail.chain)
    lake.ingest("events", **paths["events"])
    with pytest.raises(
        StreamFailedError, match=r"LogsRefusedError: 26 of the 26 .*CloudTrail-Digest.*kms:Dec"
    ):
        lake.ingest("digests", **paths["digests"])
    assert lake.table().select("log_file").distinct().count() == len(trail.files)
    with pytest.raises(CloudTrailError, match=r"26 object\(s\) could not be read.*kms:Decrypt"):
        trail.audit()
    # One of them: it proves nothing, and its hours are a gap.
    aws.clear_faults()
    _, hidden = trail.digest_of(7)
    refuse(hidden)
    lake.ingest("digests", **paths["digests"])
    signatures = {f"{BUCKET}/{one.key}": one.metadata["signature"] for one in trail.chain}
    verify(lake.spark, f"{lake.folder}/delta/digests", Evidence(trail.keys, signatures), NOW)
    digests, quarantine, verified = (
        table_at(f"{lake.folder}/delta/digests{suffix}") for suffix in ("", "_quarantine", "_verified")
    )
    hours = lake.spark.sql(hours_query(digests, verified)).where("state = 'gap'").collect()
    gaps = [at for at in (row.hour.astimezone(UTC) for row in hours) if at < NEXT_DAY]
    audit = trail.audit()
    assert gaps == [one.start for one in audit.not_covered] == [DAY + n * timedelta(hours=1) for n in (6, 7)]
    verdicts = lake.spark.sql(verdicts_query(digests, quarantine, verified))
    (said,), (problem,) = verdicts.where("verdict <> 'signed'").collect(), audit.digests
    assert said.log_file == trail.uri(hidden.key) == trail.uri(problem.uri)
    assert said.problem.startswith("unreadable: the store refuses the object: ")
    assert problem.problem.startswith("S3 refuses the object: ")
    # Once it can be read, a run that reads it again closes the gap.
    aws.clear_faults()
    lake.ingest("digests", read_again=f"{DAY:%Y-%m-%d}", **paths["digests"])
    verify(lake.spark, f"{lake.folder}/delta/digests", Evidence(trail.keys, signatures), NOW)
    verdicts = lake.spark.sql(verdicts_query(digests, quarantine, verified)).select("verdict", "log_file")
    assert sorted(verdicts.collect()) == sorted(("signed", trail.uri(one.key)) for one in trail.chain)
    assert trail.audit().is_complete


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
