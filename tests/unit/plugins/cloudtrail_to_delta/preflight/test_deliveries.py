"""The newest delivery is found in a bounded number of listing requests, in any bucket."""

from datetime import UTC, datetime, timedelta

import pytest

from cloudtrail_to_delta.params.locations import LogsLocation
from cloudtrail_to_delta.preflight.deliveries import find_deliveries, spread
from cloudtrail_to_delta.preflight.listing import Listing
from tests.unit.plugins.cloudtrail_to_delta.listed_bucket import ListedBucket

NOW = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)
ACCOUNT = "111122223333"


def key(moment, *, account=ACCOUNT, region="us-east-1", folder="CloudTrail", root="AWSLogs", unique="abc"):
    name = f"{account}_{folder}_{region}_{moment:%Y%m%dT%H%MZ}_{unique}.json.gz"
    return f"{root}/{account}/{folder}/{region}/{moment:%Y/%m/%d}/{name}"


def days(count, *, until=NOW, **where):
    return [key(until - timedelta(days=day), **where) for day in range(count)]


def find(keys, *, budget=20, reserve=0, prefer=(), **location):
    bucket = ListedBucket(keys)
    deliveries = find_deliveries(
        Listing(bucket, "audit", budget=budget),
        LogsLocation(bucket="audit", **({"account": ACCOUNT} | location)),
        since=NOW - timedelta(hours=24),
        today=NOW.replace(hour=0),
        prefer=prefer,
        reserve=reserve,
    )
    return deliveries, len(bucket.requests)


def test_a_delivery_of_today_is_found_in_three_requests_however_long_the_history():
    deliveries, requests = find(days(3000))
    assert deliveries.newest.delivered_at == NOW
    assert requests == 3


def test_a_delivery_of_yesterday_within_24_hours_is_recent():
    deliveries, requests = find([key(NOW - timedelta(hours=23)), *days(10, until=NOW - timedelta(days=5))])
    assert deliveries.newest.delivered_at == NOW - timedelta(hours=23)
    assert requests == 3


@pytest.mark.parametrize("age", [timedelta(days=1, minutes=1), timedelta(days=40), timedelta(days=900)])
def test_the_newest_day_of_a_quiet_bucket_is_found_by_walking_back(age):
    deliveries, requests = find(days(400, until=NOW - age))
    assert deliveries.newest.delivered_at == NOW - age
    assert deliveries.exhaustive
    assert requests <= 6


def test_the_newest_of_several_quiet_regions_is_the_newest():
    keys = days(5, until=NOW - timedelta(days=9)) + days(5, until=NOW - timedelta(days=3), region="eu-west-1")
    assert find(keys)[0].newest.region == "eu-west-1"


def test_only_the_regions_asked_for_count():
    deliveries, _ = find(days(5) + days(5, region="eu-west-1"), regions=("eu-west-1", "eu-north-1"))
    assert deliveries.newest.region == "eu-west-1"
    assert find(days(5), regions=("eu-west-1",))[0].newest is None


def test_only_the_kind_asked_for_counts():
    assert find(days(5), folder="CloudTrail-Insight")[0].newest is None
    insights = days(5, folder="CloudTrail-Insight")
    assert find(days(5) + insights, folder="CloudTrail-Insight")[0].newest.folder == "CloudTrail-Insight"


@pytest.mark.parametrize(
    ("prefix", "organization"), [("", "o-a1b2c3d4e5"), ("x/y", ""), ("x", "o-a1b2c3d4e5")]
)
def test_prefix_and_organization_are_followed(prefix, organization):
    root = "/".join(part for part in (prefix, "AWSLogs", organization) if part)
    for account in (ACCOUNT, "*"):
        found, _ = find(days(5, root=root), prefix=prefix, organization=organization, account=account)
        assert found.newest.delivered_at == NOW


def test_an_empty_bucket_is_searched_in_one_request_and_to_the_end():
    for account in (ACCOUNT, "*"):
        deliveries, requests = find([], account=account)
        assert (deliveries.newest, deliveries.exhaustive, requests) == (None, True, 1)


def test_a_period_in_the_path_limits_the_search_to_it():
    keys = days(900)
    for period, newest in (("2026", NOW), ("2025", datetime(2025, 12, 31, 12, 0, tzinfo=UTC)),
                           ("2025/02", datetime(2025, 2, 28, 12, 0, tzinfo=UTC)),
                           ("2025/02/03", datetime(2025, 2, 3, 12, 0, tzinfo=UTC))):  # fmt: skip
        assert find(keys, period=period)[0].newest.delivered_at == newest
    deliveries, _ = find(keys, period="2019")
    assert (deliveries.newest, deliveries.exhaustive) == (None, True)


def test_files_that_are_not_log_files_are_no_delivery():
    day = f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/05/01/"
    deliveries, _ = find([day, f"{day}notes.txt", f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/readme/x"])
    assert (deliveries.newest, deliveries.exhaustive) == (None, True)
    assert deliveries.foreign == f"{day}notes.txt"


def test_a_stray_file_behind_the_log_files_does_not_hide_them():
    keys = [*days(30, until=NOW - timedelta(days=3)), f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/tmp/upload"]
    assert find(keys)[0].newest.delivered_at == NOW - timedelta(days=3)


def accounts(count):
    return [f"{1000_0000_0000 + number * 7919:012d}" for number in range(count)]


@pytest.mark.parametrize("count", [1, 5, 900, 1500])
def test_a_bucket_of_many_accounts_and_regions_takes_no_more_requests(count):
    regions = [f"us-east-{number}" for number in range(1, 6)]
    keys = [
        k
        for account in accounts(count)
        for region in regions
        for k in days(2, account=account, region=region)
    ]
    deliveries, requests = find(keys, account="*")
    assert deliveries.newest.delivered_at == NOW
    assert requests == 4


def test_twenty_requests_are_the_most_in_a_bucket_where_nothing_is_found():
    keys = [k for account in accounts(2000) for k in days(2, account=account)]
    deliveries, requests = find(keys, account="*", folder="CloudTrail-Insight")
    assert deliveries.newest is None
    assert not deliveries.exhaustive
    assert requests <= 20


def test_what_was_left_out_is_admitted():
    # Regions beyond the first two of each account, and folders beyond the first page.
    stray = [f"AWSLogs/{a}/CloudTrail/us-east-{n}/x" for a in accounts(2) for n in range(3)]
    deliveries, _ = find(stray, account="*")
    assert (deliveries.newest, deliveries.exhaustive) == (None, False)
    deliveries, _ = find([f"AWSLogs/0-{number:04d}/x" for number in range(1001)], account="*")
    assert (deliveries.newest, deliveries.exhaustive) == (None, False)


def test_an_account_that_went_quiet_does_not_hide_another_one():
    quiet, busy, *_ = accounts(9)
    keys = days(3, account=quiet, until=NOW - timedelta(days=300)) + days(3, account=busy)
    assert find(keys, account="*")[0].newest.account == busy


def test_the_reserve_is_left_to_the_caller():
    keys = [k for account in accounts(40) for k in days(2, account=account, until=NOW - timedelta(days=9))]
    deliveries, requests = find(keys, account="*", budget=20, reserve=6)
    assert requests <= 14
    assert deliveries.newest.delivered_at == NOW - timedelta(days=9)
    assert not deliveries.exhaustive


def test_a_preferred_region_is_looked_at_first():
    keys = days(3, region="af-south-1", until=NOW - timedelta(days=9)) + days(3, region="us-east-1")
    _, requests = find(keys, prefer=("us-east-1",))
    assert requests == 3
    _, requests = find(keys)
    assert requests == 4


def test_the_first_names_of_a_spread_are_from_all_over_and_none_is_lost():
    names = [f"{number:03d}" for number in range(100)]
    assert sorted(spread(names)) == names
    assert spread(names)[:3] == ["000", "012", "024"]
    assert spread(["a", "b"]) == ["a", "b"]
