"""Waiting for a run: deferred while it is active, and its own error when it fails."""

import asyncio

import pytest
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferred

from cloudtrail_to_delta.errors import DatabricksRunError
from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.operators.validate import ValidateRowsOperator
from cloudtrail_to_delta.operators.wait import RunEndTrigger, WaitForIngestRunOperator
from tests.integration.plugins.cloudtrail_to_delta.conftest import (
    DIES,
    FAILS,
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


def wait_operator(run_id, stream_trigger="available_now"):
    return WaitForIngestRunOperator(
        task_id="wait_for_run",
        run_id=run_id,
        databricks_conn_id="databricks_default",
        stream_trigger=stream_trigger,
    )


def test_an_active_run_is_waited_for_in_the_triggerer(stage, connections):
    run_id = submit(stage(WAITS), "active")[0]
    with pytest.raises(TaskDeferred) as deferred:
        wait_operator(run_id).execute(task_context(params=form_values()))
    trigger = RunEndTrigger(**deferred.value.trigger.serialize()[1])
    asyncio.run(trigger.on_kill())
    event = fire(trigger)
    assert event == {"run_id": run_id}
    assert state_of(run_id)["result_state"] == "CANCELED"
    with pytest.raises(DatabricksRunError, match=f"run {run_id} ended as CANCELED"):
        wait_operator(run_id).conclude(task_context(params=form_values()), event)


def test_a_wait_that_is_killed_before_it_defers_cancels_the_run(stage, connections):
    run_id = submit(stage(WAITS), "killed")[0]
    wait_operator(run_id).on_kill()
    assert state_of(finished(run_id))["result_state"] == "CANCELED"


def test_a_run_that_has_succeeded_is_not_waited_for(stage, connections):
    run_id = finished(submit(stage(SUCCEEDS), "fine")[0])
    wait_operator(run_id).execute(task_context(params=form_values()))


def test_a_failed_run_fails_the_task_with_the_jobs_own_error_and_its_page(stage, connections):
    run_id = finished(submit(stage(FAILS), "failing")[0])
    with pytest.raises(DatabricksRunError, match="the checkpoint belongs to another logs path") as failed:
        wait_operator(run_id).execute(task_context(params=form_values()))
    assert f"/{run_id}" in str(failed.value)


def test_a_driver_that_dies_silently_fails_the_task(stage, connections):
    run_id = finished(submit(stage(DIES), "dying")[0])
    with pytest.raises(DatabricksRunError, match=f"Databricks run {run_id} ended as"):
        wait_operator(run_id).execute(task_context(params=form_values()))


def test_a_continuous_stream_is_not_waited_for(connections):
    with pytest.raises(AirflowSkipException, match="Run 7 is a continuous stream"):
        wait_operator(7, "continuous").execute(task_context(params=form_values()))


def test_a_run_that_is_gone_fails_the_task_for_good_and_says_how_to_go_on(stage, connections, databricks):
    run_id = finished(submit(stage(FAILS), "gone")[0])
    assert databricks.call("POST", "/api/2.2/jobs/runs/delete", json={"run_id": run_id}).ok
    with pytest.raises(DatabricksRunError, match=rf"run {run_id} no longer exists.*clear `submit`"):
        wait_operator(run_id).execute(task_context(params=form_values()))


def test_a_run_that_a_person_cancels_says_which_task_starts_another(stage, connections):
    run_id = submit(stage(WAITS), "canceled by hand")[0]
    operator, context = wait_operator(run_id), task_context(params=form_values())
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context)
    IngestHook().cancel_run(run_id)
    finished(run_id)
    # The triggerer sees it, and a person who clears this task alone finds the same run.
    for ends in (
        lambda: operator.conclude(context, fire(deferred.value.trigger)),
        lambda: operator.execute(context),
    ):
        with pytest.raises(DatabricksRunError, match=rf"{run_id} ended as CANCELED.*clear `submit` with its"):
            ends()


def test_a_validation_of_a_run_that_is_gone_says_how_to_go_on(stage, connections, databricks):
    run_id = finished(submit(stage(SUCCEEDS), "validated late")[0])
    assert databricks.call("POST", "/api/2.2/jobs/runs/delete", json={"run_id": run_id}).ok
    operator = ValidateRowsOperator(
        task_id="validate_rows",
        kind="events",
        requests=request_dicts(form_values()),
        preflight=NOTHING_SKIPPED,
        run_id=run_id,
        aws_conn_id="aws_default",
        databricks_conn_id="databricks_default",
        warehouse_id="sandbox-warehouse",
    )
    with pytest.raises(DatabricksRunError, match=rf"run {run_id} no longer exists.*clear `submit`.*twice"):
        operator.execute(task_context(params=form_values()))
    # The run that is started then is another one.
    assert finished(submit(stage(SUCCEEDS), "validated late", try_number=2)[0]) != run_id
