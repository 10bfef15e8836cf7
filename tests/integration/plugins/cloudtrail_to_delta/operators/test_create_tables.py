"""Names by SQL on real Delta files: created once, never moved, never somebody else's."""

import pytest
from deltalake import write_deltalake

from cloudtrail_to_delta.errors import FatalError
from cloudtrail_to_delta.operators.tables import CreateTablesOperator
from cloudtrail_to_delta.tables.views import FILES, MARK
from sandbox.warehouse import Warehouse
from tests.integration.plugins.cloudtrail_to_delta.conftest import (
    form_values,
    request_dicts,
    run_to_end,
    task_context,
)
from tests.integration.plugins.cloudtrail_to_delta.operators.conftest import QUARANTINE, TABLE, rows


def create(name, **changed):
    params = form_values(events_table=name, **changed)
    operator = CreateTablesOperator(
        task_id="create_tables",
        kind="events",
        requests=request_dicts(params),
        databricks_conn_id="databricks_default",
        warehouse_id=params["warehouse_id"],
        poll_seconds=1,
    )
    return run_to_end(operator, task_context(params=params))


def test_both_names_are_created_and_creating_them_again_changes_nothing_and_wakes_no_warehouse(
    write, connections, databricks
):
    write("created", rows("a", [0], records=1))
    views = ("files", "schema_drift", "accounts", "flat", "unique")
    names = ["created", "created_quarantine", *(f"created_{view}" for view in views)]
    assert create("created") == names
    databricks.forget_requests()
    assert create("created") == names
    assert databricks.statements() == 0


def test_names_of_accounts_are_in_the_views_and_a_change_costs_one_statement(write, connections, databricks):
    write("named", rows("a", [0], records=1))
    create("named", account_names={"111122223333": {"alias": "payments"}})
    sql = Warehouse(databricks.host, databricks.token).sql
    (row,) = sql("SELECT id, alias, owner FROM named_accounts")
    assert row == {"id": "111122223333", "alias": "payments", "owner": None}
    databricks.forget_requests()
    create("named", account_names={"111122223333": {"alias": "payments", "owner": "ada"}})
    assert databricks.statements() == 1
    assert sql("SELECT owner FROM named_accounts") == [{"owner": "ada"}]
    (row,) = sql("SELECT COUNT(*) AS n, COUNT(account_owner) AS named FROM named_flat")
    assert row == {"n": "1", "named": "0"}


def test_the_views_answer_and_an_earlier_definition_of_ours_is_replaced(write, connections, databricks):
    write("viewed", rows("s3://b/AWSLogs/111122223333/CloudTrail/a", [0], records=2))
    create("viewed")
    sql = Warehouse(databricks.host, databricks.token).sql
    sql(f"ALTER VIEW viewed_files SET TBLPROPERTIES ('{MARK}' = 'an older one')")
    create("viewed")
    (row,) = sql("SELECT account, records, kept, balanced FROM viewed_files")
    assert row == {"account": "111122223333", "records": "2", "kept": "1", "balanced": "false"}
    assert sql("SELECT * FROM viewed_schema_drift") == []
    marks = {row["key"]: row["value"] for row in sql("SHOW TBLPROPERTIES viewed_files")}
    assert marks[MARK] != "an older one"
    comments = {row["col_name"]: row["comment"] for row in sql("DESCRIBE TABLE viewed_files")}
    assert comments == FILES


def test_a_view_or_table_of_somebody_else_is_never_replaced(write, connections, databricks):
    write("ours", rows("a", [0], records=1))
    sql = Warehouse(databricks.host, databricks.token).sql
    sql("CREATE VIEW ours_files AS SELECT 1 AS one")
    with pytest.raises(FatalError, match="'ours_files' already exists and this pipeline did not create it"):
        create("ours")
    assert sql("SELECT * FROM ours_files") == [{"one": "1"}]


def test_a_name_of_three_levels_has_its_views_beside_it(write, connections, databricks):
    write("deep", rows("a", [0], records=1))
    sql = Warehouse(databricks.host, databricks.token).sql
    sql("CREATE SCHEMA IF NOT EXISTS main.security")
    names = create("main.security.deep", extra_views=["ocsf", "variant"])
    views = ("files", "schema_drift", "accounts", "flat", "unique")
    extra = ("ocsf_api_activity", "ocsf_authentication", "ocsf_account_change", "ocsf_entity_management")
    assert names[2:] == [f"main.security.deep_{view}" for view in (*views, *extra, "variant")]
    assert sql("SELECT COUNT(*) AS n FROM main.security.deep_files") == [{"n": "1"}]
    assert sql("SELECT class_uid FROM main.security.deep_ocsf_api_activity") == [{"class_uid": "6003"}]


def test_a_name_that_points_elsewhere_is_refused_with_both_places(write, connections):
    write("taken", rows("a", [0], records=1))
    create("taken")
    write("elsewhere", rows("a", [0], records=1))
    with pytest.raises(FatalError, match=r"'taken' points at 's3.*/taken', not at 's3.*/elsewhere'"):
        create("taken", events_delta_path="s3://cloudtrail-lake/delta/elsewhere")


def test_columns_that_were_added_by_path_come_into_unity_catalog(
    write, connections, databricks, lake_options
):
    # The quarantine of an earlier release, without a column of this one.
    older = QUARANTINE.remove(QUARANTINE.get_field_index("raw"))
    path = "s3://cloudtrail-lake/delta/grown_quarantine"
    write_deltalake(path, older.empty_table(), partition_by=["date"], storage_options=lake_options)
    write_deltalake(
        "s3://cloudtrail-lake/delta/grown",
        TABLE.empty_table(),
        partition_by=["date"],
        storage_options=lake_options,
    )
    create("grown")
    shown = "main.default.grown_quarantine"
    before = {one.name for one in databricks.sdk().tables.get(shown).columns}
    sql = Warehouse(databricks.host, databricks.token).sql
    sql(f"ALTER TABLE delta.`{path}` ADD COLUMNS (raw STRING)")
    assert {one.name for one in databricks.sdk().tables.get(shown).columns} == before
    databricks.forget_requests()
    create("grown")
    assert {one.name for one in databricks.sdk().tables.get(shown).columns} == before | {"raw"}
    assert databricks.statements() == 1


def test_an_unknown_warehouse_is_named(write, connections):
    write("nameless", rows("a", [0], records=1))
    with pytest.raises(Exception, match="no-such-warehouse"):
        create("nameless", warehouse_id="no-such-warehouse")
