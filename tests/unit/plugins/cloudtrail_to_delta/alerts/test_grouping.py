"""One message per cause: what a cause is, when it is news, when it is told again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cloudtrail_to_delta.alerts.grouping import fingerprint, normalize, weigh
from cloudtrail_to_delta.records.alert_events import Event
from cloudtrail_to_delta.records.cause import Cause

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def failure(reason, **changed):
    return Event(**{"name": "task_failed", "subject": "events.submit", "what": reason} | changed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Databricks run 7 ended as FAILED", "Databricks run 12345 ended as FAILED"),
        ("see https://dbx/?o=1#job/2/run/3.", "see https://dbx/?o=1#job/9/run/4."),
        (
            "DAG run manual__2026-11-22T10:00:00+00:00 failed",
            "DAG run scheduled__2026-11-22T11:00:00+00:00 failed",
        ),
        ("at 2026-11-22 10:00:01.123 UTC", "at 2026-11-23 09:30:59.001 UTC"),
        ("request 8c2d1f60-3b7e-4c8f-9e6a-112233445566", "request 00000000-3b7e-4c8f-9e6a-aabbccddeeff"),
        ("wheel 9f86d081 is gone", "wheel a665a459 is gone"),
        ("'s3://logs/AWSLogs/1/a.json.gz' is lost", "'s3://logs/AWSLogs/2/b.json.gz' is lost"),
    ],
)
def test_what_changes_from_run_to_run_does_not_make_another_cause(one, other):
    assert fingerprint("a", failure(one)) == fingerprint("a", failure(other))


@pytest.mark.parametrize(
    ("scope", "event"),
    [
        ("another table", failure("the cluster is gone")),
        ("a", failure("the warehouse is gone")),
        ("a", failure("the cluster is gone", subject="insights.submit")),
        ("a", failure("the cluster is gone", name="late")),
        ("a", failure("the cluster is gone", cause="exactly")),
    ],
)
def test_scope_subject_event_and_reason_make_another_cause(scope, event):
    assert fingerprint(scope, event) != fingerprint("a", failure("the cluster is gone"))


def test_a_given_cause_is_taken_exactly_and_the_words_around_it_do_not_count():
    one, other = (failure(f"{n} records", cause="tls1") for n in (1, 2))
    assert fingerprint("a", one) == fingerprint("a", other)
    assert fingerprint("a", one) != fingerprint("a", failure("1 records", cause="tls2"))


def test_words_are_kept_by_the_fingerprint():
    assert normalize("a dead   beef\nfacade") == "a dead beef facade"


def test_the_first_sight_is_news_then_it_is_counted_and_told_again_after_a_day():
    event = failure("x")
    verdict, record = weigh(event, None, account="a", now=NOW)
    assert (verdict, record.first, record.count) == ("new", NOW, 1)
    record = replace(record, told=NOW)
    verdict, record = weigh(event, record, account="a", now=NOW + timedelta(hours=23))
    assert (verdict, record.first, record.count) == ("counted", NOW, 2)
    verdict, record = weigh(event, record, account="a", now=NOW + timedelta(hours=24))
    assert (verdict, record.count) == ("reminder", 3)


def test_a_daily_run_that_starts_some_seconds_earlier_is_reminded_every_day():
    _, record = weigh(failure("x"), None, account="a", now=NOW)
    record, verdicts = replace(record, told=NOW), []
    for days in range(1, 6):
        now = NOW + timedelta(days=days) - timedelta(seconds=40 * (days % 2))
        verdict, record = weigh(failure("x"), record, account="a", now=now)
        verdicts.append(verdict)
        record = replace(record, told=now) if verdict == "reminder" else record
    assert verdicts == ["reminder"] * 5


def test_a_lasting_cause_that_no_run_met_for_longer_than_a_month_is_news_again():
    record = Cause(account="a", name="task_failed", subject="s", first=NOW, last=NOW, told=NOW)
    verdict, record = weigh(failure("x"), record, account="a", now=NOW + timedelta(days=36))
    assert (verdict, record.count, record.first) == ("new", 1, NOW + timedelta(days=36))


def test_a_record_says_what_happened_in_one_line_without_secrets():
    _, record = weigh(failure("first\nline, token=abcdefgh"), None, account="a", now=NOW, scope="t")
    assert (record.what, record.scope) == ("first line, token=…", "t")


def test_what_no_target_has_taken_is_news_until_one_does():
    _, record = weigh(failure("x"), None, account="a", now=NOW)
    verdict, record = weigh(failure("x"), record, account="a", now=NOW + timedelta(hours=1))
    assert (verdict, record.count) == ("new", 2)


@pytest.mark.parametrize(("name", "verdict"), [("schema_drift", "new"), ("task_failed", "reminder")])
def test_news_that_is_long_gone_is_news_again_but_a_failure_lasts(name, verdict):
    record = Cause(account="a", name=name, subject="s", first=NOW, last=NOW, told=NOW)
    found, _ = weigh(failure("x", name=name), record, account="a", now=NOW + timedelta(days=8))
    assert found == verdict


def test_a_record_survives_json_and_what_a_later_version_adds_to_it():
    record = Cause(account="a", name="late", subject="s", first=NOW, last=NOW, scope="t", what="w")
    assert Cause.from_dict(record.to_dict() | {"new": 1}) == record
