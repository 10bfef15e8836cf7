"""SQL runs on a real Spark with Delta: results, errors, names and catalog as the service has them.

The first statement starts the Spark, a matter of twenty seconds; the session's stand-in keeps it.
"""

import signal

import psutil
import pytest
from databricks.sdk.errors import InvalidParameterValue, NotFound
from databricks.sdk.service.sql import (
    ExecuteStatementRequestOnWaitTimeout,
    StatementParameterListItem,
    StatementState,
)

from sandbox.aws.seed import LAKE_BUCKET
from tests.fixtures.databricks import WAREHOUSE_ID, alive, until

COUNT = "SELECT count(*), sum(n) FROM NAME"
SQL = "/api/2.0/sql/statements"


def execute(databricks, statement, **more):
    """Run a statement to its end and return the answer."""
    body = {"statement": statement, "warehouse_id": WAREHOUSE_ID, "wait_timeout": "50s", **more}
    answer = databricks.call("POST", SQL, json=body)
    assert answer.ok, answer.text
    found = answer.json()

    def done():
        found.update(databricks.call("GET", f"{SQL}/{found['statement_id']}").json())
        return found["status"]["state"] not in ("PENDING", "RUNNING")

    # A busy machine may take longer to start a Spark than the service waits.
    until(done, statement, seconds=180)
    return found


def rows(databricks, statement, **more):
    answer = execute(databricks, statement, **more)
    assert answer["status"] == {"state": "SUCCEEDED"}
    return answer["result"].get("data_array", [])


def error(databricks, statement, **more):
    answer = execute(databricks, statement, **more)
    assert answer["status"]["state"] == "FAILED"
    assert "manifest" not in answer
    return answer["status"]


@pytest.fixture(scope="module")
def table(databricks, aws):
    """The path of a Delta table on S3 with two versions, one row, then three, in an external location."""
    aws.client("s3").create_bucket(Bucket=LAKE_BUCKET)
    path = f"s3://{LAKE_BUCKET}/sql-of-the-tests/numbers"
    rows(databricks, "CREATE SCHEMA IF NOT EXISTS sec")
    rows(databricks, f"CREATE TABLE delta.`{path}` (n BIGINT) USING DELTA")
    for values in ("(1)", "(2), (3)"):
        rows(databricks, "INSERT INTO delta.`PATH` VALUES".replace("PATH", path) + values)
    return path


def test_the_sdk_runs_a_statement_and_reads_its_rows_as_text(databricks):
    rows(databricks, "SELECT 1")
    answer = databricks.sdk().statement_execution.execute_statement(
        "SELECT id, concat('n', id) AS name, NULL AS nothing FROM range(2)", WAREHOUSE_ID, wait_timeout="50s"
    )
    assert answer.status.state is StatementState.SUCCEEDED
    assert [column.as_dict() for column in answer.manifest.schema.columns] == [
        {"name": "id", "position": 0, "type_name": "LONG", "type_text": "BIGINT"},
        {"name": "name", "position": 1, "type_name": "STRING", "type_text": "STRING"},
        {"name": "nothing", "position": 2, "type_name": "NULL", "type_text": "VOID"},
    ]
    assert (answer.manifest.total_row_count, answer.manifest.truncated) == (2, False)
    assert answer.result.data_array == [["0", "n0", None], ["1", "n1", None]]


def test_every_type_has_its_name_and_its_text(databricks):
    expressions = {
        "true": ("BOOLEAN", "BOOLEAN", "true"),
        "1Y": ("TINYINT", "BYTE", "1"),
        "1S": ("SMALLINT", "SHORT", "1"),
        "1": ("INT", "INT", "1"),
        "1.50": ("DECIMAL(3,2)", "DECIMAL", "1.50"),
        "1e20D": ("DOUBLE", "DOUBLE", "1.0E20"),
        "DATE'2024-02-29'": ("DATE", "DATE", "2024-02-29"),
        "TIMESTAMP'2024-02-29 01:02:03.5Z'": ("TIMESTAMP", "TIMESTAMP", "2024-02-29T01:02:03.500Z"),
        "TIMESTAMP_NTZ'2024-02-29 01:02:03'": ("TIMESTAMP_NTZ", "TIMESTAMP", "2024-02-29T01:02:03.000"),
        "X'6162'": ("BINARY", "BINARY", "YWI="),
        "array(1, NULL)": ("ARRAY<INT>", "ARRAY", "[1,null]"),
        "map('k', 1L)": ("MAP<STRING, BIGINT>", "MAP", '{"k":1}'),
        "named_struct('a', 1, 'b', CAST(NULL AS STRING))": (
            "STRUCT<a: INT NOT NULL, b: STRING>",
            "STRUCT",
            '{"a":1,"b":null}',
        ),
    }
    answer = execute(databricks, f"SELECT {', '.join(expressions)}")
    found = zip(answer["manifest"]["schema"]["columns"], answer["result"]["data_array"][0], strict=True)
    assert [(column["type_text"], column["type_name"], text) for column, text in found] == list(
        expressions.values()
    )


def test_a_session_has_the_time_zone_of_the_warehouses_setting_and_gives_moments_in_utc(databricks):
    moment = "TIMESTAMP'2024-02-29 01:02:03Z'"
    asked = (
        f"SELECT current_timezone(), date_format({moment}, 'dd HH:mm'), CAST({moment} AS STRING), {moment}"
    )
    given = "2024-02-29T01:02:03.000Z"
    (row,) = execute(databricks, asked)["result"]["data_array"]
    assert row == ["America/New_York", "28 20:02", "2024-02-28 20:02:03", given]
    databricks.set_sql_time_zone("Asia/Kolkata")
    (row,) = execute(databricks, asked)["result"]["data_array"]
    databricks.set_sql_time_zone("America/New_York")
    assert row == ["Asia/Kolkata", "29 06:32", "2024-02-29 06:32:03", given]


def test_a_result_without_rows_has_no_data_array_as_on_the_service(databricks):
    answer = execute(databricks, "SELECT 1 AS one WHERE false")
    assert answer["manifest"]["total_row_count"] == 0
    assert answer["result"] == {"chunk_index": 0, "row_offset": 0, "row_count": 0}


def test_parameters_are_cast_to_their_types(databricks):
    given = [
        StatementParameterListItem(name="day", value="2024-02-29", type="DATE"),
        StatementParameterListItem(name="least", value="5", type="INT"),
        StatementParameterListItem(name="text", value="it's :day; DROP TABLE t"),
        StatementParameterListItem(name="none", type="STRING"),
    ]
    answer = databricks.sdk().statement_execution.execute_statement(
        "SELECT :day + INTERVAL 1 DAY, :least + 1, :text, :none",
        WAREHOUSE_ID,
        parameters=given,
        wait_timeout="50s",
    )
    assert answer.status.error is None
    assert answer.result.data_array == [["2024-03-01", "6", "it's :day; DROP TABLE t", None]]
    wrong = error(databricks, "SELECT :n", parameters=[{"name": "n", "value": "many", "type": "INT"}])
    assert wrong["error"]["message"].startswith("[CAST_INVALID_INPUT]")
    unbound = error(databricks, "SELECT :n")
    assert unbound["error"]["message"].startswith("[UNBOUND_SQL_PARAMETER]")


def test_the_row_limit_cuts_and_says_so(databricks):
    answer = execute(databricks, "SELECT id FROM range(9)", row_limit=2)
    assert (len(answer["result"]["data_array"]), answer["manifest"]["truncated"]) == (2, True)


@pytest.mark.parametrize(
    ("statement", "error_class", "sql_state"),
    [
        ("SELECT * FROM main.sec.nowhere", "[TABLE_OR_VIEW_NOT_FOUND]", "42P01"),
        ("SELECT * FROM other.sec.nowhere", "[NO_SUCH_CATALOG_EXCEPTION] Catalog 'other'", "42704"),
        ("CREATE TABLE nowhere.t (n INT) USING DELTA", "[SCHEMA_NOT_FOUND]", "42704"),
        ("SELEC 1", "[PARSE_SYNTAX_ERROR]", "42601"),
        ("SELECT 1/0", "[DIVIDE_BY_ZERO]", "22012"),
        ("SELECT nothing", "[UNRESOLVED_COLUMN", "42703"),
    ],
)
def test_an_error_carries_sparks_error_class_and_no_plan(databricks, statement, error_class, sql_state):
    status = error(databricks, statement)
    assert status["error"]["error_code"] == "BAD_REQUEST"
    assert status["error"]["message"].startswith(error_class)
    assert "+- " not in status["error"]["message"]
    assert "JVM stacktrace" not in status["error"]["message"]
    assert status["sql_state"] == sql_state


def test_a_table_on_s3_is_named_read_described_and_read_as_it_was(databricks, table):
    for name in ("sec.numbers", "main.sec.numbers_by_three_names"):
        create = f"CREATE TABLE IF NOT EXISTS {name} USING DELTA LOCATION '{table}'"
        assert rows(databricks, create) == []
        assert rows(databricks, create) == []
        assert rows(databricks, COUNT.replace("NAME", name)) == [["3", "6"]]
        assert rows(databricks, COUNT.replace("NAME", f"{name} VERSION AS OF 1")) == [["1", "1"]]
        detail = execute(databricks, f"DESCRIBE DETAIL {name}")
        names = [column["name"] for column in detail["manifest"]["schema"]["columns"]]
        found = dict(zip(names, detail["result"]["data_array"][0], strict=True))
        assert (found["format"], found["location"], found["partitionColumns"]) == ("delta", table, "[]")


def test_a_name_is_the_same_table_in_every_catalog_and_in_a_default_schema(databricks, table):
    rows(databricks, f"CREATE TABLE IF NOT EXISTS sec.numbers USING DELTA LOCATION '{table}'")
    for name in ("main.sec.numbers", "hive_metastore.sec.numbers"):
        assert rows(databricks, COUNT.replace("NAME", name)) == [["3", "6"]]
    assert rows(databricks, COUNT.replace("NAME", "numbers"), catalog="main", schema="sec") == [["3", "6"]]
    assert rows(databricks, "USE sec") == []
    assert error(databricks, "SELECT * FROM numbers")["sql_state"] == "42P01"
    missing = error(databricks, "SELECT 1", catalog="other")
    assert missing["error"]["message"].startswith("[NO_SUCH_CATALOG_EXCEPTION]")
    assert error(databricks, "SELECT 1", schema="other")["error"]["message"].startswith("[SCHEMA_NOT_FOUND]")


def test_a_statement_that_is_not_waited_for_is_pending_then_polled(databricks):
    sdk = databricks.sdk().statement_execution
    answer = sdk.execute_statement("SELECT 7", WAREHOUSE_ID, wait_timeout="0s")
    assert answer.status.state in (StatementState.PENDING, StatementState.RUNNING)
    assert answer.result is None
    until(
        lambda: sdk.get_statement(answer.statement_id).status.state is StatementState.SUCCEEDED,
        "the statement",
    )
    assert sdk.get_statement(answer.statement_id).result.data_array == [["7"]]
    assert sdk.get_statement_result_chunk_n(answer.statement_id, 0).data_array == [["7"]]
    with pytest.raises(NotFound):
        sdk.get_statement_result_chunk_n(answer.statement_id, 1)


FOREVER = "SELECT sum(id % 7) FROM range(1000000000000000)"


def test_a_statement_can_be_cancelled_and_the_spark_goes_on(databricks):
    sdk = databricks.sdk().statement_execution
    statement_id = sdk.execute_statement(FOREVER, WAREHOUSE_ID, wait_timeout="0s").statement_id
    until(
        lambda: sdk.get_statement(statement_id).status.state is StatementState.RUNNING, "the statement to run"
    )
    sdk.cancel_execution(statement_id)
    assert sdk.get_statement(statement_id).status.state is StatementState.CANCELED
    late = sdk.execute_statement(
        FOREVER, WAREHOUSE_ID, wait_timeout="5s", on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CANCEL
    )
    assert late.status.state is StatementState.CANCELED
    # Needs a core of the two that the cancelled statements would hold for ever.
    assert rows(databricks, "SELECT count(*) FROM range(0, 10, 1, 4)") == [["10"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"warehouse_id": "other"}, "other is not a valid endpoint id."),
        ({"wait_timeout": "3s"}, "Invalid wait_timeout '3s': it must be 0s, or between 5s and 50s"),
        ({"wait_timeout": "51s"}, "Invalid wait_timeout '51s'"),
        ({"statement": " "}, "The statement must not be empty"),
        ({"format": "CSV"}, "The format must be JSON_ARRAY when the disposition is INLINE"),
        ({"warehouse": "x"}, "Unknown field warehouse (did you mean warehouse_id?)"),
        ({"parameters": [{"name": "a"}, {"name": "a"}]}, "The parameter 'a' is given 2 times"),
        ({"parameters": [{"name": "a", "type": "INT) --"}]}, "Invalid type 'INT) --' of parameter 'a'"),
    ],
)
def test_a_statement_that_the_service_would_not_take_is_refused(databricks, change, message):
    answer = databricks.call(
        "POST", SQL, json={"statement": "SELECT 1", "warehouse_id": WAREHOUSE_ID, **change}
    )
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert answer.json()["message"].startswith(message)


def test_an_unknown_statement_and_a_form_of_results_that_is_not_there_are_refused(databricks):
    sdk = databricks.sdk()
    with pytest.raises(NotFound, match="The statement none was not found"):
        sdk.statement_execution.get_statement("none")
    with pytest.raises(InvalidParameterValue, match="not a valid endpoint id"):
        sdk.statement_execution.execute_statement("SELECT 1", "other")
    links = {"statement": "SELECT 1", "warehouse_id": WAREHOUSE_ID, "disposition": "EXTERNAL_LINKS"}
    assert databricks.call("POST", SQL, json=links).status_code == 501


def begun(databricks):
    """The id of a statement that runs and will not end by itself."""
    sdk = databricks.sdk().statement_execution
    statement_id = sdk.execute_statement(FOREVER, WAREHOUSE_ID, wait_timeout="0s").statement_id
    until(
        lambda: sdk.get_statement(statement_id).status.state is StatementState.RUNNING, "the statement to run"
    )
    return statement_id


def test_names_survive_a_kill_and_statements_that_were_lost_with_it_fail(databricks, table):
    rows(databricks, f"CREATE TABLE default.kept USING DELTA LOCATION '{table}'")
    rows(databricks, "CREATE VIEW default.seen AS SELECT max(n) AS m FROM kept")
    lost = begun(databricks)
    engine = databricks.call("GET", "/health").json()["sql"]["pid"]
    databricks.stop(signal.SIGKILL)
    databricks.start()
    failed = databricks.call("GET", f"{SQL}/{lost}").json()["status"]
    assert (failed["state"], failed["error"]["error_code"]) == ("FAILED", "ABORTED")
    assert rows(databricks, "SELECT count(*), max(m) FROM main.default.kept, default.seen") == [["3", "3"]]
    assert not alive([engine])


def test_a_statement_fails_when_its_spark_dies(databricks):
    rows(databricks, "SELECT 1")
    spark = databricks.call("GET", "/health").json()["sql"]
    assert spark["state"] == "running"
    assert spark["resident_mb"] > 100
    statement_id = begun(databricks)
    psutil.Process(spark["pid"]).kill()
    path = f"{SQL}/{statement_id}"
    until(lambda: databricks.call("GET", path).json()["status"]["state"] == "FAILED", "its failure")
    died = databricks.call("GET", path).json()["status"]["error"]
    assert died["error_code"] == "INTERNAL_ERROR"
    assert "The warehouse's Spark ended unexpectedly" in died["message"]
    assert databricks.call("GET", "/health").json()["sql"]["state"] == "stopped"
