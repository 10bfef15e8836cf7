"""Conflicts of the tables are found before anything is planned, in the words of the set-up."""

import json

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.errors import PreflightError
from cloudtrail_to_delta.operators.setup_preflight import SetupTargetsOperator
from tests.integration.plugins.cloudtrail_to_delta.conftest import run_to_end, task_context
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import BUCKET

EVENTS = {"kinds": ["events"]}
OWNER = "checkpoints/cloudtrail_events/owner/part-00000-1.json"


def checked(request):
    """The findings of the task, by check and subject."""
    operator = SetupTargetsOperator(
        task_id="check_targets",
        request=request.to_dict(),
        databricks_conn_id="databricks_default",
        warehouse_id=request.warehouse_id,
        poll_seconds=1,
    )
    context = task_context(params={})
    run_to_end(operator, context)
    return {(one["check"], one["subject"]): one for one in context["ti"].pushed["findings"]}


def owner(**changed):
    """The marker of a checkpoint as the job writes it."""
    marker = {
        "kind": "events",
        "logs_path": "s3://others/AWSLogs/*/CloudTrail/*/*",
        "delta_path": "s3://lake/delta/cloudtrail_events",
        "table": "x",
        "created_at": "x",
    }
    return json.dumps(marker | changed).encode()


def test_a_conflict_is_found_while_there_is_no_log_bucket_and_names_only_params_of_the_form(workspace):
    s3 = workspace.world.client("s3")
    s3.delete_bucket(Bucket=BUCKET)
    s3.put_object(Bucket="lake", Key=OWNER, Body=owner())
    s3.put_object(Bucket="lake", Key="delta/cloudtrail_events/notes.txt", Body=b"x")
    with pytest.raises(PreflightError) as caught:
        checked(workspace.request(**EVENTS))
    message = str(caught.value)
    assert message.startswith("2 check(s) of the tables failed; nothing was planned or changed:")
    assert "belongs to another stream" in message
    assert "checkpoint_root" in message
    assert "events_checkpoint_path" not in message
    assert "submitted" not in message


def test_a_target_that_is_free_passes_and_a_new_log_bucket_is_no_failure(workspace):
    workspace.world.client("s3").delete_bucket(Bucket=BUCKET)
    found = checked(workspace.request(**EVENTS))
    assert {one["status"] for one in found.values()} == {"ok"}
    assert {check for check, _ in found} == {"bucket", "delta_target", "checkpoint"}


def test_with_a_warehouse_the_names_are_looked_up_too(workspace):
    found = checked(workspace.request(**EVENTS, warehouse_id="sandbox-warehouse"))
    assert found[("table_name", "cloudtrail_events")]["status"] == "ok"


def test_a_bucket_of_the_tables_that_is_not_there_is_named(workspace):
    with pytest.raises(PreflightError, match="there is no bucket 'lakee'"):
        checked(workspace.request(**EVENTS, target_root="s3://lakee/delta"))


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"mode": "remove"}, "nothing to check"), ({"actions": ["bucket", "trail"]}, "nothing uses the tables")],
)
def test_what_has_no_tables_is_skipped_in_words(workspace, changed, words):
    with pytest.raises(AirflowSkipException, match=words):
        checked(workspace.request(**EVENTS, **changed))
