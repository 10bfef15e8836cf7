"""What each run would list: counted in a few folders, warned of when it is much."""

from datetime import date

import pytest

from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.discovery import BUDGET, Estimate, check_discovery, decide_discovery
from tests.unit.plugins.cloudtrail_to_delta.listed_bucket import ListedBucket

TODAY = date(2026, 11, 28)


def request(path):
    return IngestRequest(
        kind="events",
        logs_path=path,
        delta_path="s3://lake/delta/events",
        checkpoint_path="s3://lake/checkpoints/events",
        table="events",
        region="us-east-1",
    )


def keys(*, accounts=2, regions=("eu-west-1", "us-east-1"), files=50):
    """Two days of log files of each account and region, of which the first is two years ago."""
    return [
        f"AWSLogs/{account:012d}/CloudTrail/{region}/{day}/{number:04d}.json.gz"
        for account in range(1, accounts + 1)
        for region in regions
        for day, count in (("2024/11/02", 1), ("2026/11/27", files))
        for number in range(count)
    ]


def test_the_estimate_is_folders_times_days_times_the_files_of_a_day_in_few_requests():
    bucket = ListedBucket(keys(files=700))
    finding = check_discovery(bucket, request("s3://audit/AWSLogs/*/CloudTrail/*/*"), today=TODAY)
    assert finding.status == "warning"
    assert "about 2,119,600 objects" in finding.detail
    assert "2 accounts x 2 regions x 757 days x 700 files a day" in finding.detail
    assert "2,119 requests, with a run each hour about 0.25 $ a day" in finding.detail
    assert "'file_events'" in finding.remedy
    assert len(bucket.requests) <= BUDGET


@pytest.mark.parametrize(("first_day", "status"), [("2026-11-01", "ok"), ("2020-01-01", "warning")])
def test_days_that_are_not_ingested_are_not_listed(first_day, status):
    bucket = ListedBucket(keys(files=700))
    path = "s3://audit/AWSLogs/*/CloudTrail/*/*"
    assert check_discovery(bucket, request(path), today=TODAY, first_day=first_day).status == status


@pytest.mark.parametrize("objects", [[], keys(files=3)])
def test_few_objects_are_no_warning(objects):
    finding = check_discovery(
        ListedBucket(objects), request("s3://audit/AWSLogs/*/CloudTrail/*/*"), today=TODAY
    )
    assert finding.status == "ok"


def test_a_full_page_is_at_least_as_many():
    detail = decide_discovery("events", Estimate(accounts=1, regions=2, days=700, files=1000)).detail
    assert "about 1,400,000 or more objects" in detail
