"""S3 locations, CloudTrail's key layout, and the names of log files."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.params.locations import LogFileKey, LogsLocation, S3Location, same_place

ACCOUNT = "111122223333"
KEY = (
    f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/05/02/"
    f"{ACCOUNT}_CloudTrail_us-east-1_20260502T1405Z_9sHvTPxS1n9XyZ01.json.gz"
)


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3://lake", "lake", ""),
        ("s3://lake/", "lake", ""),
        ("s3://lake/delta/trail", "lake", "delta/trail"),
        ("s3://lake.logs-1/delta/", "lake.logs-1", "delta"),
        ("s3://lake/a=1/b+c@d.e_f-g", "lake", "a=1/b+c@d.e_f-g"),
    ],
)
def test_an_s3_uri_is_taken_apart_and_put_together(uri, bucket, key):
    location = S3Location.parse(uri)
    assert (location.bucket, location.key) == (bucket, key)
    assert location.uri == uri.rstrip("/")


@pytest.mark.parametrize(
    "uri",
    ["", "lake/x", "s3:/lake", "s3:///x", "s3a://lake/x", "s3://La/x", "s3://lake//x", "s3://lake/x//",
     "s3://lake/a*", "s3://lake/{a,b}", "s3://lake/a b", "s3://lake/./x", "s3://192.168.0.1/x", "s3://a..b/x"],
)  # fmt: skip
def test_what_is_no_plain_s3_location_is_refused_with_the_value(uri):
    with pytest.raises(InvalidRequestError) as caught:
        S3Location.parse(uri)
    assert repr(uri) in caught.value.violations[0]


@pytest.mark.parametrize(
    ("outer", "inner", "contains"),
    [
        ("s3://aaa/x", "s3://aaa/x", True),
        ("s3://aaa/x", "s3://aaa/x/y", True),
        ("s3://aaa", "s3://aaa/x", True),
        ("s3://aaa/x", "s3://aaa/xy", False),
        ("s3://aaa/x/y", "s3://aaa/x", False),
        ("s3://aaa/x", "s3://bbb/x", False),
    ],
)
def test_a_location_contains_what_is_below_it_and_not_what_starts_alike(outer, inner, contains):
    assert S3Location.parse(outer).contains(S3Location.parse(inner)) is contains


def test_locations_below_a_bucket_have_no_slash_in_front():
    assert S3Location.parse("s3://aaa").below("code").uri == "s3://aaa/code"
    assert S3Location.parse("s3://aaa").prefix == ""
    assert S3Location.parse("s3://aaa/x").prefix == "x/"


def test_one_place_has_many_spellings():
    assert same_place("s3a://lake/delta/trail/", "s3://lake/delta/trail")
    assert not same_place("s3://lake/delta/trail", "s3://lake/delta/trail2")
    assert not same_place("dbfs:/delta/trail", "s3://delta/trail")


def test_a_logs_path_is_taken_apart():
    logs = LogsLocation.parse(
        f"s3://audit/trails/x/AWSLogs/o-a1b2c3d4e5/{ACCOUNT}/CloudTrail/{{us-east-1,eu-west-1}}/2026/05/*"
    )
    assert logs == LogsLocation(
        bucket="audit",
        prefix="trails/x",
        organization="o-a1b2c3d4e5",
        account=ACCOUNT,
        folder="CloudTrail",
        regions=("us-east-1", "eu-west-1"),
        period="2026/05",
    )
    assert logs.root.uri == "s3://audit/trails/x/AWSLogs"
    assert logs.accounts_prefix == "trails/x/AWSLogs/o-a1b2c3d4e5/"


REGIONS = st.sampled_from(["us-east-1", "us-gov-west-1", "cn-north-1", "ap-southeast-4"])


@given(
    prefix=st.sampled_from(["", "trail", "a/b", "2026/AWS"]),
    organization=st.sampled_from(["", "o-a1b2c3d4e5"]),
    account=st.one_of(st.just("*"), st.from_regex("[0-9]{12}", fullmatch=True)),
    folder=st.sampled_from(["CloudTrail", "CloudTrail-Insight"]),
    regions=st.one_of(st.just(("*",)), st.lists(REGIONS, min_size=1, unique=True).map(tuple)),
    period=st.sampled_from(["", "2026", "2026/05", "2026/05/02"]),
)
def test_every_logs_location_is_read_back_from_its_path(
    prefix, organization, account, folder, regions, period
):
    logs = LogsLocation(
        bucket="audit",
        prefix=prefix,
        organization=organization,
        account=account,
        folder=folder,
        regions=regions,
        period=period,
    )
    assert LogsLocation.parse(logs.path) == logs


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"s3://audit/{ACCOUNT}/CloudTrail/*/*", "it does not contain '/AWSLogs/'"),
        ("s3://audit/AWSLogs/1234/CloudTrail/*/*", "'1234' is neither a 12-digit account"),
        ("s3://audit/AWSLogs/o-short/111122223333/CloudTrail/*/*", "'o-short' is neither"),
        (
            f"s3://audit/AWSLogs/{ACCOUNT}/CloudTrail-Digests/*/*",
            "'CloudTrail-Digests' is not a folder of records",
        ),
        (
            f"s3://audit/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1",
            "after the account it needs a folder and a region, and '/*'",
        ),
        (f"s3://audit/AWSLogs/{ACCOUNT}/CloudTrail/Virginia/*", "'Virginia' is neither a region"),
        (f"s3://audit/AWSLogs/{ACCOUNT}/CloudTrail/{{us-east-1,*}}/*", "is neither a region"),
        (f"s3://audit/AWSLogs/{ACCOUNT}/CloudTrail/*/05/*", "'05' is not the start of a day"),
        (f"s3://audit/AWSLogs/{ACCOUNT}/CloudTrail/*/*/*", "'*' is not the start of a day"),
        ("s3://audit/AWSLogs/", "after the account it needs"),
    ],
)
def test_a_logs_path_of_another_form_is_refused_with_the_part_that_is_wrong(path, said):
    with pytest.raises(InvalidRequestError) as caught:
        LogsLocation.parse(path)
    assert said in caught.value.violations[0]
    assert repr(path) in caught.value.violations[0]


def test_a_log_files_key_says_account_region_and_delivery():
    found = LogFileKey.parse(KEY)
    assert found is not None
    assert (found.account, found.folder, found.region) == (ACCOUNT, "CloudTrail", "us-east-1")
    assert found.delivered_at == datetime(2026, 5, 2, 14, 5, tzinfo=UTC)
    assert found.day == date(2026, 5, 2)


@pytest.mark.parametrize("end", ["", "_backfill"])
def test_a_digest_was_delivered_when_its_period_ended(end):
    name = f"{ACCOUNT}_CloudTrail-Digest_us-east-1_my_trail_eu-west-1_20260502T140506Z{end}.json.gz"
    found = LogFileKey.parse(f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/2026/05/02/{name}")
    assert (found.account, found.folder, found.region) == (ACCOUNT, "CloudTrail-Digest", "us-east-1")
    assert found.delivered_at == datetime(2026, 5, 2, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    [
        f"{ACCOUNT}_CloudTrail-Digest_us-east-1_trail_us-east-1_20261302T140506Z.json.gz",
        f"{ACCOUNT}_CloudTrail-Digest_us-east-1_20260502T140506Z.json.gz",
        f"{ACCOUNT}_CloudTrail_us-east-1_20261302T1405Z_9sHvTPxS1n9XyZ01.json.gz",
        f"{ACCOUNT}_Config_us-east-1_ConfigHistory_20260502T140506Z.json.gz",
        "notes.txt",
        "",
    ],
)
def test_another_files_name_is_not_taken_for_a_log_file(name):
    assert LogFileKey.parse(f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/05/02/{name}") is None


def test_an_insights_file_and_one_that_is_not_packed_are_log_files():
    for name in (f"{ACCOUNT}_CloudTrail-Insight_us-east-1_20260502T1405Z_9sHvTPxS1n9XyZ01.json.gz",
                 f"{ACCOUNT}_CloudTrail_ap-central-2r_20260502T1405Z_9sHvTPxS1n9XyZ01.json"):  # fmt: skip
        assert LogFileKey.parse(name) is not None


def test_the_keys_delivered_from_a_moment_on_sort_behind_its_mark_whatever_its_time_zone():
    logs = LogsLocation(bucket="audit", account=ACCOUNT)
    moment = datetime(2026, 5, 2, 14, 5, tzinfo=UTC)
    assert logs.delivered_after(ACCOUNT, "us-east-1", moment) < KEY
    assert logs.delivered_after(ACCOUNT, "us-east-1", moment + timedelta(minutes=1)) > KEY
    tokyo = moment.astimezone(timezone(timedelta(hours=9)))
    assert logs.delivered_after(ACCOUNT, "us-east-1", tokyo) == logs.delivered_after(
        ACCOUNT, "us-east-1", moment
    )
    assert logs.day_prefix(ACCOUNT, "us-east-1", moment.date()) == KEY.rpartition("/")[0] + "/"
