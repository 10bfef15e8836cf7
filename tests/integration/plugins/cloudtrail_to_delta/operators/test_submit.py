"""Submitting: one run per DAG run and kind, whatever is retried; never two runs on one checkpoint."""

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowSkipException, TaskDeferred

from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.operators.submit import SubmitIngestOperator
from cloudtrail_to_delta.runs.pools import SUBMIT_POOL
from tests.fixtures.databricks import until
from tests.integration.plugins.cloudtrail_to_delta.conftest import (
    FAILS,
    FINAL_STATES,
    NOTHING_SKIPPED,
    SUCCEEDS,
    WAITS,
    finished,
    fire,
    form_values,
    request_dicts,
    state_of,
    submit,
    task_context,
)


@pytest.fixture
def running(connections, databricks):
    """Run ids that the test leaves active; canceled when it ends."""
    started = []
    yield started
    for run_id in started:
        IngestHook().cancel_run(run_id)
        finished(run_id)


def submit_operator(wheel):
    return SubmitIngestOperator(
        task_id="submit",
        kind="events",
        requests=request_dicts(form_values()),
        preflight=NOTHING_SKIPPED,
        wheel=wheel,
        databricks_conn_id="databricks_default",
    )


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


@pytest.fixture
def held(databricks):
    """Runs that are over stay TERMINATING until this is called; the service takes some seconds."""
    assert databricks.call("POST", "/sandbox/faults", json={"action": "hold_end"}).ok

    def release():
        assert databricks.call("DELETE", "/sandbox/faults").ok

    yield release
    release()


def test_a_run_that_is_being_canceled_is_waited_for_and_followed_by_another(stage, running, held):
    wheel = stage(WAITS)
    first, _ = submit(wheel, "terminating")
    IngestHook().cancel_run(first)
    until(lambda: state_of(first)["life_cycle_state"] == "TERMINATING", "the cancellation")
    operator, context = submit_operator(wheel), task_context(params=form_values(), run_id="terminating")
    with pytest.raises(TaskDeferred) as waiting:
        operator.execute(context)
    assert [run["run_id"] for run in IngestHook().active_ingest_runs()] == [first]
    held()
    assert fire(waiting.value.trigger)["run_id"] == finished(first)
    running.append(operator.resume(context, {"run_id": first}))
    assert running != [first]
    assert state_of(running[0])["life_cycle_state"] not in ("TERMINATING", *FINAL_STATES)


def test_a_cancellation_that_comes_just_after_the_look_of_a_cleared_task_is_seen(stage, running):
    wheel = stage(WAITS)
    first, _ = submit(wheel, "doubted")
    operator, context = submit_operator(wheel), task_context(params=form_values(), run_id="doubted")
    context["ti"].try_number = 2
    with pytest.raises(TaskDeferred) as settling:
        operator.execute(context)
    # The triggerer cancels the run for the cleared tasks that waited for it.
    IngestHook().cancel_run(first)
    running.append(operator.resume(context, fire(settling.value.trigger)))
    assert running != [first]


def test_an_active_run_that_nobody_cancels_is_taken_back_by_a_retry(stage, running, capsys):
    wheel = stage(WAITS)
    first, _ = submit(wheel, "taken back")
    running.append(first)
    capsys.readouterr()
    assert submit(wheel, "taken back", try_number=2)[0] == first
    log = capsys.readouterr().out
    assert f"Found again run {first}" in log
    assert "Submitted" not in log


def ends(databricks, run_id, how):
    """Brings an active run to its end."""
    if how == "lost":
        databricks.call("POST", "/sandbox/faults", json={"action": "lose_run", "run_id": run_id})
    else:
        IngestHook().cancel_run(run_id)
    finished(run_id)
    if how == "deleted":
        assert databricks.call("POST", "/api/2.2/jobs/runs/delete", json={"run_id": run_id}).ok


@pytest.mark.parametrize("how", ["lost", "canceled", "deleted"])
def test_a_run_is_followed_by_another_however_it_ended_without_success(stage, running, databricks, how):
    wheel = stage(WAITS)
    first, _ = submit(wheel, "ended")
    until(lambda: state_of(first)["life_cycle_state"] == "RUNNING", "the run")
    ends(databricks, first, how)
    running.append(submit(wheel, "ended", try_number=2)[0])
    assert running != [first]


def test_a_failed_run_that_a_person_starts_again_beside_its_successor_is_named(stage, running, databricks):
    wheel = stage(WAITS)
    first, _ = submit(wheel, "repaired")
    running.append(first)
    # What a repair or a repetition in Databricks leaves: a second active run of the same name.
    run = IngestHook().get_run(first)
    fields = ("task_key", "python_wheel_task", "libraries", "existing_cluster_id")
    task = {name: run["tasks"][0][name] for name in fields}
    running.append(databricks.submit(task, run_name=run["run_name"]))
    with pytest.raises(CloudTrailError, match=rf"run {running[1]} .*already working on.*or cancel it"):
        submit(wheel, "repaired")
    IngestHook().cancel_run(running[1])
    finished(running.pop())
    assert submit(wheel, "repaired")[0] == first


def test_a_token_that_databricks_has_forgotten_starts_a_run(stage, running, databricks):
    wheel = stage(WAITS)
    first, _ = submit(wheel, "forgotten")
    IngestHook().cancel_run(first)
    finished(first)
    # As after 60 days: neither the run nor its token is known.
    assert databricks.call("DELETE", f"/sandbox/runs/{first}").ok
    running.append(submit(wheel, "forgotten", try_number=2)[0])
    assert running != [first]


@pytest.mark.parametrize("try_number", [1, 2])
def test_a_payload_that_is_refused_is_no_deleted_run(stage, connections, try_number):
    with pytest.raises(AirflowException, match="luster gone does not exist"):
        submit(stage(SUCCEEDS), "refused", cluster_id="gone", try_number=try_number)


def test_clearing_after_a_success_waits_for_no_room(stage, running):
    first, _ = submit(stage(SUCCEEDS), "done")
    finished(first)
    running.append(submit(stage(WAITS), "other", events_table="b_events")[0])
    assert submit(stage(SUCCEEDS), "done", try_number=2, max_concurrent_runs=1)[0] == first


def test_a_retry_of_a_run_that_failed_waits_for_room(stage, running):
    first, _ = submit(stage(FAILS), "failed")
    finished(first)
    running.append(submit(stage(WAITS), "other", events_table="b_events")[0])
    with pytest.raises(TaskDeferred):
        submit(stage(FAILS), "failed", try_number=2, max_concurrent_runs=1)


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
    with pytest.raises(AirflowSkipException, match="does not include insights"):
        submit(stage(SUCCEEDS), "kinds", kind="insights", kinds=["events"])


left_out = pytest.mark.parametrize("why", ["skipped_kinds", "idle_kinds"])


@left_out
def test_a_kind_without_logs_or_new_ones_is_skipped_with_preflights_reason(stage, connections, why):
    reason = {why: {"insights": "no CloudTrail-Insight prefix yet"}}
    with pytest.raises(AirflowSkipException, match="no CloudTrail-Insight prefix yet"):
        submit(stage(SUCCEEDS), "insights", kind="insights", preflight=reason)


def test_while_as_many_runs_are_active_as_may_be_a_submit_waits_without_a_slot_and_submits_nothing(
    stage, running
):
    wheel = stage(WAITS)
    first, _ = submit(wheel, "one", events_table="a_events")
    running.append(first)
    with pytest.raises(TaskDeferred) as waiting:
        submit(wheel, "two", events_table="b_events", max_concurrent_runs=1)
    assert len(IngestHook().active_ingest_runs()) == 1
    assert waiting.value.method_name == "resume"
    trigger = waiting.value.trigger
    assert type(trigger)(**trigger.serialize()[1]).limit == 1
    IngestHook().cancel_run(first)
    finished(first)
    assert fire(trigger) == {"active": 0}
    running.append(submit(wheel, "two", events_table="b_events", max_concurrent_runs=1)[0])


def test_a_retry_whose_run_is_active_needs_no_more_room(stage, running):
    wheel = stage(WAITS)
    first, _ = submit(wheel, "retry", max_concurrent_runs=1)
    running.append(first)
    assert submit(wheel, "retry", max_concurrent_runs=1)[0] == first


def test_no_bound_is_no_bound(stage, running):
    wheel = stage(WAITS)
    for run_id, table in (("one", "a_events"), ("two", "b_events")):
        running.append(submit(wheel, run_id, events_table=table, max_concurrent_runs=0)[0])
    assert len(IngestHook().active_ingest_runs()) == 2


def test_of_runs_submitted_at_one_moment_those_beyond_the_bound_are_canceled_and_wait(stage, running):
    wheel = stage(WAITS)
    first, _ = submit(wheel, "one", events_table="a_events")
    second, _ = submit(wheel, "two", events_table="b_events")
    running += [first, second]
    # As if another Airflow had submitted the first one between this one's look and its submit.
    with pytest.raises(TaskDeferred):
        submit(wheel, "two", events_table="b_events", max_concurrent_runs=1)
    finished(second)
    assert [run["run_id"] for run in IngestHook().active_ingest_runs()] == [first]


def test_submit_is_in_the_pool_that_makes_look_and_submit_one_step():
    operator = SubmitIngestOperator(task_id="submit", kind="events", requests={}, preflight={}, wheel="")
    assert operator.pool == SUBMIT_POOL


def test_the_kinds_of_a_shared_run_are_one_run_whichever_comes_first(stage, running, databricks):
    wheel = stage(WAITS)
    shared = {"share_run": True, "kinds": ["events", "insights"]}
    first, _ = submit(wheel, "shared", kind="insights", **shared)
    running.append(first)
    assert submit(wheel, "shared", kind="events", **shared)[0] == first
    assert submit(wheel, "shared", kind="insights", **shared)[0] == first
    (active,) = IngestHook().active_ingest_runs()
    (task,) = databricks.run(first)["tasks"]
    assert task["python_wheel_task"]["named_parameters"]["kinds"] == "events,insights"
    assert active["run_name"].endswith("(cloudtrail_ingest, shared)")


def test_a_shared_run_takes_one_room_and_both_kinds_have_it(stage, running):
    wheel = stage(WAITS)
    shared = {"share_run": True, "max_concurrent_runs": 1}
    first, _ = submit(wheel, "shared", **shared)
    running.append(first)
    assert submit(wheel, "shared", kind="insights", **shared)[0] == first
    with pytest.raises(TaskDeferred):
        submit(wheel, "other", events_table="b_events", insights_table="b_insights", **shared)


@pytest.mark.parametrize("kind", ["events", "insights"])
def test_a_shared_run_is_a_rival_on_each_of_its_checkpoints(stage, running, kind):
    wheel = stage(WAITS)
    first, _ = submit(wheel, "one", share_run=True)
    running.append(first)
    checkpoint = f"cloudtrail-lake/checkpoints/cloudtrail_{kind}'"
    with pytest.raises(
        CloudTrailError, match=rf"run {first} .*working on checkpoint 's3://{checkpoint}\. Two"
    ):
        submit(wheel, "two", kind=kind)


def test_a_run_of_one_kind_is_a_rival_of_a_shared_one_also_for_the_other_kinds_task(stage, running):
    wheel = stage(WAITS)
    first, _ = submit(wheel, "one", kind="insights")
    running.append(first)
    for kind in ("events", "insights"):
        with pytest.raises(CloudTrailError, match=rf"run {first} .*checkpoints/cloudtrail_insights"):
            submit(wheel, "two", kind=kind, share_run=True)


def test_a_shared_run_that_failed_is_followed_by_one_for_all_its_kinds(stage, connections):
    first, _ = submit(stage(FAILS), "generation", share_run=True)
    finished(first)
    second, _ = submit(stage(SUCCEEDS), "generation", share_run=True)
    finished(second)
    assert second != first
    assert submit(stage(SUCCEEDS), "generation", kind="insights", share_run=True)[0] == second


@left_out
def test_a_kind_that_is_skipped_has_no_part_in_the_shared_run(stage, connections, databricks, why):
    reason = {why: {"insights": "no CloudTrail-Insight prefix yet"}}
    run, _ = submit(stage(SUCCEEDS), f"alone {why}", preflight=reason, share_run=True)
    finished(run)
    (task,) = databricks.run(run)["tasks"]
    assert task["python_wheel_task"]["named_parameters"]["kind"] == "events"
    with pytest.raises(AirflowSkipException, match="no CloudTrail-Insight prefix yet"):
        submit(stage(SUCCEEDS), f"alone {why}", kind="insights", preflight=reason, share_run=True)


def test_a_kind_whose_shared_run_is_over_waits_for_no_room(stage, running):
    first, context = submit(stage(SUCCEEDS), "shared", share_run=True)
    finished(first)
    running.append(submit(stage(WAITS), "other", events_table="b_events")[0])
    found = submit(
        stage(SUCCEEDS),
        "shared",
        kind="insights",
        share_run=True,
        max_concurrent_runs=1,
        pushed=context["ti"].pushed,
    )
    assert found[0] == first
