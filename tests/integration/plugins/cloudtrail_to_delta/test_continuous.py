"""A continuous stream from its submission to what is told of it: the real wheel on the stand-in."""

import json
from datetime import UTC, datetime

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.operators.notify import NotifyOperator
from cloudtrail_to_delta.operators.report import render_summary
from cloudtrail_to_delta.operators.tables import CreateTablesOperator
from cloudtrail_to_delta.operators.validate import ValidateRowsOperator
from cloudtrail_to_delta.operators.wait import WaitForIngestRunOperator
from cloudtrail_to_delta.records.outcome import Outcome
from cloudtrail_to_delta.records.preflight import PreflightResult
from cloudtrail_to_delta.sensors.delta_log import DeltaLogSensor
from sandbox.aws.seed import LOGS_BUCKET
from sandbox.receiver import receiving
from sandbox.wheel import build
from tests.fixtures.databricks import until
from tests.integration.plugins.cloudtrail_to_delta.conftest import (
    NOTHING_SKIPPED,
    finished,
    form_values,
    request_dicts,
    run_to_end,
    submit,
    task_context,
)

TABLE = "streamed_events"
FOLDER = f"AWSLogs/111122223333/CloudTrail/us-east-1/{datetime.now(UTC):%Y/%m/%d}"
LOG = f"{FOLDER}/111122223333_CloudTrail_us-east-1_20261122T1200Z_a1b2c3d4e5f6g7h8.json"
RECORD = {"eventTime": "2026-11-22T11:58:00Z", "eventID": "1", "eventName": "Get"}
CONNECTIONS = {"databricks_conn_id": "databricks_default", "aws_conn_id": "aws_default"}


@pytest.fixture
def stream(aws, connections, supervisor, tmp_path):
    """The params of a continuous stream, and its run, which the test's end cancels."""
    aws.reset()
    wheel = build(folder=tmp_path)
    s3 = aws.client("s3")
    s3.upload_file(str(wheel), "cloudtrail-lake", f"code/{wheel.name}")
    changed = {"trigger": "continuous", "kinds": ["events"], "events_table": TABLE}
    run_id, _ = submit(f"s3://cloudtrail-lake/code/{wheel.name}", "continuous", **changed)
    yield form_values(**changed, warehouse_id="sandbox-warehouse", minimum_rows=1), run_id, s3
    IngestHook().cancel_run(run_id)
    finished(run_id)


def test_a_stream_that_has_read_nothing_is_said_to_be_unproven_and_what_it_reads_is_proven_later(
    stream, monkeypatch
):
    params, run_id, s3 = stream
    asked = {"kind": "events", "requests": request_dicts(params), "warehouse_id": "sandbox-warehouse"}
    asked |= {"databricks_conn_id": "databricks_default", "poll_seconds": 1}

    def validate():
        return run_to_end(
            ValidateRowsOperator(
                task_id="validate_rows",
                run_id=run_id,
                preflight=NOTHING_SKIPPED,
                aws_conn_id="aws_default",
                **asked,
            ),
            task_context(params=params),
        )

    sensor = DeltaLogSensor(
        task_id="wait_for_delta_log",
        kind="events",
        requests=asked["requests"],
        run_id=run_id,
        timeout_minutes=5,
        poke_interval=1,
        **CONNECTIONS,
    )
    assert run_to_end(sensor, task_context(params=params)) >= 0
    run_to_end(CreateTablesOperator(task_id="create_tables", **asked), task_context(params=params))
    waiting = WaitForIngestRunOperator(
        task_id="wait_for_run",
        run_id=run_id,
        databricks_conn_id="databricks_default",
        stream_trigger="continuous",
    )
    with pytest.raises(AirflowSkipException, match="runs until you cancel it"):
        waiting.execute(task_context(params=params))

    outcome = validate()
    assert (outcome["pending"], outcome["row_count"]) == (True, 0)
    summary = render_summary(
        [Outcome.from_dict(outcome)], PreflightResult(summary="ok"), now=datetime.now(UTC)
    )
    assert "the continuous stream has not finished a micro-batch yet" in summary
    with receiving() as receiver:
        monkeypatch.setenv("AIRFLOW_CONN_SECURITY", receiver.connection())
        context = task_context(params=params | {"alert_conn_ids": ["security"]})
        NotifyOperator(task_id="notify", validations=[outcome]).execute(context)
        assert receiver.messages == []

    body = json.dumps({"Records": [RECORD, 7]}).encode()
    s3.put_object(Bucket=LOGS_BUCKET, Key=LOG, Body=body)
    until(lambda: not validate()["pending"], "the stream's first batch", seconds=300)
    outcome = validate()
    assert (outcome["run_files"], outcome["run_rows"], outcome["run_quarantined"]) == (1, 1, 1)
    assert outcome["reasons"] == {"not_an_object": 1}
