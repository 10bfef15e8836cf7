"""The log listing check, from the keys in a bucket to the finding."""

from datetime import UTC, datetime, timedelta

from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.logs import BUDGET, check_logs
from tests.unit.plugins.cloudtrail_to_delta.listed_bucket import ListedBucket

NOW = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)
ACCOUNT = "111122223333"


def key(moment, *, folder="CloudTrail", account=ACCOUNT):
    name = f"{account}_{folder}_us-east-1_{moment:%Y%m%dT%H%MZ}_abc.json.gz"
    return f"AWSLogs/{account}/{folder}/us-east-1/{moment:%Y/%m/%d}/{name}"


def check(keys, *, kind="events", account=ACCOUNT, tail="*/*", **bounds):
    folder = {"events": "CloudTrail", "insights": "CloudTrail-Insight"}[kind]
    request = IngestRequest(
        kind=kind,
        logs_path=f"s3://audit/AWSLogs/{account}/{folder}/{tail}",
        delta_path="s3://lake/d",
        checkpoint_path="s3://lake/c",
        table="t",
        region="us-east-1",
    )
    bucket = ListedBucket(keys)
    finding = check_logs(bucket, request, now=NOW, **bounds)
    assert len(bucket.requests) <= BUDGET == 20
    return finding


def test_a_recent_delivery_is_ok_and_named():
    finding = check([key(NOW - timedelta(hours=2))])
    assert finding.status == "ok"
    assert finding.detail == f"newest delivery 2026-05-02 10:00 UTC (account {ACCOUNT}, us-east-1)"


def test_no_delivery_for_24_hours_is_a_warning():
    finding = check([key(NOW - timedelta(days=1, minutes=1))])
    assert finding.status == "warning"
    assert finding.detail.startswith("no delivery in the last 24 hours; newest delivery 2026-05-01 11:59")
    assert "get-trail-status" in finding.remedy
    assert check([key(NOW - timedelta(hours=24))]).status == "ok"


def test_quiet_insights_are_no_warning_since_nothing_unusual_is_the_rule():
    assert check([key(NOW - timedelta(days=40), folder="CloudTrail-Insight")], kind="insights").status == "ok"


def test_a_path_into_the_past_is_no_warning():
    old = NOW - timedelta(days=400)
    assert check([key(old)], tail=f"*/{old:%Y}/*").status == "ok"


def test_no_events_fail_and_what_was_looked_for_and_what_is_there_is_named():
    finding = check([key(NOW, account="444455556666")])
    assert finding.status == "failed"
    assert f"s3://audit/AWSLogs/{ACCOUNT}/CloudTrail/*/*" in finding.detail
    assert "it contains 444455556666/" in finding.detail
    assert "Set account" in finding.remedy


def test_no_insights_are_skipped_with_the_reason():
    finding = check([key(NOW)], kind="insights")
    assert finding.status == "skipped"
    assert "36 hours" in finding.detail
    assert "it contains CloudTrail/" in finding.detail


def test_insights_of_one_account_among_a_few_are_found():
    keys = [key(NOW, account=f"{number:012d}") for number in range(10)]
    assert check(keys, kind="insights", account="*").status == "skipped"
    keys.append(key(NOW, account=f"{7:012d}", folder="CloudTrail-Insight"))
    assert check(keys, kind="insights", account="*").status == "ok"


def test_what_cannot_be_told_within_the_budget_is_a_warning_and_no_pass():
    keys = [key(NOW, account=f"{number:012d}") for number in range(3000)]
    finding = check(keys, kind="insights", account="*")
    assert finding.status == "warning"
    assert "20 listing requests" in finding.detail


def test_files_of_other_names_are_no_log_files():
    finding = check([f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/05/02/notes.txt"])
    assert finding.status == "failed"
    assert "notes.txt' is there, but is not named like a CloudTrail log file" in finding.detail


def test_quiet_accounts_among_many_say_how_far_the_look_went():
    keys = [key(NOW - timedelta(days=9), account=f"{number:012d}") for number in range(3000)]
    finding = check(keys, account="*")
    assert finding.status == "warning"
    assert "folders of one account and region that were listed" in finding.detail


def test_bounds_that_leave_everything_out_are_a_warning():
    old = key(NOW - timedelta(days=40))
    finding = check([old], first_day="2026-04-01")
    assert finding.status == "warning"
    assert finding.detail.startswith("nothing was delivered since 2026-04-01: ")
    assert "Set from to an earlier day" in finding.remedy
    assert check([key(NOW - timedelta(hours=2))], first_day="2026-04-01").status == "ok"


def test_a_load_of_the_past_does_not_mind_that_nothing_is_delivered_now():
    old = key(NOW - timedelta(days=40))
    assert check([old]).status == "warning"
    assert check([old], last_day="2026-04-01").status == "ok"
