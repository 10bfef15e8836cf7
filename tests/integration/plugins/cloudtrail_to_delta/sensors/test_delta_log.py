"""The sensor for the first commit: found, not yet, never, and a run that fails meanwhile."""

import asyncio
import json
import time

import pytest
from airflow.sdk.exceptions import TaskDeferred

from cloudtrail_to_delta.errors import DatabricksRunError, DeltaLogTimeoutError
from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.sensors.delta_log import DeltaLogSensor, DeltaLogTrigger
from tests.integration.plugins.cloudtrail_to_delta.conftest import (
    FAILS,
    WAITS,
    finished,
    fire,
    form_values,
    request_dicts,
    state_of,
    submit,
    task_context,
)


def sensor(run_id, table):
    return DeltaLogSensor(
        task_id="wait_for_delta_log",
        kind="events",
        requests=request_dicts(form_values(events_table=table)),
        run_id=run_id,
        aws_conn_id="aws_default",
        databricks_conn_id="databricks_default",
        timeout_minutes=1,
        poke_interval=1,
    )


def commit(aws, table, version=0):
    key = f"delta/{table}/_delta_log/{version:020}.json"
    body = json.dumps({"commitInfo": {"operation": "CREATE TABLE"}})
    aws.client("s3").put_object(Bucket="cloudtrail-lake", Key=key, Body=body.encode())


@pytest.fixture
def active_run(stage, connections, request):
    run_id = submit(stage(WAITS), request.node.name)[0]
    yield run_id
    if "result_state" not in state_of(run_id):
        IngestHook().cancel_run(run_id)
        finished(run_id)


def test_a_commit_that_is_there_ends_the_wait_with_its_version(aws, active_run):
    commit(aws, "found_events", version=0)
    commit(aws, "found_events", version=1)
    assert sensor(active_run, "found_events").execute(task_context(params=form_values())) == 1


def test_without_a_commit_the_wait_goes_to_the_triggerer_and_ends_with_the_commit(aws, active_run):
    waiting = sensor(active_run, "late_events")
    with pytest.raises(TaskDeferred) as deferred:
        waiting.execute(task_context(params=form_values()))
    trigger = DeltaLogTrigger(**deferred.value.trigger.serialize()[1])
    commit(aws, "late_events")
    event = fire(trigger)
    assert event == {"status": "found", "version": 0}
    assert waiting.conclude(task_context(params=form_values()), event) == 0


def test_a_commit_that_never_comes_says_what_was_looked_for_and_cancels_the_run(active_run):
    waiting = sensor(active_run, "never_events")
    with pytest.raises(TaskDeferred) as deferred:
        waiting.execute(task_context(params=form_values()))
    trigger = DeltaLogTrigger(**deferred.value.trigger.serialize()[1] | {"deadline": time.time()})
    event = fire(trigger)
    assert event == {"status": "timeout"}
    with pytest.raises(DeltaLogTimeoutError, match="s3://cloudtrail-lake/delta/never_events/_delta_log"):
        waiting.conclude(task_context(params=form_values()), event)
    assert state_of(finished(active_run))["result_state"] == "CANCELED"


def test_a_run_that_failed_ends_the_wait_at_once_with_its_error_even_beside_an_old_commit(
    aws, stage, connections
):
    commit(aws, "old_events")
    run_id = finished(submit(stage(FAILS), "sensor-failing")[0])
    with pytest.raises(DatabricksRunError, match="the checkpoint belongs to another logs path"):
        sensor(run_id, "old_events").execute(task_context(params=form_values()))


def test_a_person_who_cancels_the_wait_cancels_the_run(active_run):
    with pytest.raises(TaskDeferred) as deferred:
        sensor(active_run, "cancelled_events").execute(task_context(params=form_values()))
    asyncio.run(deferred.value.trigger.on_kill())
    assert state_of(finished(active_run))["result_state"] == "CANCELED"


def test_a_run_that_is_gone_ends_the_wait_at_once(stage, connections, databricks):
    run_id = finished(submit(stage(FAILS), "gone from the sensor")[0])
    assert databricks.call("POST", "/api/2.2/jobs/runs/delete", json={"run_id": run_id}).ok
    with pytest.raises(DatabricksRunError, match=rf"run {run_id} no longer exists"):
        sensor(run_id, "gone_events").execute(task_context(params=form_values()))
