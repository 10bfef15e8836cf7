"""What ends each lasting cause, and what does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cloudtrail_to_delta.alerts.ending import Evidence, ending
from cloudtrail_to_delta.records.alert_events import EVENTS
from cloudtrail_to_delta.records.cause import Cause
from tests.unit.plugins.cloudtrail_to_delta.alerts.test_run import NOW, OUTCOME, PARAMS

HOUR = timedelta(hours=1)
SOUND = {"resolve": "success", "preflight": "success", "events.submit": "success", "notify": "running"}
TOLD = {"preflight": "success", "events.submit": "failed", "events.validate_rows": "upstream_failed"}


def ended(name, subject="", *, seen=NOW - HOUR, **changed):
    """In what way a run shows that a cause is over, when it was last seen an hour before the run."""
    record = Cause(account="a", name=name, subject=subject, first=seen, last=seen)
    run = {
        "states": SOUND,
        "outcomes": [],
        "raised": frozenset(),
        "started": NOW,
        "params": PARAMS,
        "now": NOW,
    }
    return ending(record, Evidence(task_id="notify", **run | changed))


def test_a_failed_task_ends_when_it_succeeds_and_not_when_it_fails_or_is_skipped():
    assert ended("task_failed", "events.submit") == "ok again"
    for state in ("failed", "skipped", "upstream_failed"):
        assert ended("task_failed", "events.submit", states=SOUND | {"events.submit": state}) == ""


@pytest.mark.parametrize("subject", ["disabled", "insights.submit"])
def test_a_task_that_its_dag_no_longer_has_ends_after_a_corrected_entry_and_a_dropped_kind(subject):
    assert ended("task_failed", subject) == "no longer asked for"


def test_a_task_is_not_taken_for_gone_when_the_states_could_not_be_read():
    assert ended("task_failed", "disabled", states={}) == ""


def test_a_kind_that_the_form_no_longer_asks_for_ends_when_the_run_goes_through():
    skipped = SOUND | {"insights.submit": "skipped"}
    of_events = PARAMS | {"kinds": ["events"]}
    assert ended("task_failed", "insights.submit", states=skipped, params=of_events) == "no longer asked for"
    for params in (PARAMS, PARAMS | {"kinds": ["events", "insights"]}, of_events | {"preflight_only": True}):
        assert ended("task_failed", "insights.submit", states=skipped, params=params) == ""
    failed = skipped | {"events.submit": "failed"}
    assert ended("task_failed", "insights.submit", states=failed, params=of_events) == ""


def test_a_wait_for_the_end_of_a_run_ends_with_a_stream_that_has_no_end():
    skipped = SOUND | {"events.wait_for_run": "skipped"}
    continuous = PARAMS | {"trigger": "continuous"}
    waiting = {"states": skipped, "params": continuous}
    assert ended("task_failed", "events.wait_for_run", **waiting) == "no longer asked for"
    assert ended("task_failed", "events.wait_for_run", states=skipped) == ""
    failed = {"states": skipped | {"events.submit": "failed"}, "params": continuous}
    assert ended("task_failed", "events.wait_for_run", **failed) == ""


def test_a_failure_of_notify_ends_when_notify_gets_as_far_as_asking():
    assert ended("task_failed", "notify") == "ok again"


def test_failed_findings_end_when_preflight_succeeds():
    assert ended("preflight_failed", "preflight") == "ok again"
    assert ended("preflight_failed", "preflight", states={"preflight": "failed"}) == ""


def test_silence_ends_when_the_events_were_looked_at_and_are_recent():
    silent = {"name": "no_new_files", "subject": "events.validate_rows"}
    assert ended(**silent, outcomes=[OUTCOME]) == "ok again"
    assert ended(**silent, outcomes=[OUTCOME], raised=frozenset({"no_new_files"})) == ""
    assert ended(**silent, outcomes=[replace(OUTCOME, kind="insights")]) == "no longer asked for"
    with_events = SOUND | {"events.validate_rows": "skipped"}
    assert ended(**silent, states=with_events) == ""


def test_silence_is_not_over_after_a_closed_period_and_is_when_nobody_asks_any_more():
    silent = {"name": "no_new_files", "subject": "events.validate_rows", "outcomes": [OUTCOME]}
    states = SOUND | {"events.validate_rows": "success"}
    closed = PARAMS | {"until": "2026-11-01"}
    assert ended(**silent, states=states, params=closed) == ""
    off = PARAMS | {"alert_silent_hours": 0}
    assert ended(**silent, states=states, params=off) == "no longer asked for"


def test_a_mismatch_ends_only_when_its_own_validation_succeeds():
    mismatch = {"name": "unbalanced", "subject": "events.validate_rows"}
    for state in ("failed", "skipped", "upstream_failed"):
        assert ended(**mismatch, states=SOUND | {"events.validate_rows": state}) == ""
    assert ended(**mismatch, states=SOUND | {"events.validate_rows": "success"}) == "ok again"
    # Nobody asks for the kind any more, and its records are still lost.
    assert ended(**mismatch, states=SOUND, params=PARAMS | {"kinds": ["insights"]}) == ""


def test_lateness_ends_when_a_later_run_goes_through():
    assert ended("late") == "ok again"
    assert ended("late", seen=NOW + HOUR) == ""
    assert ended("late", states=TOLD) == ""
    assert ended("late", params=PARAMS | {"preflight_only": True}) == ""


def test_every_lasting_event_has_an_end_here():
    lasting = {name for name, kind in EVENTS.items() if kind.lasting}
    # Gaps end by `alerts.gaps`: only the completeness check finds them.
    assert lasting - {"incomplete", "unproven"} == {
        "task_failed",
        "unbalanced",
        "preflight_failed",
        "no_new_files",
        "late",
    }


def test_the_tasks_that_failed_are_those_whose_own_try_failed():
    run = Evidence(
        task_id="notify",
        states=TOLD,
        outcomes=[],
        raised=frozenset(),
        started=datetime(2026, 1, 1, tzinfo=UTC),
        params={},
        now=NOW,
    )
    assert run.failed == ["events.submit"]
