"""What real tasks leave as XComs has the shape of the records of which the pages' tests are made.

With `RECORD_RELEASE=1` in the environment the test writes them anew, into a file of this version. The files
of earlier versions stay: the pages show what any release left.
"""

import json
import os

import pytest

from cloudtrail_to_delta.operators.notify import NotifyOperator
from cloudtrail_to_delta.operators.validate import ValidateRowsOperator
from cloudtrail_to_delta.preflight import PreflightReport
from cloudtrail_to_delta.records.findings import Finding, Findings
from cloudtrail_to_delta.records.preflight import PreflightResult
from sandbox.receiver import receiving
from tests.fixtures.metadata import CURRENT, left_by_release
from tests.integration.plugins.cloudtrail_to_delta.conftest import (
    NOTHING_SKIPPED,
    SUCCEEDS,
    finished,
    form_values,
    request_dicts,
    run_to_end,
    submit,
    task_context,
)
from tests.integration.plugins.cloudtrail_to_delta.operators.conftest import rows

LOG_FILE = "s3://b/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/22/a"
FINDINGS = (
    Finding(check="bucket", subject="logs", status="ok", detail="it can be listed"),
    Finding(check="digests", subject="logs", status="warning", detail="there are none", remedy="Switch on."),
)


@pytest.fixture
def left(write, named, stage, connections, supervisor, monkeypatch):
    """What one run leaves: the XComs that the pages read, as task, key and value."""
    run_id = finished(submit(stage(SUCCEEDS), "tables")[0])
    bad = rows(LOG_FILE, [2], records=3, reason="no_event_time")
    write("left", rows(LOG_FILE, [0, 1], records=3), bad)
    named("left")
    with receiving() as receiver:
        monkeypatch.setenv("AIRFLOW_CONN_SECURITY", receiver.connection())
        params = form_values(events_table="left", alert_conn_ids=["security"], kinds=["events"])
        requests = request_dicts(params)
        validate = ValidateRowsOperator(
            task_id="validate_rows",
            kind="events",
            requests=requests,
            run_id=run_id,
            preflight=NOTHING_SKIPPED,
            aws_conn_id="aws_default",
            databricks_conn_id="databricks_default",
            warehouse_id=params["warehouse_id"],
            poll_seconds=1,
        )
        context = task_context(params=params)
        outcome = run_to_end(validate, context)
        told = task_context(params=params)
        NotifyOperator(task_id="notify", validations=[outcome]).execute(told)
    for note in told["ti"].pushed["alerts"]:
        # There is no Airflow here to remember it.
        note["state_error"] = ""
    report = PreflightReport(findings=FINDINGS, skipped_kinds={"insights": "there are none"}, seconds=1.0)
    found = {
        ("resolve", "return_value"): requests,
        ("preflight", "return_value"): PreflightResult(
            summary=report.summary_line(), skipped_kinds=report.skipped_kinds
        ).to_dict(),
        ("preflight", "findings"): Findings(found=report.findings).to_list(),
        ("events.submit", "run_page_url"): "https://dbc-a1b2.cloud.databricks.com/jobs/runs/1",
        ("events.validate_rows", "return_value"): outcome,
        **{("events.validate_rows", key): value for key, value in context["ti"].pushed.items()},
        **{("notify", key): value for key, value in told["ti"].pushed.items()},
    }
    return [[task, key, value] for (task, key), value in found.items()]


def shape(value, inside=""):
    """The names of the fields in a value, with what they are in."""
    if isinstance(value, dict):
        return {f"{inside}.{name}" for name in value}.union(
            *(shape(one, f"{inside}.{n}") for n, one in value.items())
        )
    if isinstance(value, list):
        return set().union(*(shape(one, f"{inside}[]") for one in value))
    return set()


def test_the_records_that_the_pages_tests_are_made_of_have_no_field_that_the_real_ones_lack(left):
    if os.environ.get("RECORD_RELEASE"):
        CURRENT.write_text(json.dumps(left, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    real = {(task, key): value for task, key, value in left}
    for task, key, value in left_by_release(CURRENT):
        assert shape(value) <= shape(real[task, key]), (task, key)
