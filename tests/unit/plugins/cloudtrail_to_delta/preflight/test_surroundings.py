"""A logs path that leads to nothing: what is said of what is there instead."""

import pytest

from cloudtrail_to_delta.params.locations import LogsLocation
from cloudtrail_to_delta.preflight.listing import Listing
from cloudtrail_to_delta.preflight.surroundings import describe_surroundings
from tests.unit.plugins.cloudtrail_to_delta.listed_bucket import ListedBucket

A, B = "111122223333", "444455556666"
KEY = f"AWSLogs/{A}/CloudTrail/us-east-1/2026/05/02/x.json.gz"
ORGANIZATION = "o-a1b2c3d4e5"


@pytest.mark.parametrize(
    ("keys", "location", "there", "change"),
    [
        ([], {}, "the bucket has no AWSLogs/; it contains nothing", ""),
        (["a/x", "b.txt"], {}, "the bucket has no AWSLogs/; it contains a/, b.txt", ""),
        ([f"trail/{KEY}"], {}, "the bucket has no AWSLogs/; it contains trail/", ""),
        (
            [KEY],
            {"prefix": "trail"},
            "trail/ has no AWSLogs/; it contains nothing; the top of the bucket contains AWSLogs/",
            "Leave prefix empty.",
        ),
        (["other/x"], {"prefix": "trail"}, "the top of the bucket contains other/", "Correct prefix."),
        (
            [KEY],
            {"account": B},
            f"AWSLogs/ has no {B}/; it contains {A}/",
            "Set account to one of these, or to '*'",
        ),
        (
            [KEY.replace(A, f"{ORGANIZATION}/{A}")],
            {"account": A},
            f"AWSLogs/ has no {A}/; it contains {ORGANIZATION}/",
            f"set organization to '{ORGANIZATION}'",
        ),
        (
            [KEY.replace(A, f"{ORGANIZATION}/{A}")],
            {"account": "*"},
            "AWSLogs/ has no account",
            f"set organization to '{ORGANIZATION}'",
        ),
        (
            [KEY],
            {"organization": ORGANIZATION},
            f"AWSLogs/ has no {ORGANIZATION}/; it contains {A}/",
            "leave organization empty",
        ),
        (
            [f"AWSLogs/{A}/CloudTrail-Digest/x", f"AWSLogs/{A}/Config/x"],
            {},
            f"AWSLogs/{A}/ has no CloudTrail/; it contains CloudTrail-Digest/, Config/",
            "Turn on logging of this kind",
        ),
        (
            [KEY],
            {"folder": "CloudTrail-Insight", "account": "*"},
            f"AWSLogs/{A}/ has no CloudTrail-Insight/; it contains CloudTrail/",
            "Turn on",
        ),
        (
            [KEY],
            {"regions": ("eu-west-1", "eu-north-1")},
            f"AWSLogs/{A}/CloudTrail/ has no eu-west-1/, eu-north-1/; it contains us-east-1/",
            "Set regions to some",
        ),
        (
            [KEY],
            {"period": "2025"},
            f"'AWSLogs/{A}/CloudTrail/us-east-1/' exists but has no log file in 2025",
            "",
        ),
    ],
)
def test_the_first_part_that_is_missing_is_named_with_what_is_beside_it(keys, location, there, change):
    logs = LogsLocation(bucket="audit", **({"account": A} | location))
    said, suggested = describe_surroundings(Listing(ListedBucket(keys), "audit", budget=7), logs)
    assert there in said
    assert change in suggested
    assert bool(change) == bool(suggested)


def test_many_neighbours_are_counted():
    accounts = [f"AWSLogs/{number:012d}/CloudTrail/x" for number in range(1500)]
    logs = LogsLocation(bucket="audit", account="999999999999")
    said, _ = describe_surroundings(Listing(ListedBucket(accounts), "audit", budget=7), logs)
    assert said.endswith("000000000004/ and 995 or more others")


@pytest.mark.parametrize("budget", [0, 1, 2, 3])
def test_it_says_what_it_knows_when_the_requests_run_out(budget):
    bucket = ListedBucket([KEY])
    logs = LogsLocation(bucket="audit", account=A, period="2025")
    said, _ = describe_surroundings(Listing(bucket, "audit", budget=budget), logs)
    assert len(bucket.requests) == budget
    assert said.endswith("exists")
