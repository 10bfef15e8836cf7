"""Submitting: one run per DAG run and kind, whatever is retried; never two runs on one checkpoint."""

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail.errors import CloudTrailError
from cloudtrail.hooks.databricks import IngestHook
from tests.integration.plugins.cloudtrail.conftest import (
    FAILS,
    SUCCEEDS,
    WAITS,
    finished,
    submit,
)


@pytest.fixture
def running(connections, databricks):
    """Run ids that the test leaves active; cancelled when it ends."""
    started = []
    yield started
    for run_id in started:
        IngestHook().cancel_run(run_id)
        finished(run_id)


def test_a_retry_gets_the_active_run_back(stage, running):
    wheel = stage(WAITS)
    first, context = submit(wheel, "retry")
    running.append(first)
    again, _ = submit(wheel, "retry")
    assert again == first
    assert context["ti"].pushed["run_page_url"].endswith(str(first))


def test_clearing_after_a_success_starts_nothing(stage, connections):
    first, _ = submit(stage(SUCCEEDS), "cleared")
    finished(first)
    assert submit(stage(SUCCEEDS), "cleared")[0] == first


def test_only_a_run_that_ended_without_success_is_followed_by_another(stage, connections):
    first, _ = submit(stage(FAILS), "generation")
    finished(first)
    second, _ = submit(stage(FAILS), "generation")
    assert second != first
    finished(second)


def test_a_second_dag_run_on_an_active_checkpoint_is_refused_with_the_runs_page(stage, running):
    wheel = stage(WAITS)
    first, _ = submit(wheel, "one")
    running.append(first)
    with pytest.raises(CloudTrailError, match=rf"run {first} .*is already working on checkpoint") as refused:
        submit(wheel, "two")
    assert "clear this task" in str(refused.value)


def test_another_checkpoint_is_no_rival(stage, running):
    wheel = stage(WAITS)
    for run_id, table in (("one", "a_events"), ("two", "b_events")):
        running.append(submit(wheel, run_id, events_table=table)[0])
    assert len(set(running)) == 2


def test_a_kind_that_was_not_asked_for_is_skipped_in_words(stage, connections):
    with pytest.raises(AirflowSkipException, match="insights were not asked for"):
        submit(stage(SUCCEEDS), "kinds", kind="insights", kinds=["events"])


def test_a_kind_without_logs_is_skipped_with_preflights_reason(stage, connections):
    reason = {"skipped_kinds": {"insights": "no CloudTrail-Insight prefix yet"}}
    with pytest.raises(AirflowSkipException, match="no CloudTrail-Insight prefix yet"):
        submit(stage(SUCCEEDS), "insights", kind="insights", preflight=reason)
