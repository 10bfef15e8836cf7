"""What a run has to tell: from a validation's outcome, from findings, and when something is over."""

from datetime import UTC, datetime, timedelta

import pytest

from cloudtrail.alerts.grouping import Record
from cloudtrail.alerts.run import finding_events, is_over, outcome_events

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OUTCOME = {
    "kind": "events",
    "table": "main.security.trail",
    "run_files": 3,
    "reasons": {},
    "schema_drift": [],
    "new_insights": [],
    "newest_delivery": "2026-11-22T11:50:00Z",
    "newest_file": "2026-11-22T11:50:00Z",
}
PARAMS = {"alert_quarantined_above": 0, "alert_silent_hours": 24}
INSIGHT = {
    "shared_event_id": "11111111-2222",
    "account": "111122223333",
    "region": "eu-west-1",
    "insight_type": "ApiCallRateInsight",
    "event_source": "ec2.amazonaws.com",
    "event_name": "RunInstances",
    "error_code": None,
    "started_at": "2026-11-22T11:00:00Z",
    "rate": "12.5",
    "baseline": "0.5",
}


def events(params=PARAMS, **changed):
    return outcome_events(OUTCOME | changed, params, now=NOW)


def test_a_sound_run_has_nothing_to_tell():
    assert events() == []


def test_an_insight_says_api_account_region_and_the_ratio_to_the_baseline():
    (event,) = events(kind="insights", new_insights=[INSIGHT])
    assert event.what == (
        "ec2.amazonaws.com:RunInstances in account 111122223333, eu-west-1: ApiCallRateInsight, "
        "12.5 a minute, 25.0 times the baseline (0.5), since 2026-11-22T11:00:00Z"
    )
    assert (event.name, event.subject, event.cause) == ("insight", "insights.validate_rows", "11111111-2222")
    assert "main.security.trail_episodes" in event.remedy


def test_what_an_outcome_does_not_name_is_counted():
    (insight,) = events(kind="insights", new_insights=[INSIGHT | {"found": "31"}])
    assert insight.remedy.startswith("There are 30 more in this run. Find who")
    odd = {"field": "brandNew", "problem": "unknown_field", "records": "7"}
    (drift,) = events(schema_drift=[odd], odd_fields=3)
    assert drift.remedy.startswith("There are 2 more in this run. Read them")
    (drift,) = events(schema_drift=[odd], odd_fields=1)
    assert drift.remedy.startswith("Read them")


def test_an_insight_of_errors_names_the_error_and_one_without_a_baseline_has_no_ratio():
    (event,) = events(
        kind="insights", new_insights=[INSIGHT | {"error_code": "AccessDenied", "baseline": None}]
    )
    assert "RunInstances (AccessDenied) in account" in event.what
    assert "no baseline (0)" in event.what


@pytest.mark.parametrize(("threshold", "told"), [(0, True), (4, True), (5, False), (None, True)])
def test_quarantine_is_told_above_the_threshold_each_reason_by_itself(threshold, told):
    reasons = {"no_event_time": 3, "truncated_gzip": 2, "duplicate": 90}
    found = events({"alert_quarantined_above": threshold}, reasons=reasons)
    assert [event.cause for event in found] == (["no_event_time", "truncated_gzip"] if told else [])


def test_drift_names_the_fields_and_never_what_is_in_them():
    odd = {"field": "brandNew", "problem": "unknown_field", "records": "7", "example": '"brandNew":"secret"'}
    (event,) = events(schema_drift=[odd])
    assert event.what == "7 records have 'brandNew' as unknown_field"


@pytest.mark.parametrize(
    ("changed", "params", "told"),
    [
        ({"newest_file": "2026-11-21T11:50:00Z"}, PARAMS, "24 h ago, 2026-11-21 11:50 UTC"),
        ({"newest_file": "2026-11-21T12:10:00Z"}, PARAMS, None),
        ({"newest_file": "2026-11-01T00:00:00Z"}, PARAMS | {"alert_silent_hours": 0}, None),
        ({"newest_file": "2026-11-01T00:00:00Z"}, PARAMS | {"until": "2026-11-02"}, None),
        ({"newest_file": "2026-11-01T00:00:00Z"}, PARAMS | {"until": "2026-12-31"}, "alert_silent_hours=24"),
        ({"newest_file": "2026-11-01T00:00:00Z", "kind": "insights"}, PARAMS, None),
        ({"newest_file": None, "newest_delivery": None, "run_files": 0}, PARAMS, "in the last 14 days"),
        ({"newest_file": None, "newest_delivery": None, "run_files": 1}, PARAMS, None),
    ],
)
def test_silence_is_told_of_events_alone_and_not_of_a_closed_period(changed, params, told):
    found = [event.what for event in events(params, **changed)]
    assert len(found) == (1 if told else 0)
    assert told is None or told in found[0]


def test_findings_that_failed_or_warned_are_events_and_others_are_not():
    findings = [
        {"check": "bucket", "subject": "s", "status": status, "detail": "d", "remedy": "r"}
        for status in ("ok", "failed", "warning", "skipped")
    ]
    assert [event.name for event in finding_events(findings)] == ["preflight_failed", "preflight_warning"]


@pytest.mark.parametrize(
    ("name", "subject", "states", "outcomes", "raised", "over"),
    [
        ("task_failed", "events.submit", {"events.submit": "success"}, [], set(), True),
        ("task_failed", "events.submit", {"events.submit": "failed"}, [], set(), False),
        ("task_failed", "events.submit", {"events.submit": "skipped"}, [], set(), False),
        ("task_failed", "gone_task", {}, [], set(), False),
        ("preflight_failed", "preflight", {"preflight": "success"}, [], set(), True),
        ("no_new_files", "events.validate_rows", {}, [OUTCOME], set(), True),
        ("no_new_files", "events.validate_rows", {}, [OUTCOME], {"no_new_files"}, False),
        ("no_new_files", "events.validate_rows", {}, [], set(), False),
    ],
)
def test_it_is_over_when_the_run_shows_it(name, subject, states, outcomes, raised, over):
    record = Record(account="a", name=name, subject=subject, first=NOW, last=NOW)
    found = is_over(record, states=states, outcomes=outcomes, raised=raised, started=NOW)
    assert found is over


@pytest.mark.parametrize(("hours", "over"), [(1, True), (-1, False)])
def test_lateness_is_over_when_a_later_run_ends_in_time(hours, over):
    record = Record(account="a", name="late", subject="", first=NOW, last=NOW)
    started = NOW + timedelta(hours=hours)
    assert is_over(record, states={}, outcomes=[], raised=set(), started=started) is over
