"""The preflight task on a real SQL warehouse: what the names of tables, views and schemas stand for."""

from contextlib import suppress

import pytest

from cloudtrail_to_delta.errors import PreflightError
from cloudtrail_to_delta.operators.preflight import PreflightOperator, has_schema
from cloudtrail_to_delta.records.findings import FINDINGS_KEY
from sandbox.warehouse import Warehouse
from tests.integration.plugins.cloudtrail_to_delta.conftest import (
    form_values,
    request_dicts,
    run_to_end,
    task_context,
)

LOOKING = {"ListObjects", "HeadBucket", "HeadObject", "GetBucketEncryption", "GetObject"}
LOOKING |= {"DescribeTrails", "GetTrailStatus"}
READING = ("DESCRIBE DETAIL ", "DESCRIBE SCHEMA ", "SHOW TBLPROPERTIES ")


@pytest.fixture
def sql(connections, databricks):
    """Statements on the warehouse, by somebody else."""
    return Warehouse(databricks.host, databricks.token).sql


def names_of(**changed):
    """The findings about names, as the task leaves them in its XCom; other checks may fail or not."""
    return {one["subject"]: one for one in findings_of(**changed) if one["check"] == "table_name"}


def findings_of(**changed):
    """All findings, as the task leaves them in its XCom."""
    params = form_values(kinds=["events"], iam_simulation="off", **changed)
    operator = PreflightOperator(
        task_id="preflight",
        requests=request_dicts(params),
        aws_conn_id="aws_default",
        databricks_conn_id="databricks_default",
        warehouse_id=params["warehouse_id"],
        poll_seconds=1,
    )
    context = task_context(params=params)
    with suppress(PreflightError):
        run_to_end(operator, context)
    return context["ti"].pushed[FINDINGS_KEY]


def statuses(found):
    return {subject: one["status"] for subject, one in found.items()}


def test_the_task_writes_and_submits_nothing(aws, databricks, sql):
    sql("SELECT 1")
    names_before = sql("SHOW TABLES")
    aws.forget_requests()
    databricks.call("DELETE", "/sandbox/requests")
    names_of(events_table="untouched")
    asked = databricks.call("GET", "/sandbox/requests").json()["requests"]
    # Nor does it start the warehouse.
    assert {request["path"] for request in asked if request["method"] != "GET"} == set()
    assert {request["action"].removesuffix("V2") for request in aws.requests()} <= LOOKING
    assert sql("SHOW TABLES") == names_before


def test_only_names_in_the_legacy_metastore_need_statements_and_each_only_reads(connections):
    requests = request_dicts(
        form_values(events_table="hive_metastore.sec.events", insights_table="main.sec.insights")
    )
    operator = PreflightOperator(
        task_id="preflight", requests=requests, databricks_conn_id="databricks_default"
    )
    statements = operator.gather({})["statements"]
    assert len(statements) == 9
    assert all(one.startswith(READING) and "`hive_metastore`" in one for one in statements)


def test_names_in_the_legacy_metastore_are_looked_up_on_the_warehouse(sql):
    sql("CREATE SCHEMA IF NOT EXISTS hive_metastore.old")
    sql("CREATE OR REPLACE VIEW hive_metastore.old.theirs_files AS SELECT 1 AS one")
    found = names_of(events_table="hive_metastore.old.theirs")
    assert {subject for subject, one in found.items() if one["status"] == "failed"} == {
        "hive_metastore.old.theirs_files"
    }


def test_names_that_nobody_has_are_free_in_a_schema_that_is_there(sql):
    sql("CREATE SCHEMA IF NOT EXISTS main.audited")
    found = names_of(events_table="main.audited.fresh")
    assert statuses(found) == {
        "schema main.audited": "ok",
        "main.audited.fresh": "ok",
        "main.audited.fresh_quarantine": "ok",
        "main.audited.fresh_files": "ok",
        "main.audited.fresh_schema_drift": "ok",
        "main.audited.fresh_accounts": "ok",
        "main.audited.fresh_flat": "ok",
        "main.audited.fresh_unique": "ok",
        "main.audited.fresh_proof": "ok",
    }
    assert {one["detail"] for one in found.values()} == {"exists", "free"}


@pytest.mark.parametrize("schema", ["main.nowhere", "nowhere"])
def test_a_schema_that_is_not_there_is_one_failure(sql, schema):
    found = names_of(events_table=f"{schema}.fresh")
    assert [subject for subject, one in found.items() if one["status"] == "failed"] == [f"schema {schema}"]
    assert f"CREATE SCHEMA {schema}" in found[f"schema {schema}"]["remedy"]


def test_a_catalog_that_is_not_there_has_no_schema():
    # Databricks' words; open-source Spark has no Unity Catalog to ask.
    words = "BAD_REQUEST [NO_SUCH_CATALOG_EXCEPTION] Catalog 'nocatalog' was not found. SQLSTATE: 42704"
    assert not has_schema("nocatalog.sec", {"error": words})


def test_a_warehouse_that_is_not_there_is_one_failure_and_legacy_names_are_not_looked_at(connections):
    found = findings_of(warehouse_id="other", events_table="hive_metastore.default.events")
    (names,) = [one for one in found if one["check"] == "table_name"]
    assert (names["status"], names["remedy"]) == ("skipped", "")
    assert names["detail"] == "not checked: the check of warehouse other failed"
    (failed,) = [one for one in found if one["status"] == "failed" and "other" in str(one)]
    assert failed["subject"] == "warehouse other"
    assert failed["remedy"].startswith("Trigger the DAG again with the correct warehouse_id")


def test_names_that_somebody_else_has_fail_each_for_its_reason(sql):
    for suffix in ("", "_files", "_accounts", "_flat", "_unique", "_proof"):
        sql(f"CREATE OR REPLACE VIEW theirs{suffix} AS SELECT 1 AS one")
    sql("CREATE TABLE IF NOT EXISTS theirs_quarantine USING DELTA AS SELECT 1 AS one")
    sql("CREATE TABLE IF NOT EXISTS theirs_schema_drift USING DELTA AS SELECT 1 AS one")
    found = names_of(events_table="theirs")
    assert set(statuses(found).values()) == {"failed"}
    assert "is the name of a view" in found["theirs"]["detail"]
    assert "is the name of a table at 'file:" in found["theirs_quarantine"]["detail"]
    foreign = [name for name, one in found.items() if "this pipeline did not create" in one["detail"]]
    views = {f"theirs_{view}" for view in ("files", "schema_drift", "accounts", "flat", "unique", "proof")}
    assert {name for names in foreign for name in names.split(", ")} == views
    assert all(one["remedy"] for one in found.values())
