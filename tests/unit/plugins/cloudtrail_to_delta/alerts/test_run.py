"""What a run has to tell: from a validation's outcome and from findings."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cloudtrail_to_delta.alerts.run import finding_events, outcome_events
from cloudtrail_to_delta.records.findings import Finding
from cloudtrail_to_delta.records.outcome import Drift, Insight, Known, Outcome

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RECENT = datetime(2026, 11, 22, 11, 50, tzinfo=UTC)
OUTCOME = Outcome(
    kind="events", table="main.security.trail", run_files=3, newest_delivery=RECENT, newest_file=RECENT
)
PARAMS = {"alert_quarantined_above": 0, "alert_silent_hours": 24}
INSIGHT = Insight(
    shared_event_id="11111111-2222",
    account="111122223333",
    region="eu-west-1",
    insight_type="ApiCallRateInsight",
    event_source="ec2.amazonaws.com",
    event_name="RunInstances",
    started_at=datetime(2026, 11, 22, 11, tzinfo=UTC),
    rate=12.5,
    baseline=0.5,
)
ODD = Drift(field="brandNew", problem="unknown_field", records=7, example='"brandNew":"secret"')


def events(params=PARAMS, **changed):
    return outcome_events(replace(OUTCOME, **changed), params, now=NOW)


def test_a_sound_run_has_nothing_to_tell():
    assert events() == []


def test_an_insight_says_api_account_region_and_the_ratio_to_the_baseline():
    (event,) = events(kind="insights", new_insights=[INSIGHT])
    assert event.what == (
        "ec2.amazonaws.com:RunInstances in account 111122223333, eu-west-1: ApiCallRateInsight, "
        "12.5 per minute, 25 times the baseline (0.5), since 2026-11-22T11:00:00Z"
    )
    assert (event.name, event.subject, event.cause) == ("insight", "insights.validate_rows", "11111111-2222")
    assert "main.security.trail_episodes" in event.remedy


def test_the_figures_of_an_insight_have_no_exponent():
    (event,) = events(kind="insights", new_insights=[replace(INSIGHT, rate=61.2475, baseline=6.37272e-06)])
    assert "61.2 per minute, 9,610,888 times the baseline (0.0000064)" in event.what


def test_what_an_outcome_does_not_name_is_counted():
    (insight,) = events(kind="insights", new_insights=[replace(INSIGHT, found=31)])
    assert insight.remedy.startswith("There are 30 more in this run. In the events table, find who")
    (drift,) = events(schema_drift=[ODD], odd_fields=3)
    assert drift.remedy.startswith("There are 2 more in this run. Read the fields")
    (drift,) = events(schema_drift=[ODD], odd_fields=1)
    assert drift.remedy.startswith("Read the fields")


def test_an_insight_of_errors_names_the_error_and_one_without_a_baseline_has_no_ratio():
    (event,) = events(
        kind="insights", new_insights=[replace(INSIGHT, error_code="AccessDenied", baseline=None)]
    )
    assert "RunInstances (AccessDenied) in account" in event.what
    assert "no baseline (0)" in event.what


@pytest.mark.parametrize(("threshold", "told"), [(0, True), (4, True), (5, False), (None, True)])
def test_quarantine_is_told_above_the_threshold_each_reason_by_itself(threshold, told):
    reasons = {"no_event_time": 3, "truncated_gzip": 2, "duplicate": 90, "empty_records": 5, "empty_file": 6}
    found = events({"alert_quarantined_above": threshold}, reasons=reasons)
    assert [event.cause for event in found] == (["no_event_time", "truncated_gzip"] if told else [])


def test_drift_names_the_fields_and_never_what_is_in_them():
    (event,) = events(schema_drift=[ODD])
    assert event.what == "7 records with 'brandNew' (unknown_field)"


def delivered(newest):
    """What a run's outcome says whose newest log file, as far as anybody knows, came at this time."""
    at = datetime.fromisoformat(newest)
    return {"newest_file": at, "newest_delivery": at, "known": Known(newest_delivery=at)}


@pytest.mark.parametrize(
    ("changed", "params", "told"),
    [
        (delivered("2026-11-21T11:50:00Z"), PARAMS, "24 h ago, at 2026-11-21 11:50 UTC"),
        (delivered("2026-11-21T12:10:00Z"), PARAMS, None),
        (delivered("2026-11-01T00:00:00Z"), PARAMS | {"alert_silent_hours": 0}, None),
        (delivered("2026-11-01T00:00:00Z"), PARAMS | {"until": "2026-11-02"}, None),
        (delivered("2026-11-01T00:00:00Z"), PARAMS | {"until": "2026-12-31"}, "alert_silent_hours=24"),
        (delivered("2026-11-01T00:00:00Z") | {"kind": "insights"}, PARAMS, None),
        ({"newest_file": None, "newest_delivery": None, "run_files": 0}, PARAMS, "in the last 14 days"),
        ({"newest_file": None, "newest_delivery": None, "run_files": 1}, PARAMS, None),
    ],
)
def test_silence_is_told_of_events_alone_and_not_of_a_closed_period(changed, params, told):
    found = [event.what for event in events(params, **changed)]
    assert len(found) == (1 if told else 0)
    assert told is None or told in found[0]


@pytest.mark.parametrize("name", ["newest_file", "newest_delivery"])
def test_a_run_that_read_old_files_alone_is_not_silence_while_the_table_has_new_ones(name):
    old = dict.fromkeys(("newest_file", "newest_delivery"), datetime(2024, 4, 20, tzinfo=UTC))
    assert events(**old, known=Known(newest_delivery=RECENT)) == []
    assert events(**old | {name: RECENT}) == []


def test_findings_that_failed_or_warned_are_events_and_others_are_not():
    findings = [
        Finding(check="bucket", subject="s", status=status, detail="d", remedy="r")
        for status in ("ok", "failed", "warning", "skipped")
    ]
    assert [event.name for event in finding_events(findings)] == ["preflight_failed", "preflight_warning"]


def test_a_finding_and_its_remedy_are_two_sentences():
    found = Finding(
        check="bucket",
        subject="logs",
        status="failed",
        detail="there is no bucket 'logs'",
        remedy="Correct it.",
    )
    (event,) = finding_events([found])
    assert event.what == "bucket: logs: there is no bucket 'logs'. Correct it."
