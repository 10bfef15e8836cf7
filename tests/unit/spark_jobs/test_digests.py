"""One digest's verdict, for what no case of `tests.fixtures.trail_cases` shows."""

import dataclasses
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from cloudtrail_jobs.digests import Digest, Evidence, Mention, judge, read_evidence
from sandbox.sample_logs.digests import Place
from sandbox.sample_logs.digests import digest as made
from tests.fixtures.trails import Key, Signer

END = datetime(2026, 11, 20, 4, 1, 31, tzinfo=UTC)
SOON = END + timedelta(hours=1)
LATER = END + timedelta(days=1)
KEY = Key()


@pytest.fixture(scope="module")
def file():
    place = Place(bucket="bucket", root="AWSLogs/", account="111122223333", region="us-east-1")
    return made(place, [], Signer(KEY), end=END)


@pytest.fixture(scope="module")
def digest(file):
    found = json.loads(file.content)
    names = [field.name for field in dataclasses.fields(Digest)][2:]
    return Digest(
        f"s3://bucket/{file.key}",
        hashlib.sha256(file.content).hexdigest(),
        **{name: found[name] for name in names},
    )


@pytest.fixture(scope="module")
def evidence(file):
    signature = file.metadata["signature"]
    return Evidence({KEY.name: KEY.public}, {f"bucket/{file.key}": signature})


def test_the_metadatas_signature_proves_a_digest_and_so_does_the_one_in_any_other_digest(digest, evidence):
    assert judge(digest, [], evidence, LATER) == ("signed", None)
    (signature,) = evidence.signatures.values()
    wrong = Mention("s3://b/wrong", "0" * 64, "00")
    right = Mention("s3://b/right", digest.log_file_sha256, signature)
    assert judge(digest, [wrong, right], Evidence(evidence.keys), LATER) == ("signed", None)
    assert judge(digest, [wrong], evidence, LATER) == ("signed", None)


def test_a_digest_without_a_signature_is_pending_for_three_hours(digest, evidence):
    keys = Evidence(evidence.keys)
    assert judge(digest, [], keys, SOON)[0] == "pending"
    assert judge(digest, [], keys, LATER)[0] == "unsigned"
    assert judge(digest, [Mention("s3://b/next", None, None)], keys, SOON)[0] == "pending"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"log_file": "s3://bucket/other"}, "moved: CloudTrail wrote it to s3://bucket/AWSLogs/"),
        ({"digestS3Bucket": "other"}, "moved"),
        ({"digestS3Bucket": None, "digestS3Object": None}, "moved"),
        ({"awsAccountId": "444455556666"}, "its name does not match"),
        ({"digestEndTime": "2026-11-20T05:01:31Z"}, "its name does not match"),
        ({"digestSignatureAlgorithm": "SHA1withRSA"}, "signed with 'SHA1withRSA'"),
        ({"digestPublicKeyFingerprint": None}, "no public key with the fingerprint None"),
        ({"log_file_sha256": "0" * 64}, "the signature is not CloudTrail's"),
        ({"previousDigestSignature": ""}, "the signature is not CloudTrail's"),
    ],
    ids=range(9),
)
def test_a_digest_that_is_not_as_it_was_signed_is_unsigned(digest, evidence, changed, problem):
    verdict, said = judge(dataclasses.replace(digest, **changed), [], evidence, LATER)
    assert (verdict, problem in said) == ("unsigned", True), said


def test_a_run_without_public_keys_says_where_to_look(digest, evidence):
    verdict, said = judge(digest, [], Evidence({}, evidence.signatures), LATER)
    assert (verdict, "stage_code" in said) == ("unsigned", True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": {"a": "?"}, "signatures": {}}', '{"keys": []}'])
def test_what_is_not_the_file_of_public_keys_is_refused(text):
    with pytest.raises(ValueError, match=r"not the file|Expecting value"):
        read_evidence(text)
