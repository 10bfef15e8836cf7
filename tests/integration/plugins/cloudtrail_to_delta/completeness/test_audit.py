"""The audit of a trail that lost or changed something, apart from the cases of test_cases.py."""

import dataclasses
import gzip
from datetime import timedelta

import pytest

from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.params.locations import ANY
from sandbox.sample_logs.digests import digest
from tests.fixtures.trails import (
    DAY,
    HOURS,
    NEXT_DAY,
    NOW,
    Signer,
)


def verdicts(audit):
    return {one.log_file: one.verdict for one in audit.not_proven}


def gaps(audit):
    return [one.start.hour for one in audit.not_covered if one.state == "gap"]


def test_a_sound_day_is_complete_with_its_empty_hours(day):
    audit = day.audit()
    assert audit.is_complete
    assert audit.files == {"proven": len(HOURS)}
    assert audit.hours == {"covered": 24}
    assert (audit.not_proven, audit.not_covered, audit.digests) == ([], [], [])


def test_a_file_with_another_hash_in_the_table_was_altered_before_it_was_read(day):
    uri = day.uri(day.files[2].key)
    day.table[uri] = frozenset({"0" * 64})
    audit = day.audit()
    assert verdicts(audit) == {uri: "altered"}
    assert not audit.is_complete


def test_a_file_that_was_read_twice_with_two_contents_is_altered(day):
    uri = day.uri(day.files[2].key)
    day.table[uri] |= {"0" * 64}
    assert verdicts(day.audit()) == {uri: "altered"}


def test_a_file_that_could_not_be_read_is_altered(day):
    uri = day.uri(day.files[2].key)
    day.table[uri] = frozenset()
    assert verdicts(day.audit()) == {uri: "altered"}


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b'{"Records":[]}'), b"not gzip", gzip.compress(b"x" * 99)[:-9]],
    ids=["other records", "not gzip", "cut"],
)
def test_a_file_that_was_overwritten_after_it_was_read_is_found_when_files_are_read(day, body):
    one = day.files[3]
    day.put(one.key, body)
    assert day.audit().is_complete
    assert verdicts(day.audit(reads_files=True)) == {day.uri(one.key): "altered"}


def test_what_s3_refuses_is_named_and_there_is_no_verdict(day, aws):
    one = day.files[3]
    aws.fault(action="GetObject", code="InvalidObjectState", status=403, path=one.key)
    assert day.audit().is_complete
    with pytest.raises(CloudTrailError, match=rf"such as {day.uri(one.key)}.*InvalidObjectState"):
        day.audit(reads_files=True)
    aws.clear_faults()
    aws.fault(action="ListObjectsV2", code="AccessDenied", status=403)
    with pytest.raises(
        CloudTrailError, match=r"CloudTrail-Digest/us-east-1/ cannot be listed.*s3:ListBucket"
    ):
        day.audit()
    aws.clear_faults()


def test_bytes_after_the_gzip_data_of_a_file_are_found_when_files_are_read(day):
    one = day.files[3]
    body = day.s3.get_object(Bucket=day.place.bucket, Key=one.key)["Body"].read()
    day.put(one.key, body + gzip.compress(b'{"Records":[]}'))
    (found,) = day.audit(reads_files=True).not_proven
    assert (found.verdict, "bytes follow the gzip data" in found.detail) == ("altered", True)


def test_a_file_that_the_table_lacks_is_missing(day):
    uri = day.uri(day.files[0].key)
    del day.table[uri]
    assert verdicts(day.audit()) == {uri: "missing"}


def test_a_file_that_was_deleted_before_it_was_read_is_missing(day):
    one = day.files[0]
    del day.table[day.uri(one.key)]
    day.delete(one.key)
    (found,) = day.audit().not_proven
    assert (found.verdict, "no longer in the bucket" in found.detail) == ("missing", True)


def test_a_file_that_a_lifecycle_rule_removed_after_it_was_read_is_proven(day):
    for one in day.files:
        day.delete(one.key)
    assert day.audit(reads_files=True).is_complete


@pytest.mark.parametrize(("ingested", "verdict"), [(True, "extra"), (False, "missing")])
def test_a_file_that_no_digest_names_in_an_hour_with_a_digest_was_not_cloudtrails(day, ingested, verdict):
    one = day.deliver(DAY + timedelta(hours=11, minutes=30), ingested=ingested)
    assert verdicts(day.audit()) == {day.uri(one.key): verdict}


def test_names_that_are_hidden_from_spark_are_missing(day):
    key = day.files[0].key
    folder, _, name = key.rpartition("/")
    day.put(f"{folder}/_{name}", b"")
    (found,) = day.audit(now=NOW + timedelta(days=9)).not_proven
    assert found.log_file.endswith(f"/_{name}")


@pytest.mark.parametrize("change", [{"logFiles": []}, {"digestStartTime": f"{DAY:%Y-%m-%dT%H:%M:%SZ}"}])
def test_a_digest_that_was_altered_proves_nothing(day, change):
    uri = day.change_digest(6, **change)
    audit = day.audit()
    (problem,) = audit.digests
    assert (problem.uri, problem.problem[:8] == "altered:") == (uri, True)
    assert gaps(audit) == [5, 6]
    assert verdicts(audit) == {day.uri(day.files[1].key): "unsigned"}


def test_the_newest_digest_is_held_by_its_own_signature_alone(trail):
    trail.deliver(DAY + timedelta(hours=22, minutes=20))
    trail.sign(end=NEXT_DAY + timedelta(minutes=2))
    assert trail.audit().is_complete
    trail.change_digest(24, logFiles=[])
    (problem,) = trail.audit().digests
    assert problem.problem == "the signature is not CloudTrail's"


def test_metadata_that_was_lost_by_a_copy_does_no_harm_where_the_next_digest_has_the_signature(day):
    _, file = day.digest_of(6)
    day.put(file.key, file.body)
    assert day.audit().is_complete


def test_a_digest_that_was_deleted_is_named_and_its_hour_is_not_covered(day):
    _, file = day.digest_of(6)
    day.delete(file.key)
    audit = day.audit()
    (problem,) = audit.digests
    assert (problem.uri, problem.problem[:9]) == (day.uri(file.key), "missing: ")
    assert gaps(audit) == [5, 6]


def test_a_file_that_a_backfill_digest_names_is_late_and_proven(day):
    one = day.deliver(DAY + timedelta(hours=4, minutes=20), signed=False)
    end = NEXT_DAY + timedelta(hours=20, minutes=1, seconds=31)
    day.put_digest(digest(day.place, [one], Signer(day.key), end=end, backfill=True))
    audit = day.audit()
    assert audit.is_complete
    assert audit.files == {"proven": len(HOURS), "late": 1}


def test_an_organizations_trail_has_its_id_in_the_path(trail):
    trail.place = dataclasses.replace(trail.place, root=f"{trail.place.root}o-exampleorgid/")
    trail.deliver(DAY + timedelta(hours=4, minutes=20))
    trail.sign()
    audit = trail.audit(account=ANY, region=ANY)
    assert audit.is_complete
    assert audit.files == {"proven": 1}


def test_a_region_with_log_files_and_no_digests_at_all_is_not_covered(day):
    quiet = dataclasses.replace(day.place, region="eu-west-1")
    one = day.deliver(DAY + timedelta(hours=4), place=quiet, signed=False)
    audit = day.audit(region=ANY)
    assert audit.hours == {"covered": 24, "gap": 24}
    assert verdicts(audit) == {day.uri(one.key): "unsigned"}


def test_a_kind_that_no_digest_names_is_unsigned_not_extra(day):
    one = day.deliver(DAY + timedelta(hours=4), folder="CloudTrail-Insight", signed=False)
    (found,) = day.audit(folder="CloudTrail-Insight").not_proven
    assert (found.log_file, found.verdict) == (day.uri(one.key), "unsigned")


def test_what_is_not_due_yet_is_pending_and_harms_nothing(trail):
    now = DAY + timedelta(hours=9, minutes=30)
    trail.deliver(DAY + timedelta(hours=2, minutes=20))
    trail.sign(end=DAY + timedelta(hours=8))
    unread = trail.deliver(now - timedelta(minutes=20), ingested=False, signed=False)
    read = trail.deliver(now - timedelta(minutes=50), signed=False)
    audit = trail.audit(now=now)
    assert verdicts(audit) == {trail.uri(unread.key): "pending", trail.uri(read.key): "pending"}
    assert audit.hours == {"covered": 7, "pending": 3}
    assert audit.is_complete


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "truncated gzip data"),
        (b"plain text", "not gzip"),
        (gzip.compress(b"[]"), "not a digest"),
        (gzip.compress(b"{}"), "not a digest"),
        (gzip.compress(b'{"digestEndTime": 7, "logFiles": {}}'), "not a digest"),
        (gzip.compress(b"[" * 100_000), "not a digest"),
    ],
    ids=["empty", "text", "a list", "no fields", "fields of other types", "nested too deeply"],
)
def test_whatever_stands_where_a_digest_was_is_a_problem_of_its_own(day, body, problem):
    _, file = day.digest_of(6)
    day.put(file.key, body)
    audit = day.audit()
    assert [one.problem[: len(problem)] for one in audit.digests] == [problem]
    assert gaps(audit) == [5, 6]


def test_bytes_after_the_gzip_data_of_a_digest_are_found(day):
    _, file = day.digest_of(6)
    day.put(file.key, file.body + b"more", Metadata=file.metadata)
    (one,) = day.audit().digests
    assert one.problem == "4 bytes follow the gzip data"


def test_a_day_of_a_region_costs_two_listings(day, aws):
    aws.forget_requests()
    day.audit()
    listed = [one for one in aws.requests() if one["method"] == "GET" and "list-type=2" in one["query"]]
    assert len(listed) == 2
