"""The ingest's preflight at the end of a set-up, over HTTP but for its SQL."""

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.errors import PreflightError
from cloudtrail_to_delta.operators.setup_preflight import SetupPreflightOperator
from tests.integration.plugins.cloudtrail_to_delta.conftest import task_context
from tests.integration.plugins.cloudtrail_to_delta.setup.databricks.test_verify_access import (
    APPROVED,
    PLANNED,
)

WAREHOUSE = {
    "events_table": "hive_metastore.default.cloudtrail_events",
    "insights_table": "hive_metastore.default.cloudtrail_insights",
    "warehouse_id": "sandbox-warehouse",
    "kinds": ["events"],
}


def operator(request):
    return SetupPreflightOperator(
        task_id="preflight",
        request=request.to_dict(),
        planned=PLANNED,
        approval=APPROVED,
        databricks_conn_id="databricks_default",
        warehouse_id="sandbox-warehouse",
    )


def checked(request):
    """The findings of a preflight for which the table names are free."""
    one, context = operator(request), task_context(params={})
    one.aws_conn_id = "aws_default"
    facts = one.gather(context)
    nothing = {"error": "[TABLE_OR_VIEW_NOT_FOUND] no such table"}
    free = [{"rows": []} if "SCHEMA" in one else nothing for one in facts["statements"]]
    try:
        one.conclude(context, facts, free)
    finally:
        found = {(item["check"], item["subject"]): item for item in context["ti"].pushed["findings"]}
    return found


def test_what_the_set_up_made_passes_although_no_log_file_is_there_yet(workspace):
    request = workspace.made(**WAREHOUSE)
    found = checked(request)
    failed = {check for (check, _), item in found.items() if item["status"] == "failed"}
    assert failed == {"log_listing"}
    cluster = next(one for one in workspace.sdk.clusters.list() if one.cluster_name == "cloudtrail")
    assert found[("databricks", f"cluster {cluster.cluster_id}")]["status"] == "ok"
    assert "allowed" in str([item for (check, _), item in found.items() if check == "iam_simulation"])


def test_a_right_that_was_taken_away_is_found(workspace):
    request = workspace.made(**WAREHOUSE)
    iam = workspace.world.client("iam")
    iam.delete_role_policy(RoleName="cloudtrail-reader", PolicyName="cloudtrail-setup-cloudtrail")
    with pytest.raises(PreflightError, match="s3:PutObject"):
        checked(request)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"warehouse_id": None}, "warehouse_id is not given"),
        ({"databricks_compute": "none"}, "databricks_compute is not given"),
        ({"mode": "remove"}, "nothing to check"),
    ],
)
def test_without_what_it_takes_the_task_says_so_and_skips(workspace, changed, words):
    with pytest.raises(AirflowSkipException, match=words):
        operator(workspace.request(**(WAREHOUSE | changed))).execute(task_context(params={}))
